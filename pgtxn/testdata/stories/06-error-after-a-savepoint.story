# 6: after an error ROLLBACK TO brings the value at the savepoint, COMMIT keeps it
SET my.x = 0  -> SET I
BEGIN         -> BEGIN T
SET my.x = 5  -> SET T
SAVEPOINT a   -> SAVEPOINT T
SET my.x = 6  -> SET T
SELECT 1/0    -> ERROR 22012 E
ROLLBACK TO a -> ROLLBACK T
SHOW my.x     -> [5] SHOW T
COMMIT        -> COMMIT I
SHOW my.x     -> [5] SHOW I

# 6: a reported setting: the error reports the value at the savepoint, for only the inner part is undone yet
SET application_name = 'old'  -> SET S(application_name=old) I
BEGIN                         -> BEGIN T
SET application_name = 'five' -> SET S(application_name=five) T
SAVEPOINT a                   -> SAVEPOINT T
SET application_name = 'six'  -> SET S(application_name=six) T
SELECT 1/0                    -> ERROR 22012 S(application_name=five) E
ROLLBACK TO a                 -> ROLLBACK T
COMMIT                        -> COMMIT I
SHOW application_name         -> [five] SHOW I

# 6: ROLLBACK instead returns to the value before the transaction, with the S that is still due
SET application_name = 'old'  -> SET S(application_name=old) I
BEGIN                         -> BEGIN T
SET application_name = 'five' -> SET S(application_name=five) T
SAVEPOINT a                   -> SAVEPOINT T
SET application_name = 'six'  -> SET S(application_name=six) T
SELECT 1/0                    -> ERROR 22012 S(application_name=five) E
ROLLBACK                      -> ROLLBACK S(application_name=old) I
SHOW application_name         -> [old] SHOW I

# 6: so does COMMIT
SET application_name = 'old'  -> SET S(application_name=old) I
SET my.x = 0                  -> SET I
BEGIN                         -> BEGIN T
SET application_name = 'five' -> SET S(application_name=five) T
SET my.x = 5                  -> SET T
SAVEPOINT a                   -> SAVEPOINT T
SELECT 1/0                    -> ERROR 22012 E
COMMIT                        -> ROLLBACK S(application_name=old) I
SHOW my.x                     -> [0] SHOW I

# 6: to an outer savepoint, over an inner one
SET application_name = 'old'  -> SET S(application_name=old) I
SET my.x = 0                  -> SET I
BEGIN                         -> BEGIN T
SAVEPOINT a                   -> SAVEPOINT T
SET my.x = 5                  -> SET T
SET application_name = 'five' -> SET S(application_name=five) T
SAVEPOINT b                   -> SAVEPOINT T
SET my.x = 6                  -> SET T
SET application_name = 'six'  -> SET S(application_name=six) T
SELECT 1/0                    -> ERROR 22012 S(application_name=five) E
ROLLBACK TO a                 -> ROLLBACK S(application_name=old) T
SHOW my.x                     -> [0] SHOW T
ROLLBACK TO b                 -> ERROR 3B001 E
ROLLBACK TO a                 -> ROLLBACK T
COMMIT                        -> COMMIT I

# 6: ROLLBACK TO an unknown name in a failed transaction leaves it failed
SET my.x = 0  -> SET I
BEGIN         -> BEGIN T
SET my.x = 5  -> SET T
SAVEPOINT a   -> SAVEPOINT T
SET my.x = 6  -> SET T
SELECT 1/0    -> ERROR 22012 E
ROLLBACK TO b -> ERROR 3B001 E
ROLLBACK TO a -> ROLLBACK T
SHOW my.x     -> [5] SHOW T
ROLLBACK      -> ROLLBACK I
SHOW my.x     -> [0] SHOW I

# 6: twice to the same savepoint, then on
SET my.x = 0  -> SET I
BEGIN         -> BEGIN T
SET my.x = 5  -> SET T
SAVEPOINT a   -> SAVEPOINT T
SET my.x = 6  -> SET T
SELECT 1/0    -> ERROR 22012 E
ROLLBACK TO a -> ROLLBACK T
SET my.x = 7  -> SET T
SELECT 1/0    -> ERROR 22012 E
ROLLBACK TO a -> ROLLBACK T
SHOW my.x     -> [5] SHOW T
RELEASE a     -> RELEASE T
SELECT 1/0    -> ERROR 22012 E
ROLLBACK      -> ROLLBACK I
SHOW my.x     -> [0] SHOW I

# 6: the ROLLBACK TO that ends the error may be in the middle of a message
SET my.x = 0 -> SET I
BEGIN; SET my.x = 5; SAVEPOINT a; SET my.x = 6; SELECT 1/0; SET my.x = 7 -> BEGIN SET SAVEPOINT SET ERROR 22012 E
ROLLBACK TO a; SHOW my.x; SET my.x = 8; COMMIT; SHOW my.x -> ROLLBACK [5] SHOW SET COMMIT [8] SHOW I

# 6: in a pipeline, with the error skipped up to Sync
SET my.x = 0    -> SET I
pipeline
  BEGIN         -> BEGIN
  SET my.x = 5  -> SET
  SAVEPOINT a   -> SAVEPOINT
  SET my.x = 6  -> SET
  SELECT 1/0    -> ERROR 22012
  ROLLBACK TO a -> skipped
  sync          -> E
  ROLLBACK TO a -> ROLLBACK
  SHOW my.x     -> [5] SHOW
  COMMIT        -> COMMIT
  sync          -> I
SHOW my.x       -> [5] SHOW I
