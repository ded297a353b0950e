## A transaction is rolled back, and failed
q: SET v = 1
c
z: I
learned: v=1
q: BEGIN; SAVEPOINT s; SET v = 2; SET LOCAL w = 3
c 4
z: T
q: SELECT 1
lost
vars
= v=1
frames
= transaction, changed since: none
pending
= 0, status E
q: ROLLBACK TO s
e
z: E
q: ROLLBACK
c
z: I
vars
= v=1
frames

## Outside of a transaction nothing is left to be done
q: SET v = 2; SELECT 1
c
lost
vars
= nothing set
frames
pending
= 0, status I
q: SELECT 1
c
z: I

## What was sent may have begun a transaction
q: BEGIN
q: INSERT INTO t VALUES (1)
lost
pending
= 0, status E
frames
= transaction, changed since: none

## or ended it
q: BEGIN; SET v = 2
c 2
z: T
q: COMMIT
q: SELECT 1
lost
pending
= 0, status I
vars
= nothing set

## or may have begun the next
q: BEGIN; SET v = 2
c 2
z: T
q: ROLLBACK AND CHAIN
lost
pending
= 0, status E

## In the middle of a COPY
q: BEGIN
c
z: T
x: COPY t FROM STDIN
sync
copyin
lost
pending
= 0, status E
q: ROLLBACK
c
z: I

## A pipeline of which the rest is skipped
x: BEGIN; SELECT 1/0
c
e
lost
pending
= 0, status E
sync
z: E

## What the transaction made goes with it
q: BEGIN; CREATE TEMP TABLE t (); LISTEN a; SELECT set_config('v', '1', false)
unrestorable
= none
c 4
z: T
unrestorable
= none
lost
pins
= none

## but not what no rollback undoes
q: BEGIN; PREPARE p AS SELECT 1; SELECT f(), setseed(0), pg_advisory_lock(1)
unrestorable
= none
c 3
z: T
unrestorable
= session advisory lock, SQL PREPARE, setseed, hidden changes

## nor what was there before
q: CREATE TEMP TABLE t ()
unrestorable
= none
c
z: I
unrestorable
= temporary objects
q: BEGIN
c
z: T
unrestorable
= temporary objects

## unless it was thrown away
q: CREATE TEMP TABLE t ()
c
z: I
q: DISCARD ALL
c
z: I
unrestorable
= none
