# 7: SET LOCAL ends with the transaction
SET my.x = 1                         -> SET I
SET application_name = 'old'         -> SET S(application_name=old) I
BEGIN                                -> BEGIN T
SET LOCAL my.x = 5                   -> SET T
SET LOCAL application_name = 'local' -> SET S(application_name=local) T
SHOW my.x                            -> [5] SHOW T
COMMIT                               -> COMMIT S(application_name=old) I
SHOW my.x                            -> [1] SHOW I
BEGIN                                -> BEGIN T
SET LOCAL my.x = 6                   -> SET T
SET LOCAL application_name = 'local' -> SET S(application_name=local) T
ROLLBACK                             -> ROLLBACK S(application_name=old) I
SHOW my.x                            -> [1] SHOW I

# 7: SET LOCAL ends with the transaction when it fails, too
SET my.x = 1                         -> SET I
SET application_name = 'old'         -> SET S(application_name=old) I
BEGIN                                -> BEGIN T
SET LOCAL my.x = 5                   -> SET T
SET LOCAL application_name = 'local' -> SET S(application_name=local) T
SELECT 1/0                           -> ERROR 22012 S(application_name=old) E
COMMIT                               -> ROLLBACK I
SHOW my.x                            -> [1] SHOW I

# 7: SET LOCAL ends with ROLLBACK TO past it
SET my.x = 1       -> SET I
BEGIN              -> BEGIN T
SAVEPOINT a        -> SAVEPOINT T
SET LOCAL my.x = 5 -> SET T
SHOW my.x          -> [5] SHOW T
ROLLBACK TO a      -> ROLLBACK T
SHOW my.x          -> [1] SHOW T
SET LOCAL my.x = 6 -> SET T
SAVEPOINT b        -> SAVEPOINT T
SET LOCAL my.x = 7 -> SET T
ROLLBACK TO b      -> ROLLBACK T
SHOW my.x          -> [6] SHOW T
COMMIT             -> COMMIT I
SHOW my.x          -> [1] SHOW I

# 7: LOCAL 5; SET 6; COMMIT gives 6
SET my.x = 1       -> SET I
BEGIN              -> BEGIN T
SET LOCAL my.x = 5 -> SET T
SET my.x = 6       -> SET T
SHOW my.x          -> [6] SHOW T
COMMIT             -> COMMIT I
SHOW my.x          -> [6] SHOW I

# 7: SET 6; LOCAL 5 gives 5 inside, COMMIT gives 6
SET my.x = 1                        -> SET I
BEGIN                               -> BEGIN T
SET my.x = 6                        -> SET T
SET application_name = 'six'        -> SET S(application_name=six) T
SET LOCAL my.x = 5                  -> SET T
SET LOCAL application_name = 'five' -> SET S(application_name=five) T
SHOW my.x                           -> [5] SHOW T
COMMIT                              -> COMMIT S(application_name=six) I
SHOW my.x                           -> [6] SHOW I

# 7: SET 6; LOCAL 5; ROLLBACK gives the old value
SET my.x = 1       -> SET I
BEGIN              -> BEGIN T
SET my.x = 6       -> SET T
SET LOCAL my.x = 5 -> SET T
ROLLBACK           -> ROLLBACK I
SHOW my.x          -> [1] SHOW I

# 7: LOCAL in a released savepoint lives to COMMIT
SET my.x = 1               -> SET I
SET work_mem = '1MB'       -> SET I
BEGIN                      -> BEGIN T
SAVEPOINT a                -> SAVEPOINT T
SET LOCAL my.x = 5         -> SET T
SET LOCAL work_mem = '5MB' -> SET T
RELEASE a                  -> RELEASE T
SHOW my.x                  -> [5] SHOW T
SHOW work_mem              -> [5MB] SHOW T
COMMIT                     -> COMMIT I
SHOW my.x                  -> [1] SHOW I
SHOW work_mem              -> [1MB] SHOW I

# 7: LOCAL outside and SET inside a released savepoint: COMMIT keeps the SET
SET my.x = 1       -> SET I
BEGIN              -> BEGIN T
SET LOCAL my.x = 5 -> SET T
SAVEPOINT a        -> SAVEPOINT T
SET my.x = 6       -> SET T
RELEASE a          -> RELEASE T
SHOW my.x          -> [6] SHOW T
COMMIT             -> COMMIT I
SHOW my.x          -> [6] SHOW I

# 7: LOCAL outside and SET inside a savepoint rolled back: LOCAL is in force again, and gone after COMMIT
SET my.x = 1       -> SET I
BEGIN              -> BEGIN T
SET LOCAL my.x = 5 -> SET T
SAVEPOINT a        -> SAVEPOINT T
SET my.x = 6       -> SET T
ROLLBACK TO a      -> ROLLBACK T
SHOW my.x          -> [5] SHOW T
COMMIT             -> COMMIT I
SHOW my.x          -> [1] SHOW I

# 7: SET outside and LOCAL inside a savepoint, released and rolled back
SET my.x = 1       -> SET I
BEGIN              -> BEGIN T
SET my.x = 6       -> SET T
SAVEPOINT a        -> SAVEPOINT T
SET LOCAL my.x = 5 -> SET T
RELEASE a          -> RELEASE T
SHOW my.x          -> [5] SHOW T
SAVEPOINT b        -> SAVEPOINT T
SET LOCAL my.x = 4 -> SET T
ROLLBACK TO b      -> ROLLBACK T
SHOW my.x          -> [5] SHOW T
COMMIT             -> COMMIT I
SHOW my.x          -> [6] SHOW I

# 7: SET, LOCAL and SET again, each in a savepoint
SET my.x = 1       -> SET I
BEGIN              -> BEGIN T
SAVEPOINT a        -> SAVEPOINT T
SET my.x = 2       -> SET T
SAVEPOINT b        -> SAVEPOINT T
SET LOCAL my.x = 3 -> SET T
SAVEPOINT c        -> SAVEPOINT T
SET my.x = 4       -> SET T
ROLLBACK TO c      -> ROLLBACK T
SHOW my.x          -> [3] SHOW T
RELEASE b          -> RELEASE T
SHOW my.x          -> [3] SHOW T
RELEASE a          -> RELEASE T
COMMIT             -> COMMIT I
SHOW my.x          -> [2] SHOW I

# 7: RESET and TO DEFAULT after LOCAL change the session's value and end LOCAL
SET work_mem = '1MB'       -> SET I
BEGIN                      -> BEGIN T
SET LOCAL work_mem = '5MB' -> SET T
RESET work_mem             -> RESET T
SHOW work_mem              -> [4MB] SHOW T
COMMIT                     -> COMMIT I
SHOW work_mem              -> [4MB] SHOW I
SET work_mem = '1MB'       -> SET I
BEGIN                      -> BEGIN T
SET LOCAL work_mem = '5MB' -> SET T
RESET work_mem             -> RESET T
ROLLBACK                   -> ROLLBACK I
SHOW work_mem              -> [1MB] SHOW I

# 7: outside a transaction: a warning and no effect
SET my.x = 1                         -> SET I
SET LOCAL my.x = 5                   -> WARNING 25P01 SET I
SHOW my.x                            -> [1] SHOW I
SET LOCAL application_name = 'local' -> WARNING 25P01 SET I
SET LOCAL work_mem TO DEFAULT        -> WARNING 25P01 SET I
SHOW application_name                -> [] SHOW I

# 7: in one simple message it is in effect, and gone after
SET my.x = 1                                -> SET I
SET application_name = 'old'                -> SET S(application_name=old) I
SET LOCAL my.x = 5; SHOW my.x               -> SET [5] SHOW I
SHOW my.x                                   -> [1] SHOW I
SET LOCAL application_name = 'local'; SHOW application_name -> SET [local] SHOW I
SHOW my.x; SET LOCAL my.x = 6; SHOW my.x; COMMIT; SHOW my.x -> [1] SHOW SET [6] SHOW WARNING 25P01 COMMIT [1] SHOW I
SET my.x = 2; SET LOCAL my.x = 3; SHOW my.x -> SET SET [3] SHOW I
SHOW my.x                                   -> [2] SHOW I

# 7: in a pipeline: a warning, yet in effect until Sync
SET my.x = 1                           -> SET I
SET application_name = 'old'           -> SET S(application_name=old) I
pipeline
  SET LOCAL my.x = 5                   -> WARNING 25P01 SET
  SHOW my.x                            -> [5] SHOW
  SET LOCAL application_name = 'local' -> WARNING 25P01 SET
    since 18                           -> SET
  SHOW application_name                -> [local] SHOW
  sync                                 -> I
  SHOW my.x                            -> [1] SHOW
  SHOW application_name                -> [old] SHOW
  sync                                 -> I

# 7: in a transaction in a pipeline
SET my.x = 1         -> SET I
pipeline
  BEGIN              -> BEGIN
  SET my.x = 6       -> SET
  SET LOCAL my.x = 5 -> SET
  sync               -> T
  SHOW my.x          -> [5] SHOW
  COMMIT             -> COMMIT
  SHOW my.x          -> [6] SHOW
  sync               -> I

# 7: SET LOCAL TO DEFAULT masks, and the session's value comes back
SET work_mem = '1MB'                 -> SET I
SET application_name = 'old'         -> SET S(application_name=old) I
SET my.x = 1                         -> SET I
BEGIN                                -> BEGIN T
SET LOCAL work_mem TO DEFAULT        -> SET T
SET LOCAL application_name = DEFAULT -> SET S(application_name=) T
SET LOCAL my.x TO DEFAULT            -> SET T
SELECT current_setting('work_mem'), current_setting('my.x') -> [4MB|] SELECT 1 T
COMMIT                               -> COMMIT S(application_name=old) I
SELECT current_setting('work_mem'), current_setting('my.x') -> [1MB|1] SELECT 1 I

# 7: the session's value masked in a savepoint comes back with ROLLBACK TO
startup
  TimeZone = UTC
SET work_mem = '1MB'                -> SET I
BEGIN                               -> BEGIN T
SAVEPOINT a                         -> SAVEPOINT T
SET LOCAL work_mem TO DEFAULT       -> SET T
SHOW work_mem                       -> [4MB] SHOW T
ROLLBACK TO a                       -> ROLLBACK T
SHOW work_mem                       -> [1MB] SHOW T
SET LOCAL TIME ZONE 'Europe/Berlin' -> SET S(TimeZone=Europe/Berlin) T
ROLLBACK TO a                       -> ROLLBACK S(TimeZone=UTC) T
COMMIT                              -> COMMIT I
