# 17: RESET, TO DEFAULT and RESET ALL return to the client's start-up values
startup
  application_name = boot
  TimeZone = Asia/Tokyo
  DateStyle = SQL, DMY
  options = -c work_mem=5MB --statement-timeout=7s
SHOW application_name            -> [boot] SHOW I
SHOW work_mem                    -> [5MB] SHOW I
SHOW statement_timeout           -> [7s] SHOW I
SELECT '2020-02-01'::date        -> [01/02/2020] SELECT 1 I
SET application_name = 'set'     -> SET S(application_name=set) I
SET work_mem = '1MB'             -> SET I
SET statement_timeout = 0        -> SET I
RESET work_mem                   -> RESET I
SHOW work_mem                    -> [5MB] SHOW I
RESET application_name           -> RESET S(application_name=boot) I
SET statement_timeout TO DEFAULT -> SET I
SHOW statement_timeout           -> [7s] SHOW I
SET TIME ZONE 'Asia/Seoul'       -> SET S(TimeZone=Asia/Seoul) I
SET DateStyle = 'ISO, MDY'       -> SET S(DateStyle=ISO, MDY) I
SET work_mem = '2MB'             -> SET I
RESET ALL                        -> RESET S(DateStyle=SQL, DMY) S(TimeZone=Asia/Tokyo) I
SHOW work_mem                    -> [5MB] SHOW I

# 17: DISCARD ALL does so too
startup
  application_name = boot
  options = -c work_mem=5MB
SET application_name = 'set' -> SET S(application_name=set) I
SET work_mem = '1MB'         -> SET I
DISCARD ALL                  -> DISCARD ALL S(application_name=boot) I
SHOW work_mem                -> [5MB] SHOW I

# 17: all are transactional
startup
  application_name = boot
  options = -c work_mem=5MB
SET application_name = 'set' -> SET S(application_name=set) I
SET work_mem = '1MB'         -> SET I
BEGIN                        -> BEGIN T
RESET application_name       -> RESET S(application_name=boot) T
RESET work_mem               -> RESET T
ROLLBACK                     -> ROLLBACK S(application_name=set) I
SHOW work_mem                -> [1MB] SHOW I
BEGIN                        -> BEGIN T
SAVEPOINT a                  -> SAVEPOINT T
RESET ALL                    -> RESET S(application_name=boot) T
SHOW work_mem                -> [5MB] SHOW T
ROLLBACK TO a                -> ROLLBACK S(application_name=set) T
SHOW work_mem                -> [1MB] SHOW T
SET work_mem TO DEFAULT      -> SET T
SELECT 1/0                   -> ERROR 22012 E
ROLLBACK TO a                -> ROLLBACK T
COMMIT                       -> COMMIT I
SHOW work_mem                -> [1MB] SHOW I
BEGIN                        -> BEGIN T
RESET ALL                    -> RESET S(application_name=boot) T
COMMIT                       -> COMMIT I
SHOW work_mem                -> [5MB] SHOW I
SHOW application_name        -> [boot] SHOW I

# 17: SET LOCAL TO DEFAULT masks with the start-up value
startup
  options = -c work_mem=5MB
SET work_mem = '1MB'          -> SET I
BEGIN                         -> BEGIN T
SET LOCAL work_mem TO DEFAULT -> SET T
SHOW work_mem                 -> [5MB] SHOW T
COMMIT                        -> COMMIT I
SHOW work_mem                 -> [1MB] SHOW I

# 17: a custom setting in the options, and spaces in a value
startup
  options = -c my.x=boot -c my.y=two\ words
SHOW my.x    -> [boot] SHOW I
SHOW my.y    -> [two words] SHOW I
SET my.x = 1 -> SET I
RESET my.x   -> RESET I
SHOW my.x    -> [boot] SHOW I
BEGIN        -> BEGIN T
SET my.x = 2 -> SET T
SET my.y = 2 -> SET T
RESET ALL    -> RESET T
COMMIT       -> COMMIT I
SHOW my.x    -> [boot] SHOW I
SHOW my.y    -> [two words] SHOW I

# 17: another setting in the startup message itself
startup
  work_mem = 5MB
  search_path = "Tenant 1", public
SHOW work_mem           -> [5MB] SHOW I
SHOW search_path        -> ["Tenant 1", public] SHOW I
SET search_path = other -> SET I
  since 18              -> SET S(search_path=other) I
RESET search_path       -> RESET I
  since 18              -> RESET S(search_path="Tenant 1", public) I
SHOW search_path        -> ["Tenant 1", public] SHOW I

# 17: then to ALTER ROLE and ALTER DATABASE SET
user story_alice
setup
  DO $$BEGIN CREATE ROLE story_alice LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END$$
  ALTER ROLE story_alice SET work_mem = '6MB'
  ALTER ROLE story_alice SET statement_timeout = '6s'
  DO $$BEGIN EXECUTE format('ALTER ROLE story_alice IN DATABASE %I SET statement_timeout = ''8s''', current_database()); END$$
  DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = ''9s''', current_database()); END$$
SHOW work_mem                    -> [6MB] SHOW I
SHOW statement_timeout           -> [8s] SHOW I
SHOW lock_timeout                -> [9s] SHOW I
SET work_mem = '1MB'             -> SET I
SET statement_timeout = '1s'     -> SET I
SET lock_timeout = '1s'          -> SET I
RESET work_mem                   -> RESET I
SHOW work_mem                    -> [6MB] SHOW I
SET statement_timeout TO DEFAULT -> SET I
SHOW statement_timeout           -> [8s] SHOW I
RESET ALL                        -> RESET I
SHOW lock_timeout                -> [9s] SHOW I

# 17: the start-up message goes before ALTER ROLE SET
user story_alice
startup
  options = -c work_mem=5MB
setup
  DO $$BEGIN CREATE ROLE story_alice LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END$$
  ALTER ROLE story_alice SET work_mem = '6MB'
  ALTER ROLE story_alice SET statement_timeout = '6s'
  DO $$BEGIN EXECUTE format('ALTER ROLE story_alice IN DATABASE %I SET statement_timeout = ''8s''', current_database()); END$$
  DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = ''9s''', current_database()); END$$
SHOW work_mem          -> [5MB] SHOW I
SET work_mem = '1MB'   -> SET I
RESET work_mem         -> RESET I
SHOW work_mem          -> [5MB] SHOW I
SHOW statement_timeout -> [8s] SHOW I
