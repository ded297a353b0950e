# 11: outside a transaction COMMIT and ROLLBACK warn and answer with the tag
SET my.x = 1    -> SET I
COMMIT          -> WARNING 25P01 COMMIT I
END             -> WARNING 25P01 COMMIT I
END TRANSACTION -> WARNING 25P01 COMMIT I
ROLLBACK        -> WARNING 25P01 ROLLBACK I
ABORT           -> WARNING 25P01 ROLLBACK I
ABORT WORK      -> WARNING 25P01 ROLLBACK I
SHOW my.x       -> [1] SHOW I

# 11: outside a transaction SAVEPOINT, RELEASE and ROLLBACK TO fail
SET my.x = 1            -> SET I
SAVEPOINT a             -> ERROR 25P01 I
RELEASE a               -> ERROR 25P01 I
ROLLBACK TO a           -> ERROR 25P01 I
ROLLBACK TO SAVEPOINT a -> ERROR 25P01 I
ABORT TO a              -> ERROR 42601 I
SHOW my.x               -> [1] SHOW I

# 11: a second BEGIN inside warns and changes nothing
SET my.x = 0      -> SET I
BEGIN             -> BEGIN T
SET my.x = 1      -> SET T
BEGIN             -> WARNING 25001 BEGIN T
SET my.x = 2      -> SET T
START TRANSACTION -> WARNING 25001 START TRANSACTION T
SAVEPOINT a       -> SAVEPOINT T
SET my.x = 3      -> SET T
BEGIN WORK        -> WARNING 25001 BEGIN T
ROLLBACK TO a     -> ROLLBACK T
SHOW my.x         -> [2] SHOW T
ROLLBACK          -> ROLLBACK I
SHOW my.x         -> [0] SHOW I

# 11: one COMMIT ends the transaction, however often it was begun
SET my.x = 0 -> SET I
BEGIN        -> BEGIN T
BEGIN        -> WARNING 25001 BEGIN T
SET my.x = 1 -> SET T
COMMIT       -> COMMIT I
COMMIT       -> WARNING 25P01 COMMIT I
SHOW my.x    -> [1] SHOW I

# 11: a savepoint ends with its transaction
SET my.x = 0  -> SET I
BEGIN         -> BEGIN T
SAVEPOINT a   -> SAVEPOINT T
SET my.x = 1  -> SET T
COMMIT        -> COMMIT I
ROLLBACK TO a -> ERROR 25P01 I
BEGIN         -> BEGIN T
ROLLBACK TO a -> ERROR 3B001 E
ROLLBACK      -> ROLLBACK I
SHOW my.x     -> [1] SHOW I

# 11: the warnings reach a client that asked for them and no other
SET client_min_messages = error -> SET I
COMMIT                          -> COMMIT I
SET LOCAL work_mem = '5MB'      -> SET I
RESET client_min_messages       -> RESET I
COMMIT                          -> WARNING 25P01 COMMIT I

# 11: in one simple message
SET my.x = 1                                 -> SET I
COMMIT; COMMIT                               -> WARNING 25P01 COMMIT WARNING 25P01 COMMIT I
BEGIN; BEGIN; SET my.x = 2; COMMIT; ROLLBACK -> BEGIN WARNING 25001 BEGIN SET COMMIT WARNING 25P01 ROLLBACK I
RELEASE a; SET my.x = 3                      -> ERROR 25P01 I
SET my.x = 3; ROLLBACK TO a                  -> SET ERROR 25P01 I
SHOW my.x                                    -> [2] SHOW I

# 11: in a pipeline
SET my.x = 1    -> SET I
pipeline
  COMMIT        -> WARNING 25P01 COMMIT
  SET my.x = 2  -> SET
  ROLLBACK      -> WARNING 25P01 ROLLBACK
  SHOW my.x     -> [1] SHOW
  sync          -> I
  RELEASE a     -> ERROR 25P01
  sync          -> I
  ROLLBACK TO a -> ERROR 25P01
  sync          -> I
  BEGIN         -> BEGIN
  SET my.x = 3  -> SET
  BEGIN         -> WARNING 25001 BEGIN
  COMMIT        -> COMMIT
  sync          -> I
SHOW my.x       -> [3] SHOW I
