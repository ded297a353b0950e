# 20: SET ROLE is transactional, is_superuser is reported
setup
  DO $$BEGIN CREATE ROLE story_role; EXCEPTION WHEN duplicate_object THEN NULL; END$$
SET ROLE story_role       -> SET S(is_superuser=off) I
SELECT current_user       -> [story_role] SELECT 1 I
BEGIN                     -> BEGIN T
RESET ROLE                -> RESET S(is_superuser=on) T
ROLLBACK                  -> ROLLBACK S(is_superuser=off) I
SELECT current_user       -> [story_role] SELECT 1 I
SET ROLE NONE             -> SET S(is_superuser=on) I
BEGIN                     -> BEGIN T
SAVEPOINT a               -> SAVEPOINT T
SET ROLE story_role       -> SET S(is_superuser=off) T
SELECT 1/0                -> ERROR 22012 S(is_superuser=on) E
ROLLBACK TO a             -> ROLLBACK T
SET LOCAL ROLE story_role -> SET S(is_superuser=off) T
COMMIT                    -> COMMIT S(is_superuser=on) I
SHOW role                 -> [none] SHOW I

# 20: SET SESSION AUTHORIZATION is transactional, both are reported
setup
  DO $$BEGIN CREATE ROLE story_role; EXCEPTION WHEN duplicate_object THEN NULL; END$$
BEGIN                                -> BEGIN T
SET SESSION AUTHORIZATION story_role -> SET S(is_superuser=off) S(session_authorization=story_role) T
SELECT session_user, current_user    -> [story_role|story_role] SELECT 1 T
COMMIT                               -> COMMIT I
SELECT session_user, current_user    -> [story_role|story_role] SELECT 1 I
BEGIN                                -> BEGIN T
SET SESSION AUTHORIZATION DEFAULT    -> SET S(is_superuser=on) S(session_authorization=postgres) T
SELECT 1/0                           -> ERROR 22012 S(is_superuser=off) S(session_authorization=story_role) E
ROLLBACK                             -> ROLLBACK I
RESET SESSION AUTHORIZATION          -> RESET S(is_superuser=on) S(session_authorization=postgres) I

# 20: what the role may not do fails as it would anywhere, and a role that is not there
setup
  DO $$BEGIN CREATE ROLE story_role; EXCEPTION WHEN duplicate_object THEN NULL; END$$
SET ROLE no_such_role     -> ERROR 22023 I
SET ROLE story_role       -> SET S(is_superuser=off) I
SET log_statement = 'all' -> ERROR 42501 I
CREATE ROLE story_other   -> ERROR 42501 I
RESET ROLE                -> RESET S(is_superuser=on) I

# 20: session authorization ends the role
setup
  DO $$BEGIN CREATE ROLE story_role; EXCEPTION WHEN duplicate_object THEN NULL; END$$
  DO $$BEGIN CREATE ROLE story_other; EXCEPTION WHEN duplicate_object THEN NULL; END$$
SET ROLE story_other                 -> SET S(is_superuser=off) I
SET SESSION AUTHORIZATION story_role -> SET S(session_authorization=story_role) I
SELECT session_user, current_user, current_setting('role') -> [story_role|story_role|none] SELECT 1 I
RESET SESSION AUTHORIZATION          -> RESET S(is_superuser=on) S(session_authorization=postgres) I
SELECT current_user = session_user, current_setting('role') -> [t|none] SELECT 1 I
