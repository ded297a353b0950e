# 16: the forms of SET and RESET
SET work_mem = '1MB'           -> SET I
SHOW work_mem                  -> [1MB] SHOW I
SET work_mem TO 2048           -> SET I
SHOW work_mem                  -> [2MB] SHOW I
SET SESSION work_mem = '3MB'   -> SET I
SHOW work_mem                  -> [3MB] SHOW I
SET "work_mem" TO '5MB'        -> SET I
SHOW work_mem                  -> [5MB] SHOW I
set WORK_MEM to default        -> SET I
SHOW work_mem                  -> [4MB] SHOW I
SET statement_timeout = '7s'   -> SET I
RESET statement_timeout        -> RESET I
SHOW statement_timeout         -> [0] SHOW I
SET my.x = 1.5                 -> SET I
SHOW my.x                      -> [1.5] SHOW I
SET my.x = -3                  -> SET I
SHOW my.x                      -> [-3] SHOW I
SET my.x = word                -> SET I
SHOW my.x                      -> [word] SHOW I
SET "my"."x" = 'quoted "name"' -> SET I
SHOW my.x                      -> [quoted "name"] SHOW I

# 16: a value with all that needs quoting
SET my.x = 'it''s; a "test" \ $1 /* no comment */ -- none' -> SET I
SHOW my.x                              -> [it's; a "test" \ $1 /* no comment */ -- none] SHOW I
SET my.x = E'tab\tnew\\line\'s'        -> SET I
SELECT current_setting('my.x') = E'tab\tnew\\line''s' -> [t] SELECT 1 I
SET my.x = 'äöü→𝄞'                     -> SET I
SHOW my.x                              -> [äöü→𝄞] SHOW I
SET my.x = ''                          -> SET I
SHOW my.x                              -> [] SHOW I
SET my.x = '  spaces  '                -> SET I
SELECT length(current_setting('my.x')) -> [10] SELECT 1 I

# 16: a value longer than any identifier, undone
SET my.x = 'short'                     -> SET I
SET search_path = 'a_schema_with_a_name_of_sixty_three_characters_as_long_as_may_be', "Another" -> SET I
  since 18                                                                                      -> SET S(search_path=a_schema_with_a_name_of_sixty_three_characters_as_long_as_may_be, "Another") I
SHOW search_path                       -> [a_schema_with_a_name_of_sixty_three_characters_as_long_as_may_be, "Another"] SHOW I
BEGIN                                  -> BEGIN T
SET my.x = '0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789' -> SET T
SELECT length(current_setting('my.x')) -> [100] SELECT 1 T
COMMIT                                 -> COMMIT I
SELECT length(current_setting('my.x')) -> [100] SELECT 1 I

# 16: SET TIME ZONE
startup
  TimeZone = UTC
SET TIME ZONE 'Europe/Rome'              -> SET S(TimeZone=Europe/Rome) I
SET TIME ZONE LOCAL                      -> SET S(TimeZone=UTC) I
SET TIME ZONE -7                         -> SET S(TimeZone=<-07>+07) I
SELECT timestamptz '2020-01-01 00:00+00' -> [2019-12-31 17:00:00-07] SELECT 1 I
SET TIME ZONE INTERVAL '+02:30' HOUR TO MINUTE -> SET S(TimeZone=<+02:30>-02:30) I
SELECT timestamptz '2020-01-01 00:00+00' -> [2020-01-01 02:30:00+02:30] SELECT 1 I
SET TIME ZONE DEFAULT                    -> SET S(TimeZone=UTC) I
BEGIN                                    -> BEGIN T
SET LOCAL TIME ZONE 'Asia/Tokyo'         -> SET S(TimeZone=Asia/Tokyo) T
SET SESSION TIME ZONE 'Asia/Seoul'       -> SET S(TimeZone=Asia/Seoul) T
COMMIT                                   -> COMMIT I
RESET TIME ZONE                          -> RESET S(TimeZone=UTC) I

# 16: SET NAMES
startup
  client_encoding = UTF8
SET NAMES 'LATIN1'                -> SET S(client_encoding=LATIN1) I
SHOW client_encoding              -> [LATIN1] SHOW I
SET NAMES                         -> SET S(client_encoding=UTF8) I
BEGIN                             -> BEGIN T
SET NAMES 'WIN1252'               -> SET S(client_encoding=WIN1252) T
SELECT 1/0                        -> ERROR 22012 S(client_encoding=UTF8) E
ROLLBACK                          -> ROLLBACK I
SET client_encoding = 'SQL_ASCII' -> SET S(client_encoding=SQL_ASCII) I
SET NAMES DEFAULT                 -> SET S(client_encoding=UTF8) I

# 16: SET SCHEMA
SET SCHEMA 'one'              -> SET I
  since 18                    -> SET S(search_path=one) I
SHOW search_path              -> [one] SHOW I
BEGIN                         -> BEGIN T
SET LOCAL SCHEMA 'Two, three' -> SET T
  since 18                    -> SET S(search_path="Two, three") T
SHOW search_path              -> ["Two, three"] SHOW T
COMMIT                        -> COMMIT I
  since 18                    -> COMMIT S(search_path=one) I
SHOW search_path              -> [one] SHOW I
RESET search_path             -> RESET I
  since 18                    -> RESET S(search_path="$user", public) I
SHOW search_path              -> ["$user", public] SHOW I

# 16: SET XML OPTION
SET XML OPTION DOCUMENT -> SET I
SHOW xmloption          -> [document] SHOW I
BEGIN                   -> BEGIN T
SET XML OPTION CONTENT  -> SET T
SHOW xmloption          -> [content] SHOW T
ROLLBACK                -> ROLLBACK I
SHOW xmloption          -> [document] SHOW I

# 16: SET SESSION CHARACTERISTICS
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY, DEFERRABLE -> SET S(default_transaction_read_only=on) I
SHOW default_transaction_isolation  -> [repeatable read] SHOW I
SHOW default_transaction_deferrable -> [on] SHOW I
SHOW transaction_isolation          -> [repeatable read] SHOW I
BEGIN                               -> BEGIN T
SHOW transaction_read_only          -> [on] SHOW T
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE -> SET S(default_transaction_read_only=off) T
SHOW transaction_read_only          -> [on] SHOW T
ROLLBACK                            -> ROLLBACK S(default_transaction_read_only=on) I
RESET default_transaction_isolation -> RESET I
RESET ALL                           -> RESET S(default_transaction_read_only=off) I
SHOW transaction_isolation          -> [read committed] SHOW I

# 16: SET TRANSACTION and SET CONSTRAINTS are gone with the transaction
BEGIN                          -> BEGIN T
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY -> SET T
SHOW transaction_isolation     -> [serializable] SHOW T
COMMIT                         -> COMMIT I
SHOW transaction_isolation     -> [read committed] SHOW I
SHOW transaction_read_only     -> [off] SHOW I
BEGIN                          -> BEGIN T
SET transaction_read_only = on -> SET T
SET CONSTRAINTS ALL DEFERRED   -> SET CONSTRAINTS T
COMMIT                         -> COMMIT I
SHOW transaction_read_only     -> [off] SHOW I
SET TRANSACTION READ ONLY      -> WARNING 25P01 SET I
SET CONSTRAINTS ALL DEFERRED   -> WARNING 25P01 SET CONSTRAINTS I
SHOW transaction_read_only     -> [off] SHOW I

# 16: a named prepared statement that sets, executed later and again
SET work_mem = '1MB'                    -> SET I
SET work_mem = '2MB' \parse two         -> ParseComplete I
SET LOCAL work_mem = '3MB' \parse three -> ParseComplete I
RESET work_mem \parse back              -> ParseComplete I
SHOW work_mem                           -> [1MB] SHOW I
\bind_named two                         -> SET I
SHOW work_mem                           -> [2MB] SHOW I
BEGIN                                   -> BEGIN T
\bind_named three                       -> SET T
SHOW work_mem                           -> [3MB] SHOW T
COMMIT                                  -> COMMIT I
SHOW work_mem                           -> [2MB] SHOW I
BEGIN                                   -> BEGIN T
\bind_named back                        -> RESET T
SHOW work_mem                           -> [4MB] SHOW T
ROLLBACK                                -> ROLLBACK I
SHOW work_mem                           -> [2MB] SHOW I
\bind_named back                        -> RESET I
SHOW work_mem                           -> [4MB] SHOW I

# 16: two clients set the same to other values, transaction by transaction
SET my.x = 'first'                     -> SET I
other: SET my.x = 'second'             -> SET I
SET application_name = 'first'         -> SET S(application_name=first) I
other: SET application_name = 'second' -> SET S(application_name=second) I
SHOW my.x                              -> [first] SHOW I
other: SHOW my.x                       -> [second] SHOW I
other: BEGIN                           -> BEGIN T
other: SET my.x = 'third'              -> SET T
other: SAVEPOINT a                     -> SAVEPOINT T
other: SET application_name = 'third'  -> SET S(application_name=third) T
other: ROLLBACK TO a                   -> ROLLBACK S(application_name=second) T
other: COMMIT                          -> COMMIT I
SELECT current_setting('my.x'), current_setting('application_name') -> [first|first] SELECT 1 I
other: SELECT current_setting('my.x'), current_setting('application_name') -> [third|second] SELECT 1 I

# 16: two clients in transactions at the same time
SET my.x = 'first'         -> SET I
other: SET my.x = 'second' -> SET I
BEGIN                      -> BEGIN T
other: BEGIN               -> BEGIN T
SET my.x = 1               -> SET T
other: SET my.x = 2        -> SET T
other: SAVEPOINT a         -> SAVEPOINT T
other: SELECT 1/0          -> ERROR 22012 E
SHOW my.x                  -> [1] SHOW T
COMMIT                     -> COMMIT I
other: ROLLBACK TO a       -> ROLLBACK T
other: SHOW my.x           -> [2] SHOW T
SHOW my.x                  -> [1] SHOW I
other: ROLLBACK            -> ROLLBACK I
other: SHOW my.x           -> [second] SHOW I
SHOW my.x                  -> [1] SHOW I
