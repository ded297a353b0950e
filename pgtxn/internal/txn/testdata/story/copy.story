# COPY … FROM STDIN in the extended protocol. The server drops a Sync that comes
# while it reads copy data. All of these were seen on PG.

## libpq: Sync right behind Execute, and again behind CopyDone: one ReadyForQuery
x: COPY t FROM STDIN
sync
pending
= 2, status I
copyin
pending
= 1, status I
copyend
sync
c
z: I
pending
= 0, status I
pins
= none

## The client sends all at once
x: COPY t FROM STDIN
sync
copyend
sync
x: SELECT 1
sync
pending
= 5, status I
copyin
pending
= 4, status I
c
z: I
c
z: I
pending
= 0, status I

## COPY does not start: each Sync is answered
x: COPY t FROM STDIN
sync
copyend
sync
e
z: I
z: I
pending
= 0, status I

## A Sync in the middle of the data
x: COPY t FROM STDIN
copyin
sync
copyend
sync
c
z: I
pending
= 0, status I

## In a simple Query nothing is dropped
q: COPY t FROM STDIN; SET v = 1
copyin
copyend
c 2
z: I
vars
= v=1?
pending
= 0, status I
q: COPY t FROM STDIN
copyend
q: SELECT 1
copyin
c
z: I
c
z: I
pending
= 0, status I

## An error in the data: was the first Sync read before it? Nobody can tell
x: SET v = 1; COPY t FROM STDIN
sync
c
copyin
copyend
sync
e
z: I
vars
= nothing set
pending
= 0, status I
pins
= uncertain state
