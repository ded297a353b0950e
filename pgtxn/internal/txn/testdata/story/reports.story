# What the server reports (23, 24), and what comes of it.

## A report is about the value in force
q: SET application_name = 'A'
c
s: application_name=A
z: I
q: BEGIN; SET LOCAL application_name = 'B'
c 2
s: application_name=B
z: T
vars
= application_name=A/B
q: COMMIT
c
s: application_name=A
z: I
vars
= application_name=A

## The revert of a value to its start-up value is no change
q: BEGIN; SET timezone = 'UTC'
c 2
s: TimeZone=UTC
z: T
q: ROLLBACK
c
s: TimeZone=Europe/Berlin
z: I
vars
= nothing set

## The report of a value that LOCAL TO DEFAULT masks leaves it masked
q: SET timezone = 'UTC'
c
s: TimeZone=UTC
z: I
q: BEGIN; SET LOCAL timezone TO DEFAULT
c 2
s: TimeZone=Europe/Berlin
z: T
vars
= timezone=UTC/default
q: RESET ALL; COMMIT
c 2
s: TimeZone=UTC
z: I
vars
= timezone=UTC

## Up to PostgreSQL 13 a report comes before the CommandComplete
q: SET timezone = 'utc'
s: TimeZone=UTC
c
z: I
vars
= timezone=UTC

## Of several changes in a message the last is reported
q: SET datestyle = 'SQL'; SAVEPOINT a; SET datestyle = 'DMY'
c
e
z: I
q: BEGIN; SET datestyle = 'SQL'; SAVEPOINT a; SET datestyle = 'DMY'
c 4
s: DateStyle=SQL, DMY
z: T
vars
= datestyle=SQL, DMY
q: ROLLBACK TO a
c
s: DateStyle=SQL, MDY
z: T
vars
= datestyle=SQL, MDY

## A report between batches counts at once; one for the next batch does not come early
q: SET timezone = 'utc'
c
z: I
s: TimeZone=UTC
vars
= timezone=UTC

## Variables that nobody can set are not tracked
q: SET SESSION AUTHORIZATION a
c
s: is_superuser=off
s: session_authorization=a
z: I
vars
= role=none  session_authorization=a
