# Ways to change a value.

## 16. RESET and TO DEFAULT leave the set
q: SET v = 1; SET w = 2
c 2
z: I
q: RESET v; SET w TO DEFAULT
c 2
z: I
vars
= nothing set

## 16. The special forms are settings
q: SET TIME ZONE 'UTC'; SET NAMES 'LATIN1'; SET SCHEMA 's'; SET ROLE r; SET XML OPTION DOCUMENT
c 5
z: I
vars
= client_encoding=LATIN1?  role=r?  search_path=s?  timezone=UTC?  xmloption=DOCUMENT?
q: SET TIME ZONE LOCAL; SET NAMES; RESET ROLE
c 3
z: I
vars
= search_path=s?  xmloption=DOCUMENT?

## 16. SESSION CHARACTERISTICS are three settings, SET TRANSACTION is none
q: SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY
c
s: default_transaction_read_only=on
z: I
vars
= default_transaction_isolation=repeatable read  default_transaction_read_only=on
unlearned
= none
q: SET TRANSACTION READ WRITE
c
z: I
vars
= default_transaction_isolation=repeatable read  default_transaction_read_only=on

## 16. PG: SESSION CHARACTERISTICS can be LOCAL
q: BEGIN; SET LOCAL SESSION CHARACTERISTICS AS TRANSACTION READ ONLY
c 2
z: T
vars
= default_transaction_read_only=default/on
q: COMMIT
c
z: I
vars
= nothing set

## PG: what a transaction starts anew is not kept: transaction_*; seed has no value
q: SET transaction_read_only = on; SET SESSION transaction_isolation = 'serializable'; SET seed = 0.5
c 3
z: I
vars
= nothing set
pins
= setseed

## 17. RESET ALL is transactional
q: SET v = 1; SET w = 2
c 2
z: I
q: BEGIN; RESET ALL
c 2
z: T
vars
= nothing set
q: ROLLBACK
c
z: I
vars
= v=1?  w=2?

## RESET ALL ends a LOCAL and the value below it
q: SET v = 1
c
z: I
q: BEGIN; SET LOCAL v = 2; SET LOCAL w = 3; RESET ALL
c 4
z: T
vars
= nothing set
q: COMMIT
c
z: I
vars
= nothing set

## PG: RESET ALL leaves what LOCAL TO DEFAULT masks (RESET v does not)
q: SET v = 1; SET w = 1
c 2
z: I
q: BEGIN; SET LOCAL v TO DEFAULT; SET LOCAL w TO DEFAULT; RESET ALL; RESET w
c 5
z: T
show v w
= v default, local over 1 (as asked)
= w default
q: COMMIT
c
z: I
vars
= v=1?

## 18. RESET ALL leaves ROLE and SESSION AUTHORIZATION, DISCARD ALL does not
q: SET SESSION AUTHORIZATION a; SET ROLE b; SET v = 1
c 3
z: I
q: RESET ALL
c
z: I
vars
= role=b?  session_authorization=a?
q: DISCARD ALL
c
z: I
vars
= nothing set

## 18. DISCARD ALL in a transaction: ERROR 25001
q: BEGIN; SET v = 1
c 2
z: T
q: DISCARD ALL
e
z: E
q: ROLLBACK
c
z: I

## 18. PG: DISCARD ALL first in a pipeline commits at once, an error does not undo it
q: SET v = 1
c
z: I
x: DISCARD ALL; SET w = 2; SELECT 1/0
sync
c 2
e
z: I
vars
= nothing set

## 18. DISCARD ALL behind another statement: ERROR 25001, all undone
x: SET v = 1; DISCARD ALL
sync
c
e
z: I
vars
= nothing set

## 19. PG: a custom name stays defined, as '', after RESET
q: SET my.x = 1
c
z: I
vars
= my.x=1?
q: RESET my.x
c
z: I
show my.x my.y
= my.x default, defined
= my.y default
vars
= my.x=default
unlearned
= none

## 19. After the rollback of its first SET
q: BEGIN; SET my.x = 1; ROLLBACK
c 3
z: I
vars
= my.x=default

## 19. After ROLLBACK TO, and after an error
q: BEGIN; SAVEPOINT a; SET my.x = 1; ROLLBACK TO a; SET my.y = 2
c 5
z: T
vars
= my.x=default  my.y=2?
q: SELECT 1/0
e
z: E
vars
= my.x=default  my.y=default
q: ROLLBACK
c
z: I
vars
= my.x=default  my.y=default

## 19. After the transaction of a LOCAL
q: BEGIN; SET LOCAL my.x = 1
c 2
z: T
show my.x
= my.x 1 (as asked), local over default
q: COMMIT
c
z: I
vars
= my.x=default

## 19. After RESET ALL, and PG: after DISCARD ALL
q: SET my.x = 1; RESET ALL
c 2
z: I
vars
= my.x=default
q: DISCARD ALL
c
z: I
vars
= my.x=default

## 19. PG: RESET of a name never set defines it
q: RESET my.x
c
z: I
vars
= my.x=default

## 20. ROLE and SESSION AUTHORIZATION are transactional
q: SET ROLE a
c
z: I
q: BEGIN; SET ROLE b; SET SESSION AUTHORIZATION c
c 3
z: T
vars
= role=none  session_authorization=c?
q: ROLLBACK
c
z: I
vars
= role=a?

## 20. PG: SET SESSION AUTHORIZATION sets the role to none
q: SET ROLE a; SET SESSION AUTHORIZATION c
c 2
z: I
vars
= role=none  session_authorization=c?
q: SET ROLE b; RESET SESSION AUTHORIZATION
c 2
z: I
vars
= nothing set

## 20. PG: LOCAL SESSION AUTHORIZATION: both come back
q: SET ROLE a
c
z: I
q: BEGIN; SET LOCAL SESSION AUTHORIZATION c
c 2
z: T
vars
= role=a?/none  session_authorization=default/c?
q: COMMIT
c
z: I
vars
= role=a?

## 21. The server's own words come from ParameterStatus or are asked for
q: SET datestyle = 'SQL'; SET work_mem = 65536
c 2
s: DateStyle=SQL, MDY
z: I
vars
= datestyle=SQL, MDY  work_mem=65536?
unlearned
= work_mem
learned: work_mem=64MB
vars
= datestyle=SQL, MDY  work_mem=64MB
unlearned
= none

## Only an idle session is told what it learned
q: BEGIN; SET work_mem = 65536
c 2
z: T
learned: work_mem=4MB
vars
= work_mem=65536?
