# 26: spellings of one name, and another one
SET my.x = 0                   -> SET I
BEGIN                          -> BEGIN T
SAVEPOINT Abc                  -> SAVEPOINT T
SET my.x = 1                   -> SET T
SAVEPOINT "ABC"                -> SAVEPOINT T
SET my.x = 2                   -> SET T
ROLLBACK TO aBC                -> ROLLBACK T
SHOW my.x                      -> [0] SHOW T
ROLLBACK TO "ABC"              -> ERROR 3B001 E
ROLLBACK TO "abc"              -> ROLLBACK T
RELEASE SAVEPOINT ABC          -> RELEASE T
COMMIT                         -> COMMIT I

# 26: keywords are valid names
SET my.x = 0                   -> SET I
BEGIN                          -> BEGIN T
SAVEPOINT work                 -> SAVEPOINT T
SET my.x = 1                   -> SET T
SAVEPOINT savepoint            -> SAVEPOINT T
SET my.x = 2                   -> SET T
SAVEPOINT transaction          -> SAVEPOINT T
SET my.x = 3                   -> SET T
ROLLBACK WORK TO SAVEPOINT transaction -> ROLLBACK T
SHOW my.x                      -> [2] SHOW T
ROLLBACK TRANSACTION TO savepoint -> ROLLBACK T
SHOW my.x                      -> [1] SHOW T
ROLLBACK WORK TO SAVEPOINT work -> ROLLBACK T
SHOW my.x                      -> [0] SHOW T
RELEASE work                   -> RELEASE T
COMMIT                         -> COMMIT I
