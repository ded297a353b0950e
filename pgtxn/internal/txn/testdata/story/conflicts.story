# What the server reports against what was tracked, where nothing sent explains it.

## A variable that was never set
q: INSERT INTO t VALUES (1)
c
secretly: timezone=Asia/Tokyo
z: I
= conflict: timezone of start-up, local false
pins
= hidden changes
vars
= nothing set

## The session's value, and what was tracked since
q: SET timezone = 'UTC'
c
s: timezone=UTC
z: I
q: BEGIN; SET application_name = 'a'
c 2
s: application_name=a
z: T
q: INSERT INTO t VALUES (1)
c
secretly: timezone=Asia/Tokyo
z: T
= conflict: timezone of session, local false
vars
= application_name=a  timezone=Asia/Tokyo
pins
= hidden changes
q: ROLLBACK
c
s: timezone=UTC
z: I
vars
= timezone=UTC

## Behind ROLLBACK TO the server has another value than the frame
q: BEGIN; SET timezone = 'UTC'
c 2
s: timezone=UTC
z: T
q: SAVEPOINT a
c
z: T
q: SAVEPOINT b; SET LOCAL timezone = 'Asia/Tokyo'
c 2
s: timezone=Asia/Tokyo
z: T
q: INSERT INTO t VALUES (1)
c
secretly: timezone=Asia/Kathmandu
z: T
= conflict: timezone of savepoint b, local true
q: ROLLBACK TO b
c
secretly: timezone=Europe/Rome
z: T
frames
= transaction, changed since: timezone
= savepoint a, changed since: none
= savepoint b, changed since: timezone

## A value that was set in a savepoint which was released
q: BEGIN; SAVEPOINT a; SAVEPOINT b; SET timezone = 'UTC'; RELEASE b
c 5
s: timezone=UTC
z: T
q: SAVEPOINT c
c
z: T
q: INSERT INTO t VALUES (1)
c
secretly: timezone=Europe/Rome
z: T
= conflict: timezone of savepoint a, local false

## What was sent explains it
q: SET timezone = 'UTC'
c
s: timezone=UTC
z: I
q: SELECT set_config('timezone', 'Asia/Tokyo', false)
c
secretly: timezone=Asia/Tokyo
z: I
vars
= timezone=Asia/Tokyo
