# Transactions and savepoints, on messages of one protocol or the other.

## 1. ROLLBACK TO goes back, and the savepoint stays
q: BEGIN; SET v = 1; SAVEPOINT a; SET v = 2; ROLLBACK TO a
c 5
z: T
show v
= v 1 (as asked)
frames
= transaction, changed since: v
= savepoint a, changed since: none
q: SET v = 3; ROLLBACK TO a
c 2
z: T
show v
= v 1 (as asked)
q: RELEASE a; COMMIT
c 2
z: I
vars
= v=1?

## 2. Of two savepoints with one name the newest counts
q: BEGIN; SET v = 1; SAVEPOINT a; SET v = 2; SAVEPOINT a; SET v = 3; ROLLBACK TO a
c 7
z: T
show v
= v 2 (as asked)
q: RELEASE a
c
z: T
show v
= v 2 (as asked)
q: ROLLBACK TO a
c
z: T
show v
= v 1 (as asked)
frames
= transaction, changed since: v
= savepoint a, changed since: none

## 3. RELEASE keeps the value, an outer ROLLBACK undoes it
q: BEGIN; SAVEPOINT a; SET v = 1; RELEASE a
c 4
z: T
show v
= v 1 (as asked)
q: ROLLBACK
c
z: I
vars
= nothing set

## 3. RELEASE takes the savepoints inside along
q: BEGIN; SAVEPOINT a; SAVEPOINT b; SET v = 1; RELEASE a
c 5
z: T
q: ROLLBACK TO b
e
z: E
show v
= v default
q: ROLLBACK
c
z: I

## 4. Values go back at the error, before ReadyForQuery
q: SET v = 9
c
s: v=9
z: I
q: BEGIN; SET v = 5
c 2
s: v=5
z: T
q: SELECT 1/0
e
show v
= v 9
s: v=9
z: E
show v
= v 9
# COMMIT answers ROLLBACK.
q: COMMIT
c
z: I
vars
= v=9

## 4. The same in the extended protocol
x: BEGIN
sync
c
z: T
x: SET v = 5
sync
c
z: T
x: SELECT 1/0
sync
e
z: E
show v
= v default
x: COMMIT
sync
c
z: I
vars
= nothing set

## 5. An invalid SET, and what comes behind it
q: BEGIN
c
z: T
q: SET work_mem = 'nonsense'
e
z: E
q: SET v = 1
e
z: E
q: RESET ALL
e
z: E
q: ROLLBACK
c
z: I
vars
= nothing set

## 6. An error in a savepoint, ROLLBACK TO, COMMIT
q: BEGIN; SET v = 5; SAVEPOINT a; SET v = 6
c 4
z: T
q: SELECT 1/0
e
z: E
show v
= v 5 (as asked)
q: ROLLBACK TO a
c
z: T
show v
= v 5 (as asked)
q: COMMIT
c
z: I
vars
= v=5?

## 6. An error, ROLLBACK TO an outer savepoint
q: BEGIN; SET v = 1; SAVEPOINT a; SET v = 2; SAVEPOINT b; SET v = 3
c 6
z: T
q: SELECT 1/0
e
z: E
show v
= v 2 (as asked)
q: ROLLBACK TO a
c
z: T
show v
= v 1 (as asked)
frames
= transaction, changed since: v
= savepoint a, changed since: none

## 6. An error just behind RELEASE goes back to before the released savepoint
q: BEGIN; SET v = 1; SAVEPOINT a; SET v = 2; RELEASE a
c 5
z: T
q: SELECT 1/0
e
z: E
show v
= v default

## 7. LOCAL, SET, COMMIT
q: BEGIN; SET LOCAL v = 5; SET v = 6
c 3
z: T
show v
= v 6 (as asked)
q: COMMIT
c
z: I
vars
= v=6?

## 7. SET, LOCAL, COMMIT
q: BEGIN; SET v = 6; SET LOCAL v = 5
c 3
z: T
show v
= v 5 (as asked), local over 6 (as asked)
q: COMMIT
c
z: I
vars
= v=6?

## 7. A LOCAL in a released savepoint lives to COMMIT
q: SET v = 1
c
z: I
q: BEGIN; SAVEPOINT a; SET LOCAL v = 5; RELEASE a
c 4
z: T
show v
= v 5 (as asked), local over 1 (as asked)
q: COMMIT
c
z: I
vars
= v=1?

## 7. A LOCAL ends with ROLLBACK TO past it
q: BEGIN; SAVEPOINT a; SET LOCAL v = 5; ROLLBACK TO a
c 4
z: T
show v
= v default

## 7. LOCAL outside and SET inside a released savepoint: COMMIT keeps the SET
q: BEGIN; SET LOCAL v = 5; SAVEPOINT a; SET v = 6; RELEASE a
c 5
z: T
show v
= v 6 (as asked)
q: COMMIT
c
z: I
vars
= v=6?

## 7. LOCAL outside and SET inside a savepoint that is rolled back
q: BEGIN; SET LOCAL v = 5; SAVEPOINT a; SET v = 6; ROLLBACK TO a
c 5
z: T
show v
= v 5 (as asked), local over default
q: COMMIT
c
z: I
vars
= nothing set

## 7. LOCAL TO DEFAULT masks, and the session's value comes back
q: SET v = 1
c
z: I
q: BEGIN; SET LOCAL v TO DEFAULT
c 2
z: T
show v
= v default, local over 1 (as asked)
q: COMMIT
c
z: I
show v
= v 1 (as asked)

## 7. LOCAL outside a transaction: WARNING 25P01, gone at once
q: SET LOCAL v = 5
c
z: I
vars
= nothing set

## 7. LOCAL in a message of several statements: in effect to its end
q: SET LOCAL v = 5; SHOW v
c
show v
= v 5 (as asked), local over default
c
z: I
vars
= nothing set

## 7. LOCAL in a pipeline: WARNING 25P01, yet in effect until Sync
x: SET LOCAL v = 5; SHOW v
sync
c 2
show v
= v 5 (as asked), local over default
z: I
vars
= nothing set

## 8. COMMIT AND CHAIN: locals and savepoints gone, a new base
q: BEGIN; SET v = 1; SET LOCAL w = 2; SAVEPOINT a; COMMIT AND CHAIN
c 5
z: T
vars
= v=1?
frames
= transaction, changed since: none
q: SET v = 3; ROLLBACK
c 2
z: I
vars
= v=1?

## 8. ROLLBACK AND CHAIN, and ABORT AND CHAIN
q: BEGIN; SET v = 1; ROLLBACK AND CHAIN
c 3
z: T
show v
= v default
q: SET v = 2; ABORT AND CHAIN
c 2
z: T
show v
= v default
q: COMMIT
c
z: I

## 8. COMMIT AND CHAIN of a failed transaction answers ROLLBACK and goes on
q: BEGIN; SET v = 1
c 2
z: T
q: SELECT 1/0
e
z: E
q: COMMIT AND CHAIN
c
z: T
show v
= v default
q: SET v = 2; COMMIT
c 2
z: I
vars
= v=2?

## 8. Outside a transaction: ERROR 25P01
q: SET v = 1; COMMIT AND CHAIN
c
e
z: I
vars
= nothing set

## 9. A COMMIT that fails itself (a deferred constraint) ends the transaction
q: BEGIN; SET v = 1; SAVEPOINT a
c 3
z: T
q: COMMIT
e
z: I
vars
= nothing set
frames

## 9. With AND CHAIN there is no next one. PG: ERROR 23505, Z(I), v old
q: BEGIN; SET v = 1
c 2
z: T
q: COMMIT AND CHAIN
e
z: I
vars
= nothing set

## 9. A COMMIT in a text that does not parse never ran. PG: ERROR 42601, Z(E)
q: BEGIN; SET v = 1; SAVEPOINT a; SET v = 2
c 4
z: T
q: COMMIT; SELEC 1
e
z: E
show v
= v 1 (as asked)
q: ROLLBACK TO a; COMMIT
c 2
z: I
vars
= v=1?

## 10. PREPARE TRANSACTION keeps session values and drops locals
q: BEGIN; SET v = 1; SET LOCAL w = 2; PREPARE TRANSACTION 'x'
c 4
z: I
vars
= v=1?
q: COMMIT PREPARED 'x'
c
z: I
vars
= v=1?

## 10. In a failed transaction it answers ROLLBACK
q: BEGIN; SET v = 1
c 2
z: T
q: SELECT 1/0
e
z: E
q: PREPARE TRANSACTION 'x'
c
z: I
vars
= nothing set

## 10. One that fails itself (temporary objects). PG: ERROR 0A000, Z(I), v old
q: BEGIN; SET v = 1
c 2
z: T
q: PREPARE TRANSACTION 'x'
e
z: I
vars
= nothing set

## 10. COMMIT PREPARED in a transaction: ERROR 25001
q: BEGIN; SET v = 1
c 2
z: T
q: COMMIT PREPARED 'x'
e
z: E
show v
= v default

## 11. Outside a transaction: WARNING for COMMIT and ROLLBACK, ERROR for the rest
q: COMMIT
c
z: I
q: ROLLBACK
c
z: I
q: SAVEPOINT a
e
z: I
q: RELEASE a
e
z: I
q: ROLLBACK TO a
e
z: I
frames

## 11. A second BEGIN warns and changes nothing
q: BEGIN; SET v = 1; BEGIN
c 3
z: T
q: ROLLBACK
c
z: I
vars
= nothing set

## 11. A second BEGIN can fail. PG: ERROR 25001, Z(E); outside, Z(I)
q: BEGIN; SET v = 1; SELECT 1
c 3
z: T
q: BEGIN ISOLATION LEVEL SERIALIZABLE
e
z: E
q: ROLLBACK
c
z: I
q: SELECT 1; BEGIN ISOLATION LEVEL SERIALIZABLE
c
e
z: I

## 28. A driver that sets one savepoint before each statement, never released
q: BEGIN; SAVEPOINT auto; SET v = 1; SAVEPOINT auto; SET v = 2; SAVEPOINT auto
c 6
z: T
q: SELECT 1/0
e
z: E
q: ROLLBACK TO auto
c
z: T
show v
= v 2 (as asked)
q: COMMIT
c
z: I
vars
= v=2?

## 28. Django: ROLLBACK TO, then RELEASE; then again ROLLBACK TO in a loop
q: BEGIN; SET v = 1; SAVEPOINT s1; SET v = 2
c 4
z: T
q: ROLLBACK TO SAVEPOINT s1; RELEASE SAVEPOINT s1
c 2
z: T
show v
= v 1 (as asked)
frames
= transaction, changed since: v
q: SAVEPOINT s2; SET v = 3; ROLLBACK TO s2; SET v = 4; ROLLBACK TO s2; SET v = 5; ROLLBACK TO s2
c 7
z: T
show v
= v 1 (as asked)

## 26. Names of savepoints are identifiers
q: BEGIN; SAVEPOINT Abc; SET v = 1; SAVEPOINT "ABC"; SET v = 2; ROLLBACK TO abc
c 6
z: T
show v
= v default
frames
= transaction, changed since: none
= savepoint abc, changed since: none
q: SAVEPOINT work; SET v = 3; ROLLBACK WORK TO SAVEPOINT work
c 3
z: T
show v
= v default
