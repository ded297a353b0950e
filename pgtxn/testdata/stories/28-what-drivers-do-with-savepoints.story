# 28: pgjdbc's autosave sets one name before each statement and releases none
SET my.x = 0                      -> SET I
BEGIN                             -> BEGIN T
SAVEPOINT PGJDBC_AUTOSAVE         -> SAVEPOINT T
SET my.x = 1                      -> SET T
SAVEPOINT PGJDBC_AUTOSAVE         -> SAVEPOINT T
SET my.x = 2                      -> SET T
SAVEPOINT PGJDBC_AUTOSAVE         -> SAVEPOINT T
SELECT 1/0                        -> ERROR 22012 E
ROLLBACK TO SAVEPOINT PGJDBC_AUTOSAVE -> ROLLBACK T
SHOW my.x                         -> [2] SHOW T
SAVEPOINT PGJDBC_AUTOSAVE         -> SAVEPOINT T
SET my.x = 'three                 -> ERROR 42601 E
ROLLBACK TO SAVEPOINT PGJDBC_AUTOSAVE -> ROLLBACK T
COMMIT                            -> COMMIT I
SHOW my.x                         -> [2] SHOW I

# 28: Django's nested atomic rolls back to a savepoint, then releases it
SET my.x = 0                      -> SET I
BEGIN                             -> BEGIN T
SAVEPOINT "s1_x1"                 -> SAVEPOINT T
SET my.x = 1                      -> SET T
SAVEPOINT "s1_x2"                 -> SAVEPOINT T
SET my.x = 2                      -> SET T
ROLLBACK TO SAVEPOINT "s1_x2"     -> ROLLBACK T
RELEASE SAVEPOINT "s1_x2"         -> RELEASE T
SHOW my.x                         -> [1] SHOW T
RELEASE SAVEPOINT "s1_x1"         -> RELEASE T
COMMIT                            -> COMMIT I
SHOW my.x                         -> [1] SHOW I

# 28: ActiveRecord uses names again after their release
BEGIN                             -> BEGIN T
SAVEPOINT active_record_1         -> SAVEPOINT T
SET application_name = 'first'    -> SET S(application_name=first) T
RELEASE SAVEPOINT active_record_1 -> RELEASE T
SAVEPOINT active_record_1         -> SAVEPOINT T
SET application_name = 'second'   -> SET S(application_name=second) T
ROLLBACK TO SAVEPOINT active_record_1 -> ROLLBACK S(application_name=first) T
RELEASE SAVEPOINT active_record_1 -> RELEASE T
COMMIT                            -> COMMIT I
SHOW application_name             -> [first] SHOW I

# 28: a retry loop goes back to one savepoint many times
BEGIN                             -> BEGIN T
SET LOCAL my.x = 'kept'           -> SET T
SAVEPOINT retry                   -> SAVEPOINT T
SET LOCAL my.x = 'try 1'          -> SET T
SELECT 1/0                        -> ERROR 22012 E
ROLLBACK TO retry                 -> ROLLBACK T
SHOW my.x                         -> [kept] SHOW T
SET my.x = 'try 2'                -> SET T
SELECT 1/0                        -> ERROR 22012 E
ROLLBACK TO retry                 -> ROLLBACK T
SHOW my.x                         -> [kept] SHOW T
SET my.x = 'try 3'                -> SET T
ROLLBACK TO retry                 -> ROLLBACK T
SET my.x = 'done'                 -> SET T
RELEASE retry                     -> RELEASE T
COMMIT                            -> COMMIT I
SHOW my.x                         -> [done] SHOW I
