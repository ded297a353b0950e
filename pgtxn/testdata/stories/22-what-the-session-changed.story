# 22: pg_settings says what the session changed, in secret too
SET work_mem = '5MB'                                                    -> SET I
DO $$BEGIN PERFORM set_config('enable_sort', 'off', false); END$$       -> DO I
SELECT name, setting FROM pg_settings WHERE source = 'session' AND name IN ('work_mem', 'enable_sort', 'enable_hashjoin') ORDER BY 1 \
  -> [enable_sort|off] [work_mem|5120] SELECT 2 I
RESET work_mem                                                          -> RESET I
SELECT name FROM pg_settings WHERE source = 'session' AND name IN ('work_mem', 'enable_sort') -> [enable_sort] SELECT 1 I
BEGIN                                                                   -> BEGIN T
SET LOCAL enable_hashjoin = off                                         -> SET T
SELECT name FROM pg_settings WHERE source = 'session' AND name LIKE 'enable%' ORDER BY 1 -> [enable_hashjoin] [enable_sort] SELECT 2 T
COMMIT                                                                  -> COMMIT I
SELECT name FROM pg_settings WHERE source = 'session' AND name LIKE 'enable%' -> [enable_sort] SELECT 1 I
RESET ALL                                                               -> RESET I
SELECT name FROM pg_settings WHERE source = 'session' AND name LIKE 'enable%' -> SELECT 0 I

# 22: custom settings are hidden from pg_settings
SET my.x = 'here'                                                       -> SET I
SELECT name FROM pg_settings WHERE name = 'my.x'                        -> SELECT 0 I
SELECT current_setting('my.x')                                          -> [here] SELECT 1 I

# 22: what current_setting says, given to set_config, is the same value
SET search_path = "a, b", 'it''s', "Quo""ted", plain                    -> SET I
  since 18                                                              -> SET S(search_path="a, b", "it's", "Quo""ted", plain) I
SELECT set_config('my.path', current_setting('search_path'), false)     -> ["a, b", "it's", "Quo""ted", plain] SELECT 1 I
RESET search_path                                                       -> RESET I
  since 18                                                              -> RESET S(search_path="$user", public) I
SELECT set_config('search_path', current_setting('my.path'), false)     -> ["a, b", "it's", "Quo""ted", plain] SELECT 1 I
  since 18                                                              -> ["a, b", "it's", "Quo""ted", plain] SELECT 1 S(search_path="a, b", "it's", "Quo""ted", plain) I
SHOW search_path                                                        -> ["a, b", "it's", "Quo""ted", plain] SHOW I
SELECT current_setting('search_path') = current_setting('my.path')      -> [t] SELECT 1 I
SELECT set_config('work_mem', current_setting('work_mem'), false)       -> [4MB] SELECT 1 I
