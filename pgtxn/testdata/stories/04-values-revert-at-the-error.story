# 4: values revert at the error, with S sent then, not at the ROLLBACK
SET application_name = 'nine' -> SET S(application_name=nine) I
BEGIN                         -> BEGIN T
SET application_name = 'five' -> SET S(application_name=five) T
SELECT 1/0                    -> ERROR 22012 S(application_name=nine) E
ROLLBACK                      -> ROLLBACK I
SHOW application_name         -> [nine] SHOW I

# 4: a setting that is not reported and a custom one revert in silence
SET my.x = 9         -> SET I
SET work_mem = '9MB' -> SET I
BEGIN                -> BEGIN T
SET my.x = 5         -> SET T
SET work_mem = '5MB' -> SET T
SELECT 1/0           -> ERROR 22012 E
ROLLBACK             -> ROLLBACK I
SELECT current_setting('my.x'), current_setting('work_mem') -> [9|9MB] SELECT 1 I

# 4: COMMIT of a failed transaction answers ROLLBACK and keeps nothing
SET my.x = 9                  -> SET I
SET application_name = 'nine' -> SET S(application_name=nine) I
BEGIN                         -> BEGIN T
SET my.x = 5                  -> SET T
SET application_name = 'five' -> SET S(application_name=five) T
SELECT nosuch                 -> ERROR 42703 S(application_name=nine) E
COMMIT                        -> ROLLBACK I
SHOW my.x                     -> [9] SHOW I
SHOW application_name         -> [nine] SHOW I

# 4: END of a failed transaction answers ROLLBACK and keeps nothing
SET my.x = 9      -> SET I
START TRANSACTION -> START TRANSACTION T
SET my.x = 5      -> SET T
SELECT 1/0        -> ERROR 22012 E
END               -> ROLLBACK I
SHOW my.x         -> [9] SHOW I
BEGIN             -> BEGIN T
SET my.x = 6      -> SET T
SELECT 1/0        -> ERROR 22012 E
END WORK          -> ROLLBACK I
SHOW my.x         -> [9] SHOW I

# 4: several reported settings revert together
startup
  TimeZone = UTC
SET application_name = 'nine' -> SET S(application_name=nine) I
BEGIN                         -> BEGIN T
SET application_name = 'five' -> SET S(application_name=five) T
SET TIME ZONE 'Europe/Berlin' -> SET S(TimeZone=Europe/Berlin) T
SET DateStyle = 'SQL, DMY'    -> SET S(DateStyle=SQL, DMY) T
SET my.x = 5                  -> SET T
SELECT 1/0                    -> ERROR 22012 S(DateStyle=ISO, MDY) S(TimeZone=UTC) S(application_name=nine) E
ROLLBACK                      -> ROLLBACK I
SELECT '2020-01-02'::date, current_setting('TimeZone') -> [2020-01-02|UTC] SELECT 1 I

# 4: a syntax error is an error too
SET application_name = 'nine' -> SET S(application_name=nine) I
BEGIN                         -> BEGIN T
SET application_name = 'five' -> SET S(application_name=five) T
SELEC 1                       -> ERROR 42601 S(application_name=nine) E
COMMIT                        -> ROLLBACK I

# 4: through Parse, Bind and Execute, with the error in each of them
SET application_name = 'nine' -> SET S(application_name=nine) I
BEGIN                         -> BEGIN T
SET application_name = 'five' -> SET S(application_name=five) T
SELECT nosuch \bind           -> ERROR 42703 S(application_name=nine) E
COMMIT \bind                  -> ROLLBACK I
BEGIN                         -> BEGIN T
SET application_name = 'five' -> SET S(application_name=five) T
SELECT $1::int \bind x        -> ERROR 22P02 S(application_name=nine) E
ROLLBACK \bind                -> ROLLBACK I
BEGIN                         -> BEGIN T
SET application_name = 'five' -> SET S(application_name=five) T
SELECT 1 / $1::int \bind 0    -> ERROR 22012 S(application_name=nine) E
END \bind                     -> ROLLBACK I
SHOW application_name         -> [nine] SHOW I

# 4: Execute of what can't be executed in a failed transaction
SET my.x = 9        -> SET I
SELECT 1 \parse one -> ParseComplete I
BEGIN               -> BEGIN T
SET my.x = 5        -> SET T
SELECT 1/0          -> ERROR 22012 E
\bind_named one     -> ERROR 25P02 E
ROLLBACK            -> ROLLBACK I
SHOW my.x           -> [9] SHOW I
\bind_named one     -> [1] SELECT 1 I

# 4: the same in one simple message and in a pipeline
SET my.x = 9                     -> SET I
SET application_name = 'nine'    -> SET S(application_name=nine) I
BEGIN; SET my.x = 5; SET application_name = 'five'; SELECT 1/0; SET my.x = 6 -> BEGIN SET SET ERROR 22012 E
COMMIT                           -> ROLLBACK I
SHOW my.x                        -> [9] SHOW I
pipeline
  BEGIN                          -> BEGIN
  SET my.x = 5                   -> SET
  SET application_name = 'five'  -> SET
  sync                           -> S(application_name=five) T
  SET application_name = 'six'   -> SET
  SELECT 1/0                     -> ERROR 22012
  SET application_name = 'seven' -> skipped
  sync                           -> S(application_name=nine) E
  COMMIT                         -> ROLLBACK
  SHOW my.x                      -> [9] SHOW
  sync                           -> I

# 4: what was set before the transaction in the same session stays, whatever the transaction did
SET my.x = 1 -> SET I
SET my.y = 2 -> SET I
BEGIN        -> BEGIN T
SET my.x = 3 -> SET T
SET my.y = 4 -> SET T
SELECT 1/0   -> ERROR 22012 E
ROLLBACK     -> ROLLBACK I
BEGIN        -> BEGIN T
SET my.y = 5 -> SET T
COMMIT       -> COMMIT I
SELECT current_setting('my.x'), current_setting('my.y') -> [1|5] SELECT 1 I
