# 1: ROLLBACK TO returns to the value at the savepoint; the savepoint survives
SET my.x = 0  -> SET I
BEGIN         -> BEGIN T
SET my.x = 1  -> SET T
SAVEPOINT a   -> SAVEPOINT T
SET my.x = 2  -> SET T
ROLLBACK TO a -> ROLLBACK T
SHOW my.x     -> [1] SHOW T
SET my.x = 3  -> SET T
ROLLBACK TO a -> ROLLBACK T
SHOW my.x     -> [1] SHOW T
RELEASE a     -> RELEASE T
COMMIT        -> COMMIT I
SHOW my.x     -> [1] SHOW I

# 1: the same with a reported setting
SET application_name = 'old'   -> SET S(application_name=old) I
BEGIN                          -> BEGIN T
SET application_name = 'one'   -> SET S(application_name=one) T
SAVEPOINT a                    -> SAVEPOINT T
SET application_name = 'two'   -> SET S(application_name=two) T
ROLLBACK TO a                  -> ROLLBACK S(application_name=one) T
SHOW application_name          -> [one] SHOW T
SET application_name = 'three' -> SET S(application_name=three) T
ROLLBACK TO SAVEPOINT a        -> ROLLBACK S(application_name=one) T
RELEASE SAVEPOINT a            -> RELEASE T
COMMIT                         -> COMMIT I
SHOW application_name          -> [one] SHOW I

# 1: the same with a setting that is not reported
BEGIN                -> BEGIN T
SET work_mem = '1MB' -> SET T
SAVEPOINT a          -> SAVEPOINT T
SET work_mem = '2MB' -> SET T
ROLLBACK TO a        -> ROLLBACK T
SHOW work_mem        -> [1MB] SHOW T
SET work_mem = '3MB' -> SET T
ROLLBACK TO a        -> ROLLBACK T
SHOW work_mem        -> [1MB] SHOW T
RELEASE a            -> RELEASE T
COMMIT               -> COMMIT I
SHOW work_mem        -> [1MB] SHOW I

# 1: several settings, some changed before the savepoint, some first changed after it
SET my.x = 0                  -> SET I
BEGIN                         -> BEGIN T
SET my.x = 1                  -> SET T
SET statement_timeout = '10s' -> SET T
SAVEPOINT a                   -> SAVEPOINT T
SET my.x = 2                  -> SET T
SET work_mem = '2MB'          -> SET T
SET application_name = 'two'  -> SET S(application_name=two) T
ROLLBACK TO a                 -> ROLLBACK S(application_name=) T
SELECT current_setting('my.x'), current_setting('statement_timeout'), current_setting('work_mem') -> [1|10s|4MB] SELECT 1 T
COMMIT                        -> COMMIT I
SELECT current_setting('my.x'), current_setting('statement_timeout'), current_setting('work_mem') -> [1|10s|4MB] SELECT 1 I

# 1: ROLLBACK after all of it returns to the value before the transaction
SET my.x = 0                 -> SET I
SET application_name = 'old' -> SET S(application_name=old) I
BEGIN                        -> BEGIN T
SET my.x = 1                 -> SET T
SET application_name = 'one' -> SET S(application_name=one) T
SAVEPOINT a                  -> SAVEPOINT T
SET my.x = 2                 -> SET T
ROLLBACK TO a                -> ROLLBACK T
SET my.x = 3                 -> SET T
RELEASE a                    -> RELEASE T
ROLLBACK                     -> ROLLBACK S(application_name=old) I
SHOW my.x                    -> [0] SHOW I

# 1: nested savepoints, each with a value of its own; the outer takes the inner with it
SET my.x = 0  -> SET I
BEGIN         -> BEGIN T
SAVEPOINT a   -> SAVEPOINT T
SET my.x = 1  -> SET T
SAVEPOINT b   -> SAVEPOINT T
SET my.x = 2  -> SET T
SAVEPOINT c   -> SAVEPOINT T
SET my.x = 3  -> SET T
ROLLBACK TO b -> ROLLBACK T
SHOW my.x     -> [1] SHOW T
SET my.x = 4  -> SET T
SAVEPOINT c   -> SAVEPOINT T
SET my.x = 5  -> SET T
ROLLBACK TO c -> ROLLBACK T
SHOW my.x     -> [4] SHOW T
ROLLBACK TO a -> ROLLBACK T
SHOW my.x     -> [0] SHOW T
SET my.x = 6  -> SET T
COMMIT        -> COMMIT I
SHOW my.x     -> [6] SHOW I

# 1: a retry loop rolls back to the same savepoint many times
SET my.x = 0      -> SET I
BEGIN             -> BEGIN T
SAVEPOINT retry   -> SAVEPOINT T
SET my.x = 1      -> SET T
SELECT 1/0        -> ERROR 22012 E
ROLLBACK TO retry -> ROLLBACK T
SET my.x = 2      -> SET T
SELECT 1/0        -> ERROR 22012 E
ROLLBACK TO retry -> ROLLBACK T
SHOW my.x         -> [0] SHOW T
SET my.x = 3      -> SET T
ROLLBACK TO retry -> ROLLBACK T
ROLLBACK TO retry -> ROLLBACK T
SHOW my.x         -> [0] SHOW T
SET my.x = 4      -> SET T
RELEASE retry     -> RELEASE T
COMMIT            -> COMMIT I
SHOW my.x         -> [4] SHOW I

# 1: in one simple message
SET my.x = 0                 -> SET I
SET application_name = 'old' -> SET S(application_name=old) I
BEGIN; SET my.x = 1; SET application_name = 'one'; SAVEPOINT a; SET my.x = 2; SET application_name = 'two'; \
ROLLBACK TO a; SHOW my.x     -> BEGIN SET SET SAVEPOINT SET SET ROLLBACK [1] SHOW S(application_name=one) T
SET my.x = 3; ROLLBACK TO a; SHOW my.x; RELEASE a; COMMIT -> SET ROLLBACK [1] SHOW RELEASE COMMIT I
SHOW my.x                    -> [1] SHOW I
SHOW application_name        -> [one] SHOW I

# 1: in pipelines
SET my.x = 0                   -> SET I
pipeline
  BEGIN                        -> BEGIN
  SET my.x = 1                 -> SET
  SET application_name = 'one' -> SET
  SAVEPOINT a                  -> SAVEPOINT
  SET my.x = 2                 -> SET
  SET application_name = 'two' -> SET
  ROLLBACK TO a                -> ROLLBACK
  SHOW my.x                    -> [1] SHOW
  sync                         -> S(application_name=one) T
  SET my.x = 3                 -> SET
  ROLLBACK TO a                -> ROLLBACK
  sync                         -> T
pipeline
  SHOW my.x                    -> [1] SHOW
  RELEASE a                    -> RELEASE
  COMMIT                       -> COMMIT
  SHOW my.x                    -> [1] SHOW
  sync                         -> I
SHOW my.x                      -> [1] SHOW I

# 1: savepoint names are identifiers, whatever way they are written
SET my.x = 0                    -> SET I
BEGIN                           -> BEGIN T
SET my.x = 1                    -> SET T
SAVEPOINT Abc                   -> SAVEPOINT T
SET my.x = 2                    -> SET T
SAVEPOINT "ABC"                 -> SAVEPOINT T
SET my.x = 3                    -> SET T
ROLLBACK TO "abc"               -> ROLLBACK T
SHOW my.x                       -> [1] SHOW T
ROLLBACK TO "ABC"               -> ERROR 3B001 E
ROLLBACK WORK TO SAVEPOINT aBC  -> ROLLBACK T
SAVEPOINT "a b""c;--"           -> SAVEPOINT T
SET my.x = 4                    -> SET T
rollback/*a/*n*/b*/transaction--x\
to/**/"a b""c;--"               -> ROLLBACK T
SHOW my.x                       -> [1] SHOW T
SAVEPOINT work                  -> SAVEPOINT T
SET my.x = 5                    -> SET T
ROLLBACK WORK TO SAVEPOINT work -> ROLLBACK T
SHOW my.x                       -> [1] SHOW T
SAVEPOINT savepoint             -> SAVEPOINT T
SET my.x = 6                    -> SET T
ROLLBACK TO savepoint           -> ROLLBACK T
SHOW my.x                       -> [1] SHOW T
COMMIT                          -> COMMIT I
