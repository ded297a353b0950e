# 9: a deferred constraint fails at COMMIT: values old, no transaction
setup
  DROP TABLE IF EXISTS story_9
  CREATE TABLE story_9 (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)
SET my.x = 0                        -> SET I
SET application_name = 'old'        -> SET S(application_name=old) I
BEGIN                               -> BEGIN T
SET my.x = 1                        -> SET T
SET application_name = 'one'        -> SET S(application_name=one) T
INSERT INTO story_9 VALUES (1), (1) -> INSERT 0 2 T
COMMIT                              -> ERROR 23505 S(application_name=old) I
SHOW my.x                           -> [0] SHOW I
SELECT count(*) FROM story_9        -> [0] SELECT 1 I

# 9: with values changed in savepoints and SET LOCAL
setup
  DROP TABLE IF EXISTS story_9
  CREATE TABLE story_9 (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)
SET my.x = 0                        -> SET I
BEGIN                               -> BEGIN T
SET my.x = 1                        -> SET T
SET LOCAL work_mem = '1MB'          -> SET T
SAVEPOINT a                         -> SAVEPOINT T
SET my.x = 2                        -> SET T
INSERT INTO story_9 VALUES (1), (1) -> INSERT 0 2 T
RELEASE a                           -> RELEASE T
SHOW my.x                           -> [2] SHOW T
END                                 -> ERROR 23505 I
SELECT current_setting('my.x'), current_setting('work_mem') -> [0|4MB] SELECT 1 I
COMMIT                              -> WARNING 25P01 COMMIT I

# 9: COMMIT AND CHAIN that fails does not chain
setup
  DROP TABLE IF EXISTS story_9
  CREATE TABLE story_9 (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)
SET my.x = 0                        -> SET I
BEGIN                               -> BEGIN T
SET my.x = 1                        -> SET T
INSERT INTO story_9 VALUES (1), (1) -> INSERT 0 2 T
COMMIT AND CHAIN                    -> ERROR 23505 I
SHOW my.x                           -> [0] SHOW I

# 9: the check asked for early fails as any statement does
setup
  DROP TABLE IF EXISTS story_9
  CREATE TABLE story_9 (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)
SET my.x = 0                        -> SET I
BEGIN                               -> BEGIN T
SET my.x = 1                        -> SET T
SAVEPOINT a                         -> SAVEPOINT T
SET my.x = 2                        -> SET T
INSERT INTO story_9 VALUES (1), (1) -> INSERT 0 2 T
SET CONSTRAINTS ALL IMMEDIATE       -> ERROR 23505 E
ROLLBACK TO a                       -> ROLLBACK T
SHOW my.x                           -> [1] SHOW T
COMMIT                              -> COMMIT I
SHOW my.x                           -> [1] SHOW I

# 9: PREPARE TRANSACTION fails in the same way
setup
  DROP TABLE IF EXISTS story_9
  CREATE TABLE story_9 (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)
SET my.x = 0                        -> SET I
BEGIN                               -> BEGIN T
SET my.x = 1                        -> SET T
INSERT INTO story_9 VALUES (1), (1) -> INSERT 0 2 T
PREPARE TRANSACTION 'story9'        -> ERROR 23505 I
SHOW my.x                           -> [0] SHOW I

# 9: a serialization failure at COMMIT
setup
  DROP TABLE IF EXISTS story_9
  CREATE TABLE story_9 (id int PRIMARY KEY, v int)
  INSERT INTO story_9 VALUES (1, 1), (2, 2)
SET my.x = 0                              -> SET I
SET application_name = 'old'              -> SET S(application_name=old) I
other: SET my.x = 'other'                 -> SET I
BEGIN ISOLATION LEVEL SERIALIZABLE        -> BEGIN T
SET my.x = 1                              -> SET T
SET application_name = 'one'              -> SET S(application_name=one) T
SELECT sum(v) FROM story_9                -> [3] SELECT 1 T
other: BEGIN ISOLATION LEVEL SERIALIZABLE -> BEGIN T
other: SET my.x = 'kept'                  -> SET T
other: SELECT sum(v) FROM story_9         -> [3] SELECT 1 T
UPDATE story_9 SET v = 10 WHERE id = 1    -> UPDATE 1 T
other: UPDATE story_9 SET v = 20 WHERE id = 2 -> UPDATE 1 T
other: COMMIT                             -> COMMIT I
COMMIT                                    -> ERROR 40001 S(application_name=old) I
SHOW my.x                                 -> [0] SHOW I
other: SHOW my.x                          -> [kept] SHOW I

# 9: COMMIT that fails within a simple message ends it, with or without BEGIN
setup
  DROP TABLE IF EXISTS story_9
  CREATE TABLE story_9 (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)
SET my.x = 0 -> SET I
BEGIN; SET my.x = 1; INSERT INTO story_9 VALUES (1), (1); COMMIT; SET my.x = 2 -> BEGIN SET INSERT 0 2 ERROR 23505 I
SHOW my.x    -> [0] SHOW I
-- the implicit COMMIT at the end of the message fails before the last tag is sent
SET my.x = 3; INSERT INTO story_9 VALUES (1), (1) -> SET ERROR 23505 I
SHOW my.x    -> [0] SHOW I

# 9: in pipelines: COMMIT that fails skips to Sync; the implicit COMMIT fails at Sync
setup
  DROP TABLE IF EXISTS story_9
  CREATE TABLE story_9 (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)
SET my.x = 0                          -> SET I
SET application_name = 'old'          -> SET S(application_name=old) I
pipeline
  BEGIN                               -> BEGIN
  SET my.x = 1                        -> SET
  INSERT INTO story_9 VALUES (1), (1) -> INSERT 0 2
  COMMIT                              -> ERROR 23505
  SET my.x = 2                        -> skipped
  sync                                -> I
  SHOW my.x                           -> [0] SHOW
  sync                                -> I
pipeline
  SET my.x = 3                        -> SET
  SET application_name = 'three'      -> SET
  INSERT INTO story_9 VALUES (1), (1) -> INSERT 0 2
  sync                                -> ERROR 23505 I
SHOW my.x                             -> [0] SHOW I
SHOW application_name                 -> [old] SHOW I

# 9: what is no part of the transaction has happened: DEALLOCATE ALL
setup
  DROP TABLE IF EXISTS story_9
  CREATE TABLE story_9 (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)
SET my.x = 1                                        -> SET I
SELECT 1 \parse p                                   -> ParseComplete I
SELECT 1; DEALLOCATE ALL; SELECT 1/0                -> [1] SELECT 1 DEALLOCATE ALL ERROR 22012 I
SELECT 2 \parse p                                   -> ParseComplete I
INSERT INTO story_9 VALUES (1), (1); DEALLOCATE ALL -> INSERT 0 2 ERROR 23505 I
SHOW my.x                                           -> [1] SHOW I
\bind_named p                                       -> ERROR 26000 I
SELECT 3 \parse p                                   -> ParseComplete I
\bind_named p                                       -> [3] SELECT 1 I
