# The server did what the machine did not expect. It is right: the machine takes
# its status, pins the session, and has all values asked for once idle.

## A transaction ended unseen
q: SET v = 1; SET w = 1
c 2
s: v=1
z: I
q: BEGIN; SET v = 2; RESET w; SET LOCAL v = 3
c 4
z: T
q: SELECT 1
c
z: I
= disagreement: ReadyForQuery I, expected T
vars
= v=2?  w=1?
unlearned
= v, w
pins
= uncertain state
learned: v=2
learned: w=3
vars
= v=2  w=3
q: SELECT 1
c
z: I

## A transaction began unseen
q: SET v = 1
c
z: T
= disagreement: ReadyForQuery T, expected I
frames
= transaction, changed since: none
q: SET v = 2
c
z: T
q: ROLLBACK
c
z: I
vars
= v=1?
unlearned
= v

## A transaction failed unseen
q: BEGIN; SET v = 1; SAVEPOINT a; SET v = 2
c 4
z: E
= disagreement: ReadyForQuery E, expected T
show v
= v 1 (as asked)
q: ROLLBACK TO a
c
z: T

## A failed transaction went on
q: BEGIN; SET v = 1
c 2
z: T
q: SELECT 1/0
e
z: T
= disagreement: ReadyForQuery T, expected E
q: COMMIT
c
z: I

## A savepoint that the machine does not know
q: BEGIN; ROLLBACK TO a
c 2
z: T
= disagreement: ROLLBACK TO a savepoint that does not exist

## More answers than statements, and fewer
q: SELECT 1
c 2
z: I
= disagreement: more answers than statements
q: SELECT 1; SELECT 2
c
z: I
= disagreement: ReadyForQuery before the answer to OTHER
pending
= 0, status I

## A ReadyForQuery that nobody asked for
z: I
= disagreement: ReadyForQuery that nobody asked for
q: SELECT 1
c
z: I

## DISCARD ALL makes all certain again
q: BEGIN
c
z: I
= disagreement: ReadyForQuery I, expected T
pins
= uncertain state
q: DISCARD ALL
c
z: I
pins
= none
