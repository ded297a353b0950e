# 2: a second savepoint of the same name shadows the first, RELEASE uncovers it
SET my.x = 0  -> SET I
BEGIN         -> BEGIN T
SET my.x = 1  -> SET T
SAVEPOINT a   -> SAVEPOINT T
SET my.x = 2  -> SET T
SAVEPOINT a   -> SAVEPOINT T
SET my.x = 3  -> SET T
ROLLBACK TO a -> ROLLBACK T
SHOW my.x     -> [2] SHOW T
RELEASE a     -> RELEASE T
SHOW my.x     -> [2] SHOW T
ROLLBACK TO a -> ROLLBACK T
SHOW my.x     -> [1] SHOW T
COMMIT        -> COMMIT I
SHOW my.x     -> [1] SHOW I

# 2: the same with a reported setting
BEGIN                          -> BEGIN T
SET application_name = 'one'   -> SET S(application_name=one) T
SAVEPOINT a                    -> SAVEPOINT T
SET application_name = 'two'   -> SET S(application_name=two) T
SAVEPOINT a                    -> SAVEPOINT T
SET application_name = 'three' -> SET S(application_name=three) T
ROLLBACK TO a                  -> ROLLBACK S(application_name=two) T
RELEASE a                      -> RELEASE T
SHOW application_name          -> [two] SHOW T
ROLLBACK TO a                  -> ROLLBACK S(application_name=one) T
ROLLBACK                       -> ROLLBACK S(application_name=) I

# 2: the newest match wins, always: three of one name with another between
SET my.x = 0  -> SET I
BEGIN         -> BEGIN T
SAVEPOINT a   -> SAVEPOINT T
SET my.x = 1  -> SET T
SAVEPOINT b   -> SAVEPOINT T
SET my.x = 2  -> SET T
SAVEPOINT a   -> SAVEPOINT T
SET my.x = 3  -> SET T
SAVEPOINT a   -> SAVEPOINT T
SET my.x = 4  -> SET T
ROLLBACK TO a -> ROLLBACK T
SHOW my.x     -> [3] SHOW T
RELEASE a     -> RELEASE T
ROLLBACK TO a -> ROLLBACK T
SHOW my.x     -> [2] SHOW T
ROLLBACK TO b -> ROLLBACK T
SHOW my.x     -> [1] SHOW T
ROLLBACK TO a -> ROLLBACK T
SHOW my.x     -> [0] SHOW T
RELEASE a     -> RELEASE T
ROLLBACK TO a -> ERROR 3B001 E
ROLLBACK      -> ROLLBACK I
SHOW my.x     -> [0] SHOW I

# 2: a driver sets the same savepoint before each statement and never releases it
SET my.x = 0                          -> SET I
BEGIN                                 -> BEGIN T
SAVEPOINT pgjdbc_autosave             -> SAVEPOINT T
SET my.x = 1                          -> SET T
SAVEPOINT pgjdbc_autosave             -> SAVEPOINT T
SET my.x = 2                          -> SET T
SAVEPOINT pgjdbc_autosave             -> SAVEPOINT T
SELECT 1/0                            -> ERROR 22012 E
ROLLBACK TO SAVEPOINT pgjdbc_autosave -> ROLLBACK T
SHOW my.x                             -> [2] SHOW T
SAVEPOINT pgjdbc_autosave             -> SAVEPOINT T
SET my.x = 3                          -> SET T
SAVEPOINT pgjdbc_autosave             -> SAVEPOINT T
SET my.x = 4                          -> SET T
SELECT nosuch                         -> ERROR 42703 E
ROLLBACK TO SAVEPOINT pgjdbc_autosave -> ROLLBACK T
SHOW my.x                             -> [3] SHOW T
COMMIT                                -> COMMIT I
SHOW my.x                             -> [3] SHOW I

# 2: an unquoted and a quoted spelling are the same name
SET my.x = 0        -> SET I
BEGIN               -> BEGIN T
SAVEPOINT Point     -> SAVEPOINT T
SET my.x = 1        -> SET T
SAVEPOINT "point"   -> SAVEPOINT T
SET my.x = 2        -> SET T
RELEASE POINT       -> RELEASE T
ROLLBACK TO "point" -> ROLLBACK T
SHOW my.x           -> [0] SHOW T
COMMIT              -> COMMIT I

# 2: in one simple message and in a pipeline
SET my.x = 0             -> SET I
BEGIN; SET my.x = 1; SAVEPOINT a; SET my.x = 2; SAVEPOINT a; SET my.x = 3; ROLLBACK TO a; SHOW my.x; RELEASE a; \
ROLLBACK TO a; SHOW my.x -> BEGIN SET SAVEPOINT SET SAVEPOINT SET ROLLBACK [2] SHOW RELEASE ROLLBACK [1] SHOW T
pipeline
  SAVEPOINT a            -> SAVEPOINT
  SET my.x = 4           -> SET
  SAVEPOINT a            -> SAVEPOINT
  SET my.x = 5           -> SET
  ROLLBACK TO a          -> ROLLBACK
  RELEASE a              -> RELEASE
  SHOW my.x              -> [4] SHOW
  ROLLBACK TO a          -> ROLLBACK
  SHOW my.x              -> [1] SHOW
  COMMIT                 -> COMMIT
  sync                   -> I
SHOW my.x                -> [1] SHOW I
