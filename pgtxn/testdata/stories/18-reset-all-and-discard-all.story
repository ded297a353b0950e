# 18: RESET ALL leaves role and session authorization
setup
  DO $$BEGIN CREATE ROLE story_role; EXCEPTION WHEN duplicate_object THEN NULL; END$$
SET work_mem = '1MB'                 -> SET I
SET ROLE story_role                  -> SET S(is_superuser=off) I
RESET ALL                            -> RESET I
SELECT current_user, current_setting('work_mem') -> [story_role|4MB] SELECT 1 I
RESET ROLE                           -> RESET S(is_superuser=on) I
SET SESSION AUTHORIZATION story_role -> SET S(is_superuser=off) S(session_authorization=story_role) I
RESET ALL                            -> RESET I
SELECT session_user, current_user    -> [story_role|story_role] SELECT 1 I
RESET SESSION AUTHORIZATION          -> RESET S(is_superuser=on) S(session_authorization=postgres) I

# 18: DISCARD ALL resets both
setup
  DO $$BEGIN CREATE ROLE story_role; EXCEPTION WHEN duplicate_object THEN NULL; END$$
SET work_mem = '1MB'                 -> SET I
SET application_name = 'set'         -> SET S(application_name=set) I
SET ROLE story_role                  -> SET S(is_superuser=off) I
DISCARD ALL                          -> DISCARD ALL S(application_name=) S(is_superuser=on) I
SELECT current_user = session_user, current_setting('role'), current_setting('work_mem') -> [t|none|4MB] SELECT 1 I
SET SESSION AUTHORIZATION story_role -> SET S(is_superuser=off) S(session_authorization=story_role) I
SELECT session_user                  -> [story_role] SELECT 1 I
DISCARD ALL                          -> DISCARD ALL S(is_superuser=on) S(session_authorization=postgres) I
SELECT session_user = 'story_role', current_setting('is_superuser') -> [f|on] SELECT 1 I

# 18: DISCARD ALL drops prepared statements
SELECT 1 \parse one -> ParseComplete I
\bind_named one     -> [1] SELECT 1 I
DISCARD ALL         -> DISCARD ALL I
\bind_named one     -> ERROR 26000 I
SELECT 2 \parse one -> ParseComplete I
\bind_named one     -> [2] SELECT 1 I

# 18: DISCARD ALL drops temporary tables
pins a temporary table
CREATE TEMP TABLE story_18 (id int) -> CREATE TABLE I
INSERT INTO story_18 VALUES (1)     -> INSERT 0 1 I
DISCARD ALL                         -> DISCARD ALL I
SELECT * FROM story_18              -> ERROR 42P01 I

# 18: in a transaction DISCARD ALL is an error
SET my.x = 1                 -> SET I
SET application_name = 'old' -> SET S(application_name=old) I
BEGIN                        -> BEGIN T
SET application_name = 'new' -> SET S(application_name=new) T
DISCARD ALL                  -> ERROR 25001 S(application_name=old) E
COMMIT                       -> ROLLBACK I
SHOW my.x                    -> [1] SHOW I

# 18: in a pipeline alone it is fine, after another statement not
SET work_mem = '1MB' -> SET I
pipeline
  DISCARD ALL        -> DISCARD ALL
  sync               -> I
  SHOW work_mem      -> [4MB] SHOW
  sync               -> I
SET work_mem = '2MB' -> SET I
pipeline
  SELECT 1           -> [1] SELECT 1
  DISCARD ALL        -> ERROR 25001
  sync               -> I
  SHOW work_mem      -> [2MB] SHOW
  sync               -> I

# 18: statements behind DISCARD ALL in a pipeline
SET work_mem = '1MB'   -> SET I
pipeline
  DISCARD ALL          -> DISCARD ALL
  SHOW work_mem        -> [4MB] SHOW
  SET work_mem = '3MB' -> SET
  sync                 -> I
SHOW work_mem          -> [3MB] SHOW I
pipeline
  DISCARD ALL          -> DISCARD ALL
  SET work_mem = '5MB' -> SET
  SELECT 1/0           -> ERROR 22012
  sync                 -> I
SHOW work_mem          -> [4MB] SHOW I

# 18: DISCARD PLANS, TEMP and SEQUENCES are allowed in a transaction and change no setting
SET my.x = 0      -> SET I
BEGIN             -> BEGIN T
SET my.x = 1      -> SET T
DISCARD PLANS     -> DISCARD PLANS T
DISCARD TEMP      -> DISCARD TEMP T
DISCARD TEMPORARY -> DISCARD TEMP T
DISCARD SEQUENCES -> DISCARD SEQUENCES T
SHOW my.x         -> [1] SHOW T
ROLLBACK          -> ROLLBACK I
SHOW my.x         -> [0] SHOW I

# 18: RESET ALL drops SET LOCAL, and comes back with ROLLBACK TO
SET work_mem = '1MB'                 -> SET I
BEGIN                                -> BEGIN T
SET LOCAL work_mem = '5MB'           -> SET T
SET LOCAL application_name = 'local' -> SET S(application_name=local) T
SAVEPOINT a                          -> SAVEPOINT T
RESET ALL                            -> RESET S(application_name=) T
SHOW work_mem                        -> [4MB] SHOW T
ROLLBACK TO a                        -> ROLLBACK S(application_name=local) T
SHOW work_mem                        -> [5MB] SHOW T
RESET ALL                            -> RESET S(application_name=) T
COMMIT                               -> COMMIT I
SHOW work_mem                        -> [4MB] SHOW I

# 18: RESET ALL in a message that fails, and SET behind RESET ALL
SET work_mem = '1MB'         -> SET I
RESET ALL; SELECT 1/0        -> RESET ERROR 22012 I
SHOW work_mem                -> [1MB] SHOW I
SET statement_timeout = '5s' -> SET I
RESET ALL; SET work_mem = '2MB'; SHOW statement_timeout -> RESET SET [0] SHOW I
SHOW work_mem                -> [2MB] SHOW I
