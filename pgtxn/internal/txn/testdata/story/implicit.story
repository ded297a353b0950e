# Implicit transactions: a message of several statements, a pipeline up to Sync.

## 13. One message is one transaction
q: SET v = 5; SELECT 1/0
c
show v
= v 5 (as asked)
frames
= implicit, changed since: v
e
show v
= v default
z: I
vars
= nothing set

## 13. The message goes through
q: SET v = 5; SELECT 1
c 2
z: I
vars
= v=5?

## 13. BEGIN inside keeps the base from before the message
q: SET v = 5; BEGIN; SET v = 6
c 3
z: T
frames
= transaction, changed since: v
q: ROLLBACK
c
z: I
vars
= nothing set

## 13. BEGIN inside makes an error later leave a failed transaction
q: SET v = 5; BEGIN; SELECT 1/0
c 2
e
z: E
show v
= v default
q: ROLLBACK
c
z: I

## 13. COMMIT inside keeps what was before it
q: SET v = 5; COMMIT; SET v = 6; SELECT 1/0
c 3
e
z: I
vars
= v=5?

## 13. ROLLBACK inside undoes what was before it
q: SET v = 5; ROLLBACK; SHOW v
c 2
show v
= v default
c
z: I
vars
= nothing set

## 13. SAVEPOINT inside without BEGIN: ERROR 25P01, all undone
q: SET v = 5; SAVEPOINT a
c
e
z: I
vars
= nothing set

## 13. A text that does not parse: not even its first statement ran
q: SET v = 5; SELEC 1
e
z: I
vars
= nothing set

## 13. The last statement completes only when the commit behind it worked
q: SET v = 5; INSERT INTO t VALUES (1)
c
e
z: I
vars
= nothing set

## A SET LOCAL before BEGIN is in the same transaction. PG: 5 until COMMIT
q: SET LOCAL v = 5; BEGIN
c 2
z: T
show v
= v 5 (as asked), local over default
q: COMMIT
c
z: I
vars
= nothing set

## PREPARE TRANSACTION without BEGIN: WARNING 25P01. PG: it commits
q: SET v = 5; PREPARE TRANSACTION 'x'; SELECT 1/0
c 2
e
z: I
vars
= v=5?

## 14. A pipeline is one transaction, and after an error all is skipped to Sync
x: SET v = 5; SELECT 1/0; SET v = 6
sync
c
e
z: I
vars
= nothing set
pending
= 0, status I

## 14. A Sync in between
x: SET v = 5
sync
x: SELECT 1/0
sync
c
z: I
e
z: I
vars
= v=5?

## 14. COMMIT in a pipeline
x: SET v = 5; COMMIT; SELECT 1/0
sync
c 2
e
z: I
vars
= v=5?

## 14. ROLLBACK in a pipeline
x: SET v = 5; ROLLBACK
sync
c 2
z: I
vars
= nothing set

## 14. BEGIN in a pipeline: the COMMIT behind the error is skipped
x: BEGIN; SET v = 5; SELECT 1/0; COMMIT
sync
c 2
e
z: E
show v
= v default

## 14. BEGIN in a pipeline keeps the base from before it. PG: 4MB after all
x: SET v = 5; BEGIN; SET v = 6
sync
c 3
z: T
q: ROLLBACK
c
z: I
vars
= nothing set

## The commit at Sync fails. PG: two CommandCompletes, ERROR 23505, Z(I), v old
x: SET v = 5; INSERT INTO t VALUES (1)
sync
c 2
show v
= v 5 (as asked)
e
z: I
vars
= nothing set

## An error that comes before the client's Sync: what it sends until then is skipped
x: SET v = 5; SELECT 1/0
c
e
x: SET v = 6
pending
= 0, status I
q: SET v = 7
pending
= 0, status I
sync
z: I
vars
= nothing set
x: SET v = 8
sync
c
z: I
vars
= v=8?

## An error in Parse, before any Execute
q: BEGIN; SET v = 1
c 2
z: T
sync
e
z: E
show v
= v default

## A simple Query behind Executes without Sync is in their transaction. PG: v old
x: SET v = 5
q: SELECT 1; SELECT 1/0
c 2
e
z: I
vars
= nothing set

## A portal is fetched in parts
q: BEGIN
c
z: T
x: SELECT 1
sync
p
z: T
x: SELECT 1
sync
c
z: T
pending
= 0, status T

## An empty Query, and an empty statement in a pipeline
q: ;;
c
z: I
q: 
z: I
pending
= 0, status I

## Batches sent before the first is answered
q: BEGIN; SET v = 1
x: SAVEPOINT a
sync
x: SET v = 2; SELECT 1/0; SET v = 3
sync
q: ROLLBACK TO a; SET LOCAL w = 4
pending
= 12, status I
c 2
z: T
c
z: T
c
e
pending
= 4, status E
z: E
show v
= v 1 (as asked)
c 2
z: T
show v w
= v 1 (as asked)
= w 4 (as asked), local over default
pending
= 0, status T
