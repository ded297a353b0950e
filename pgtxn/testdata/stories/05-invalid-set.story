# 5: an invalid SET in a transaction fails it
SET my.x = 0                 -> SET I
SET application_name = 'old' -> SET S(application_name=old) I
BEGIN                        -> BEGIN T
SET my.x = 1                 -> SET T
SET application_name = 'new' -> SET S(application_name=new) T
SET work_mem = 'much'        -> ERROR 22023 S(application_name=old) E
ROLLBACK                     -> ROLLBACK I
SELECT current_setting('my.x'), current_setting('work_mem') -> [0|4MB] SELECT 1 I

# 5: then everything but ROLLBACK, ROLLBACK TO and COMMIT is refused
SET my.x = 0            -> SET I
BEGIN                   -> BEGIN T
SAVEPOINT a             -> SAVEPOINT T
SET my.x = 1            -> SET T
SET enable_sort = maybe -> ERROR 22023 E
SET my.x = 2            -> ERROR 25P02 E
SET LOCAL my.x = 2      -> ERROR 25P02 E
RESET my.x              -> ERROR 25P02 E
RESET ALL               -> ERROR 25P02 E
SHOW my.x               -> ERROR 25P02 E
SELECT 1                -> ERROR 25P02 E
BEGIN                   -> ERROR 25P02 E
SAVEPOINT b             -> ERROR 25P02 E
RELEASE a               -> ERROR 25P02 E
DISCARD ALL             -> ERROR 25P02 E
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY -> ERROR 25P02 E
ROLLBACK TO a           -> ROLLBACK T
SHOW my.x               -> [0] SHOW T
COMMIT                  -> COMMIT I

# 5: refused statements change nothing, after COMMIT too
SET my.x = 0                   -> SET I
SET application_name = 'old'   -> SET S(application_name=old) I
SET work_mem = '2MB'           -> SET I
BEGIN                          -> BEGIN T
SET statement_timeout = 'soon' -> ERROR 22023 E
SET my.x = 2                   -> ERROR 25P02 E
SET application_name = 'new'   -> ERROR 25P02 E
RESET work_mem                 -> ERROR 25P02 E
RESET ALL                      -> ERROR 25P02 E
COMMIT                         -> ROLLBACK I
SHOW application_name          -> [old] SHOW I
SELECT current_setting('my.x'), current_setting('work_mem') -> [0|2MB] SELECT 1 I

# 5: an invalid SET outside a transaction changes nothing
SET work_mem = '2MB'         -> SET I
SET work_mem = '1'           -> ERROR 22023 I
SET work_mem = '64mb'        -> ERROR 22023 I
SET no_such_setting = 1      -> ERROR 42704 I
SET TIME ZONE 'Nowhere/Land' -> ERROR 22023 I
SHOW work_mem                -> [2MB] SHOW I

# 5: an unknown name without a dot fails the transaction as well
SET my.x = 0            -> SET I
BEGIN                   -> BEGIN T
SET my.x = 1            -> SET T
SET no_such_setting = 1 -> ERROR 42704 E
SET my.x = 2            -> ERROR 25P02 E
END                     -> ROLLBACK I
SHOW my.x               -> [0] SHOW I

# 5: a setting that can't be changed now
BEGIN                      -> BEGIN T
SET shared_buffers = '1GB' -> ERROR 55P02 E
ROLLBACK                   -> ROLLBACK I
BEGIN                      -> BEGIN T
SET server_version = '9.9' -> ERROR 55P02 E
ROLLBACK                   -> ROLLBACK I

# 5: in one simple message and in a pipeline
SET my.x = 0            -> SET I
BEGIN; SET my.x = 1; SET work_mem = 'much'; SET my.x = 2 -> BEGIN SET ERROR 22023 E
SET my.x = 3; SHOW my.x -> ERROR 25P02 E
ROLLBACK; SHOW my.x     -> ROLLBACK [0] SHOW I
pipeline
  BEGIN                 -> BEGIN
  SET my.x = 1          -> SET
  SET work_mem = 'much' -> ERROR 22023
  ROLLBACK              -> skipped
  sync                  -> E
  SET my.x = 2          -> ERROR 25P02
  sync                  -> E
  ROLLBACK              -> ROLLBACK
  SHOW my.x             -> [0] SHOW
  sync                  -> I

# 5: a bound value that is invalid
SET my.x = 0                        -> SET I
BEGIN                               -> BEGIN T
SAVEPOINT a                         -> SAVEPOINT T
SELECT $1::int \bind 'not a number' -> ERROR 22P02 E
SET my.x = 2                        -> ERROR 25P02 E
ROLLBACK TO a                       -> ROLLBACK T
SHOW my.x                           -> [0] SHOW T
COMMIT                              -> COMMIT I
