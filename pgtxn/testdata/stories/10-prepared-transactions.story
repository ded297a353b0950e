# 10: PREPARE TRANSACTION keeps SETs and drops SET LOCAL
SET my.x = 0                  -> SET I
SET work_mem = '1MB'          -> SET I
BEGIN                         -> BEGIN T
SET my.x = 1                  -> SET T
SET application_name = 'one'  -> SET S(application_name=one) T
SET LOCAL work_mem = '5MB'    -> SET T
PREPARE TRANSACTION 'story10' -> PREPARE TRANSACTION I
SELECT current_setting('my.x'), current_setting('work_mem') -> [1|1MB] SELECT 1 I
SHOW application_name         -> [one] SHOW I
COMMIT PREPARED 'story10'     -> COMMIT PREPARED I

# 10: ROLLBACK PREPARED does not take the values back
SET my.x = 0                  -> SET I
BEGIN                         -> BEGIN T
SET my.x = 1                  -> SET T
SAVEPOINT a                   -> SAVEPOINT T
SET my.x = 2                  -> SET T
PREPARE TRANSACTION 'story10' -> PREPARE TRANSACTION I
SHOW my.x                     -> [2] SHOW I
ROLLBACK TO a                 -> ERROR 25P01 I
ROLLBACK PREPARED 'story10'   -> ROLLBACK PREPARED I
SHOW my.x                     -> [2] SHOW I

# 10: what was prepared is committed later, by another client
setup
  DROP TABLE IF EXISTS story_10
  CREATE TABLE story_10 (id int)
BEGIN                            -> BEGIN T
INSERT INTO story_10 VALUES (7)  -> INSERT 0 1 T
PREPARE TRANSACTION 'story10'    -> PREPARE TRANSACTION I
SELECT id FROM story_10          -> SELECT 0 I
other: SET my.x = 'other'        -> SET I
other: COMMIT PREPARED 'story10' -> COMMIT PREPARED I
SELECT id FROM story_10          -> [7] SELECT 1 I
other: SHOW my.x                 -> [other] SHOW I

# 10: in a failed transaction it answers ROLLBACK and keeps nothing
SET my.x = 0                  -> SET I
BEGIN                         -> BEGIN T
SET my.x = 1                  -> SET T
SELECT 1/0                    -> ERROR 22012 E
PREPARE TRANSACTION 'story10' -> ROLLBACK I
SHOW my.x                     -> [0] SHOW I
ROLLBACK PREPARED 'story10'   -> ERROR 42704 I

# 10: outside a transaction COMMIT PREPARED and ROLLBACK PREPARED reach the server
COMMIT PREPARED 'story10 that is not'   -> ERROR 42704 I
ROLLBACK PREPARED 'story10 that is not' -> ERROR 42704 I
PREPARE TRANSACTION 'story10'           -> WARNING 25P01 ROLLBACK I

# 10: inside a transaction they are refused
SET my.x = 0                  -> SET I
SET application_name = 'old'  -> SET S(application_name=old) I
BEGIN                         -> BEGIN T
SET my.x = 1                  -> SET T
PREPARE TRANSACTION 'story10' -> PREPARE TRANSACTION I
BEGIN                         -> BEGIN T
SET my.x = 2                  -> SET T
SET application_name = 'two'  -> SET S(application_name=two) T
COMMIT PREPARED 'story10'     -> ERROR 25001 S(application_name=old) E
ROLLBACK                      -> ROLLBACK I
SHOW my.x                     -> [1] SHOW I
BEGIN                         -> BEGIN T
ROLLBACK PREPARED 'story10'   -> ERROR 25001 E
ROLLBACK                      -> ROLLBACK I
COMMIT PREPARED 'story10'     -> COMMIT PREPARED I
SHOW my.x                     -> [1] SHOW I

# 10: PREPARE TRANSACTION that fails: values old, no transaction
SET my.x = 0                  -> SET I
SET application_name = 'old'  -> SET S(application_name=old) I
BEGIN                         -> BEGIN T
PREPARE TRANSACTION 'story10' -> PREPARE TRANSACTION I
BEGIN                         -> BEGIN T
SET my.x = 1                  -> SET T
SET application_name = 'one'  -> SET S(application_name=one) T
PREPARE TRANSACTION 'story10' -> ERROR 42710 S(application_name=old) I
SHOW my.x                     -> [0] SHOW I
ROLLBACK PREPARED 'story10'   -> ROLLBACK PREPARED I

# 10: in one simple message and in a pipeline
SET my.x = 0                            -> SET I
BEGIN; SET my.x = 1; PREPARE TRANSACTION 'story10'; SET my.x = 2; SELECT 1/0 -> BEGIN SET PREPARE TRANSACTION SET ERROR 22012 I
SHOW my.x                               -> [1] SHOW I
SET my.x = 3; COMMIT PREPARED 'story10' -> SET ERROR 25001 I
SHOW my.x                               -> [1] SHOW I
pipeline
  ROLLBACK PREPARED 'story10'           -> ROLLBACK PREPARED
  sync                                  -> I
  BEGIN                                 -> BEGIN
  SET my.x = 4                          -> SET
  SET LOCAL my.x = 5                    -> SET
  PREPARE TRANSACTION 'story10'         -> PREPARE TRANSACTION
  SHOW my.x                             -> [4] SHOW
  sync                                  -> I
  COMMIT PREPARED 'story10'             -> COMMIT PREPARED
  sync                                  -> I
SHOW my.x                               -> [4] SHOW I
