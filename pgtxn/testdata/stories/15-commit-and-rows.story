# 15: COMMIT; SELECT 7 in one message returns the rows
SET my.x = 0     -> SET I
BEGIN            -> BEGIN T
SET my.x = 1     -> SET T
COMMIT; SELECT 7 -> COMMIT [7] SELECT 1 I
SHOW my.x        -> [1] SHOW I

# 15: outside a transaction as well, with the warning
COMMIT; SELECT 7                  -> WARNING 25P01 COMMIT [7] SELECT 1 I
ROLLBACK; SELECT 7, 8             -> WARNING 25P01 ROLLBACK [7|8] SELECT 1 I
END; SELECT generate_series(1, 3) -> WARNING 25P01 COMMIT [1] [2] [3] SELECT 3 I

# 15: ROLLBACK and a failed COMMIT too
SET my.x = 0                 -> SET I
SET application_name = 'old' -> SET S(application_name=old) I
BEGIN                        -> BEGIN T
SET my.x = 1                 -> SET T
SET application_name = 'one' -> SET S(application_name=one) T
ROLLBACK; SHOW my.x          -> ROLLBACK [0] SHOW S(application_name=old) I
BEGIN                        -> BEGIN T
SELECT 1/0                   -> ERROR 22012 E
COMMIT; SELECT 7             -> ROLLBACK [7] SELECT 1 I

# 15: COMMIT; BEGIN goes from one transaction to the next
SET my.x = 0                -> SET I
BEGIN                       -> BEGIN T
SET my.x = 1                -> SET T
COMMIT; BEGIN; SET my.x = 2 -> COMMIT BEGIN SET T
ROLLBACK; SHOW my.x         -> ROLLBACK [1] SHOW I

# 15: COMMIT, then rows, in a pipeline
SET my.x = 0 -> SET I
BEGIN        -> BEGIN T
SET my.x = 1 -> SET T
pipeline
  COMMIT     -> COMMIT
  SELECT 7   -> [7] SELECT 1
  SHOW my.x  -> [1] SHOW
  sync       -> I

# 15: COMMIT PREPARED is not COMMIT
SET my.x = 0                  -> SET I
BEGIN                         -> BEGIN T
SET my.x = 1                  -> SET T
PREPARE TRANSACTION 'story15' -> PREPARE TRANSACTION I
SET my.x = 2                  -> SET I
ROLLBACK PREPARED 'story15'   -> ROLLBACK PREPARED I
SHOW my.x                     -> [2] SHOW I
