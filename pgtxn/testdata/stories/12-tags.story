# 12: ROLLBACK TO, ROLLBACK and a failed COMMIT all answer ROLLBACK
SET my.x = 0  -> SET I
BEGIN         -> BEGIN T
SET my.x = 1  -> SET T
SAVEPOINT a   -> SAVEPOINT T
SET my.x = 2  -> SET T
ROLLBACK TO a -> ROLLBACK T
SHOW my.x     -> [1] SHOW T
ROLLBACK      -> ROLLBACK I
SHOW my.x     -> [0] SHOW I
BEGIN         -> BEGIN T
SET my.x = 3  -> SET T
SELECT 1/0    -> ERROR 22012 E
COMMIT        -> ROLLBACK I
SHOW my.x     -> [0] SHOW I

# 12: all three in one message, where only their order tells them apart
SET my.x = 0                    -> SET I
BEGIN; SET my.x = 1; SAVEPOINT a; SET my.x = 2; ROLLBACK TO a; SET my.y = 1; ROLLBACK TO a; ROLLBACK; SHOW my.x -> \
BEGIN SET SAVEPOINT SET ROLLBACK SET ROLLBACK ROLLBACK [0] SHOW I
BEGIN; SET my.x = 1; SELECT 1/0 -> BEGIN SET ERROR 22012 E
COMMIT; BEGIN; SET my.x = 4; SAVEPOINT a; ROLLBACK TO a; COMMIT; SHOW my.x -> \
ROLLBACK BEGIN SET SAVEPOINT ROLLBACK COMMIT [4] SHOW I

# 12: SET TO DEFAULT answers SET, RESET answers RESET
SET work_mem = '1MB'         -> SET I
SET work_mem TO DEFAULT      -> SET I
SHOW work_mem                -> [4MB] SHOW I
SET SESSION work_mem = '1MB' -> SET I
SET work_mem = DEFAULT       -> SET I
SHOW work_mem                -> [4MB] SHOW I
SET work_mem = '1MB'         -> SET I
RESET work_mem               -> RESET I
SHOW work_mem                -> [4MB] SHOW I
SET work_mem = '1MB'         -> SET I
RESET ALL                    -> RESET I
SHOW work_mem                -> [4MB] SHOW I

# 12: in a transaction, with savepoints
SET application_name = 'old'    -> SET S(application_name=old) I
BEGIN                           -> BEGIN T
SET application_name TO DEFAULT -> SET S(application_name=) T
SAVEPOINT a                     -> SAVEPOINT T
SET application_name = 'one'    -> SET S(application_name=one) T
RESET application_name          -> RESET S(application_name=) T
SET work_mem = '1MB'            -> SET T
RESET ALL                       -> RESET T
SHOW work_mem                   -> [4MB] SHOW T
ROLLBACK TO a                   -> ROLLBACK T
ROLLBACK                        -> ROLLBACK S(application_name=old) I

# 12: set_config answers SELECT 1
pins set_config
SELECT set_config('my.x', '1', false) -> [1] SELECT 1 I
SHOW my.x                             -> [1] SHOW I
BEGIN                                 -> BEGIN T
SELECT set_config('my.x', '2', false) -> [2] SELECT 1 T
SAVEPOINT a                           -> SAVEPOINT T
SELECT set_config('my.x', $1, $2) \bind 3 false -> [3] SELECT 1 T
SELECT set_config('my.x', '4', true)  -> [4] SELECT 1 T
ROLLBACK TO a                         -> ROLLBACK T
SHOW my.x                             -> [2] SHOW T
COMMIT                                -> COMMIT I
SHOW my.x                             -> [2] SHOW I

# 12: a named prepared statement hides from the tag what it does
SET my.x = 0             -> SET I
SET my.x = 5 \parse five -> ParseComplete I
ROLLBACK \parse back     -> ParseComplete I
\bind_named five         -> SET I
SHOW my.x                -> [5] SHOW I
SET my.x = 0             -> SET I
BEGIN                    -> BEGIN T
\bind_named five         -> SET T
SHOW my.x                -> [5] SHOW T
\bind_named back         -> ROLLBACK I
SHOW my.x                -> [0] SHOW I
