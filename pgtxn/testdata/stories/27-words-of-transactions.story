# 27: WORK, TRANSACTION and [NO] CHAIN
SET my.x = 0                            -> SET I
BEGIN WORK                              -> BEGIN T
SET my.x = 1                            -> SET T
COMMIT WORK AND CHAIN                   -> COMMIT T
SET my.x = 2                            -> SET T
ROLLBACK TRANSACTION AND NO CHAIN       -> ROLLBACK I
SHOW my.x                               -> [1] SHOW I
BEGIN TRANSACTION                       -> BEGIN T
SET my.x = 3                            -> SET T
ABORT WORK AND CHAIN                    -> ROLLBACK T
SET my.x = 4                            -> SET T
END TRANSACTION AND NO CHAIN            -> COMMIT I
SHOW my.x                               -> [4] SHOW I
START TRANSACTION                       -> START TRANSACTION T
SET my.x = 5                            -> SET T
END WORK AND CHAIN                      -> COMMIT T
ABORT                                   -> ROLLBACK I
SHOW my.x                               -> [5] SHOW I

# 27: BEGIN and START TRANSACTION take modes, and AND CHAIN keeps them
BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE -> BEGIN T
SHOW transaction_isolation              -> [serializable] SHOW T
SHOW transaction_read_only              -> [on] SHOW T
SHOW transaction_deferrable             -> [on] SHOW T
SET my.x = 'read only'                  -> SET T
COMMIT AND CHAIN                        -> COMMIT T
SHOW transaction_isolation              -> [serializable] SHOW T
SHOW transaction_read_only              -> [on] SHOW T
COMMIT                                  -> COMMIT I
SHOW transaction_isolation              -> [read committed] SHOW I
SHOW my.x                               -> [read only] SHOW I
START TRANSACTION READ WRITE ISOLATION LEVEL REPEATABLE READ -> START TRANSACTION T
SHOW transaction_isolation              -> [repeatable read] SHOW T
ROLLBACK AND CHAIN                      -> ROLLBACK T
SHOW transaction_isolation              -> [repeatable read] SHOW T
ROLLBACK                                -> ROLLBACK I
