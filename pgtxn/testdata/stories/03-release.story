# 3: RELEASE keeps values, an outer ROLLBACK undoes them
SET my.x = 0                 -> SET I
SET application_name = 'old' -> SET S(application_name=old) I
BEGIN                        -> BEGIN T
SAVEPOINT a                  -> SAVEPOINT T
SET my.x = 1                 -> SET T
SET application_name = 'one' -> SET S(application_name=one) T
RELEASE a                    -> RELEASE T
SHOW my.x                    -> [1] SHOW T
ROLLBACK                     -> ROLLBACK S(application_name=old) I
SHOW my.x                    -> [0] SHOW I

# 3: RELEASE keeps values, COMMIT too
SET my.x = 0         -> SET I
BEGIN                -> BEGIN T
SAVEPOINT a          -> SAVEPOINT T
SET my.x = 1         -> SET T
SET work_mem = '1MB' -> SET T
RELEASE a            -> RELEASE T
COMMIT               -> COMMIT I
SELECT current_setting('my.x'), current_setting('work_mem') -> [1|1MB] SELECT 1 I

# 3: RELEASE keeps values, an outer ROLLBACK TO undoes them
SET my.x = 0                 -> SET I
BEGIN                        -> BEGIN T
SET my.x = 1                 -> SET T
SAVEPOINT a                  -> SAVEPOINT T
SAVEPOINT b                  -> SAVEPOINT T
SET my.x = 2                 -> SET T
SET application_name = 'two' -> SET S(application_name=two) T
RELEASE b                    -> RELEASE T
SHOW my.x                    -> [2] SHOW T
ROLLBACK TO a                -> ROLLBACK S(application_name=) T
SHOW my.x                    -> [1] SHOW T
COMMIT                       -> COMMIT I
SHOW my.x                    -> [1] SHOW I

# 3: RELEASE releases every savepoint inside it: ROLLBACK TO one of those fails
SET my.x = 0  -> SET I
BEGIN         -> BEGIN T
SET my.x = 1  -> SET T
SAVEPOINT a   -> SAVEPOINT T
SET my.x = 2  -> SET T
SAVEPOINT b   -> SAVEPOINT T
SET my.x = 3  -> SET T
SAVEPOINT c   -> SAVEPOINT T
SET my.x = 4  -> SET T
RELEASE a     -> RELEASE T
SHOW my.x     -> [4] SHOW T
ROLLBACK TO b -> ERROR 3B001 E
ROLLBACK TO c -> ERROR 3B001 E
ROLLBACK TO a -> ERROR 3B001 E
ROLLBACK      -> ROLLBACK I
SHOW my.x     -> [0] SHOW I

# 3: the failed ROLLBACK TO undoes what the transaction set, with S
SET application_name = 'old' -> SET S(application_name=old) I
BEGIN                        -> BEGIN T
SAVEPOINT a                  -> SAVEPOINT T
SET application_name = 'one' -> SET S(application_name=one) T
RELEASE a                    -> RELEASE T
ROLLBACK TO a                -> ERROR 3B001 S(application_name=old) E
COMMIT                       -> ROLLBACK I
SHOW application_name        -> [old] SHOW I

# 3: RELEASE of a name that never was
SET my.x = 0        -> SET I
BEGIN               -> BEGIN T
SAVEPOINT a         -> SAVEPOINT T
SET my.x = 1        -> SET T
RELEASE b           -> ERROR 3B001 E
ROLLBACK TO a       -> ROLLBACK T
SHOW my.x           -> [0] SHOW T
RELEASE SAVEPOINT a -> RELEASE T
COMMIT              -> COMMIT I

# 3: RELEASE in the middle keeps the outer savepoint and its values
SET my.x = 0  -> SET I
BEGIN         -> BEGIN T
SAVEPOINT a   -> SAVEPOINT T
SET my.x = 1  -> SET T
SAVEPOINT b   -> SAVEPOINT T
SET my.x = 2  -> SET T
SAVEPOINT c   -> SAVEPOINT T
SET my.x = 3  -> SET T
RELEASE b     -> RELEASE T
SET my.x = 4  -> SET T
ROLLBACK TO a -> ROLLBACK T
SHOW my.x     -> [0] SHOW T
ROLLBACK TO b -> ERROR 3B001 E
ROLLBACK TO a -> ROLLBACK T
COMMIT        -> COMMIT I
SHOW my.x     -> [0] SHOW I

# 3: ROLLBACK TO then RELEASE, as a nested atomic block does
SET my.x = 0                    -> SET I
BEGIN                           -> BEGIN T
SET my.x = 1                    -> SET T
SAVEPOINT "s140_x1"             -> SAVEPOINT T
SET my.x = 2                    -> SET T
SELECT 1/0                      -> ERROR 22012 E
ROLLBACK TO SAVEPOINT "s140_x1" -> ROLLBACK T
RELEASE SAVEPOINT "s140_x1"     -> RELEASE T
SAVEPOINT "s140_x2"             -> SAVEPOINT T
SET my.x = 3                    -> SET T
RELEASE SAVEPOINT "s140_x2"     -> RELEASE T
COMMIT                          -> COMMIT I
SHOW my.x                       -> [3] SHOW I

# 3: in one simple message, the error ends the message but not the transaction
SET my.x = 0                 -> SET I
SET application_name = 'old' -> SET S(application_name=old) I
BEGIN; SET my.x = 1; SAVEPOINT a; SAVEPOINT b; SET my.x = 2; SET application_name = 'two'; RELEASE a; SHOW my.x; \
ROLLBACK TO b; SHOW my.x     -> BEGIN SET SAVEPOINT SAVEPOINT SET SET RELEASE [2] SHOW ERROR 3B001 E
ROLLBACK                     -> ROLLBACK I
SHOW my.x                    -> [0] SHOW I

# 3: in a pipeline
SET my.x = 0    -> SET I
pipeline
  BEGIN         -> BEGIN
  SET my.x = 1  -> SET
  SAVEPOINT a   -> SAVEPOINT
  SAVEPOINT b   -> SAVEPOINT
  SET my.x = 2  -> SET
  RELEASE a     -> RELEASE
  SHOW my.x     -> [2] SHOW
  ROLLBACK TO b -> ERROR 3B001
  SHOW my.x     -> skipped
  COMMIT        -> skipped
  sync          -> E
SHOW my.x       -> ERROR 25P02 E
COMMIT          -> ROLLBACK I
SHOW my.x       -> [0] SHOW I
