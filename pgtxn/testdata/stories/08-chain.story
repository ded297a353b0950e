# 8: COMMIT AND CHAIN commits and opens a transaction whose base is the committed values
SET my.x = 0     -> SET I
BEGIN            -> BEGIN T
SET my.x = 1     -> SET T
COMMIT AND CHAIN -> COMMIT T
SHOW my.x        -> [1] SHOW T
SET my.x = 2     -> SET T
ROLLBACK         -> ROLLBACK I
SHOW my.x        -> [1] SHOW I

# 8: COMMIT AND CHAIN drops SET LOCAL
SET my.x = 0                         -> SET I
SET application_name = 'old'         -> SET S(application_name=old) I
BEGIN                                -> BEGIN T
SET LOCAL my.x = 5                   -> SET T
SET LOCAL application_name = 'local' -> SET S(application_name=local) T
COMMIT AND CHAIN                     -> COMMIT S(application_name=old) T
SHOW my.x                            -> [0] SHOW T
COMMIT                               -> COMMIT I

# 8: COMMIT AND CHAIN ends the savepoints
SET my.x = 0  -> SET I
BEGIN         -> BEGIN T
SAVEPOINT a   -> SAVEPOINT T
SET my.x = 1  -> SET T
END AND CHAIN -> COMMIT T
SET my.x = 2  -> SET T
ROLLBACK TO a -> ERROR 3B001 E
ROLLBACK      -> ROLLBACK I
SHOW my.x     -> [1] SHOW I

# 8: the error in the second transaction returns to what the first committed
SET my.x = 0                 -> SET I
BEGIN                        -> BEGIN T
SET application_name = 'one' -> SET S(application_name=one) T
SET my.x = 1                 -> SET T
COMMIT TRANSACTION AND CHAIN -> COMMIT T
SET application_name = 'two' -> SET S(application_name=two) T
SET my.x = 2                 -> SET T
SELECT 1/0                   -> ERROR 22012 S(application_name=one) E
ROLLBACK                     -> ROLLBACK I
SHOW my.x                    -> [1] SHOW I

# 8: ROLLBACK AND CHAIN restores and opens one
SET my.x = 0                 -> SET I
SET application_name = 'old' -> SET S(application_name=old) I
BEGIN                        -> BEGIN T
SAVEPOINT a                  -> SAVEPOINT T
SET my.x = 1                 -> SET T
SET application_name = 'one' -> SET S(application_name=one) T
ROLLBACK AND CHAIN           -> ROLLBACK S(application_name=old) T
SHOW my.x                    -> [0] SHOW T
SET my.x = 2                 -> SET T
ROLLBACK TO a                -> ERROR 3B001 E
ROLLBACK WORK AND CHAIN      -> ROLLBACK T
SHOW my.x                    -> [0] SHOW T
SET my.x = 3                 -> SET T
COMMIT                       -> COMMIT I
SHOW my.x                    -> [3] SHOW I

# 8: ABORT AND CHAIN is ROLLBACK AND CHAIN
SET my.x = 0    -> SET I
BEGIN           -> BEGIN T
SET my.x = 1    -> SET T
ABORT AND CHAIN -> ROLLBACK T
SHOW my.x       -> [0] SHOW T
SET my.x = 2    -> SET T
ABORT           -> ROLLBACK I
SHOW my.x       -> [0] SHOW I

# 8: COMMIT AND CHAIN in a failed transaction answers ROLLBACK and opens one with the old values
SET my.x = 0                 -> SET I
SET application_name = 'old' -> SET S(application_name=old) I
BEGIN                        -> BEGIN T
SET my.x = 1                 -> SET T
SET application_name = 'one' -> SET S(application_name=one) T
SELECT 1/0                   -> ERROR 22012 S(application_name=old) E
COMMIT AND CHAIN             -> ROLLBACK T
SHOW my.x                    -> [0] SHOW T
SET my.x = 2                 -> SET T
COMMIT                       -> COMMIT I
SHOW my.x                    -> [2] SHOW I

# 8: ROLLBACK AND CHAIN in a failed transaction with a savepoint
SET my.x = 0       -> SET I
BEGIN              -> BEGIN T
SET my.x = 1       -> SET T
SAVEPOINT a        -> SAVEPOINT T
SET my.x = 2       -> SET T
SELECT 1/0         -> ERROR 22012 E
ROLLBACK AND CHAIN -> ROLLBACK T
SHOW my.x          -> [0] SHOW T
ROLLBACK TO a      -> ERROR 3B001 E
COMMIT             -> ROLLBACK I

# 8: outside a transaction it is an error
SET my.x = 0       -> SET I
COMMIT AND CHAIN   -> ERROR 25P01 I
END AND CHAIN      -> ERROR 25P01 I
ROLLBACK AND CHAIN -> ERROR 25P01 I
ABORT AND CHAIN    -> ERROR 25P01 I
SHOW my.x          -> [0] SHOW I

# 8: AND NO CHAIN is the plain form
SET my.x = 0               -> SET I
BEGIN                      -> BEGIN T
SET my.x = 1               -> SET T
COMMIT AND NO CHAIN        -> COMMIT I
BEGIN                      -> BEGIN T
SET my.x = 2               -> SET T
ROLLBACK WORK AND NO CHAIN -> ROLLBACK I
SHOW my.x                  -> [1] SHOW I

# 8: a chain keeps the characteristics of the transaction
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY -> BEGIN T
SHOW transaction_isolation -> [repeatable read] SHOW T
COMMIT AND CHAIN           -> COMMIT T
SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only') -> [repeatable read|on] SELECT 1 T
ROLLBACK AND CHAIN         -> ROLLBACK T
SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only') -> [repeatable read|on] SELECT 1 T
COMMIT                     -> COMMIT I
SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only') -> [read committed|off] SELECT 1 I

# 8: in one simple message, where the outer statements are one implicit transaction
SET my.x = 0                                 -> SET I
BEGIN; SET my.x = 1; COMMIT AND CHAIN; SET my.x = 2; ROLLBACK AND CHAIN; SHOW my.x; SET my.x = 3; COMMIT -> \
BEGIN SET COMMIT SET ROLLBACK [1] SHOW SET COMMIT I
SHOW my.x                                    -> [3] SHOW I
SET my.x = 4; COMMIT AND CHAIN; SET my.x = 5 -> SET ERROR 25P01 I
SHOW my.x                                    -> [3] SHOW I
SET my.x = 4; ROLLBACK AND CHAIN             -> SET ERROR 25P01 I
SHOW my.x                                    -> [3] SHOW I

# 8: in a pipeline
SET my.x = 0       -> SET I
pipeline
  BEGIN            -> BEGIN
  SET my.x = 1     -> SET
  COMMIT AND CHAIN -> COMMIT
  SET my.x = 2     -> SET
  SELECT 1/0       -> ERROR 22012
  SHOW my.x        -> skipped
  sync             -> E
  COMMIT AND CHAIN -> ROLLBACK
  SHOW my.x        -> [1] SHOW
  sync             -> T
  ROLLBACK         -> ROLLBACK
  COMMIT AND CHAIN -> ERROR 25P01
  sync             -> I
SHOW my.x          -> [1] SHOW I
