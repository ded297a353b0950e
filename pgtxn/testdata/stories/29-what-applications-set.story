# 29: pg_dump takes everything out of the search_path
SELECT pg_catalog.set_config('search_path', '', false) -> [] SELECT 1 I
  since 18                                             -> [] SELECT 1 S(search_path=) I
SHOW search_path                        -> [] SHOW I
SELECT count(*) FROM pg_class WHERE false -> [0] SELECT 1 I
SELECT to_regclass('no_such_table')     -> [NULL] SELECT 1 I
RESET search_path                       -> RESET I
  since 18                              -> RESET S(search_path="$user", public) I
SHOW search_path                        -> ["$user", public] SHOW I

# 29: claims of a request, for the transaction, as bound parameters
BEGIN                                   -> BEGIN T
SELECT set_config('request.jwt.claims', $1, true), set_config('role', $2, true) \bind '{"sub": "a''b", "role": "x"}' none -> [{"sub": "a'b", "role": "x"}|none] SELECT 1 T
SELECT current_setting('request.jwt.claims')::json ->> 'sub' -> [a'b] SELECT 1 T
COMMIT                                  -> COMMIT I
SELECT current_setting('request.jwt.claims', true) -> [] SELECT 1 I

# 29: a tenant's search_path for each request, in the session
SELECT set_config('search_path', $1, false) \bind 'tenant_1, public' -> [tenant_1, public] SELECT 1 I
  since 18                                                           -> [tenant_1, public] SELECT 1 S(search_path=tenant_1, public) I
SHOW search_path                        -> [tenant_1, public] SHOW I
BEGIN                                   -> BEGIN T
SELECT set_config('search_path', $1, false) \bind tenant_2 -> [tenant_2] SELECT 1 T
  since 18                                                 -> [tenant_2] SELECT 1 S(search_path=tenant_2) T
SELECT 1/0                              -> ERROR 22012 E
  since 18                              -> ERROR 22012 S(search_path=tenant_1, public) E
ROLLBACK                                -> ROLLBACK I
SHOW search_path                        -> [tenant_1, public] SHOW I

# 29: what Rails, SQLAlchemy and Hibernate set when they connect
SET client_min_messages TO 'warning'    -> SET I
SET standard_conforming_strings = on    -> SET I
SET SESSION timezone TO 'UTC'           -> SET I
SET SESSION statement_timeout TO 60000  -> SET I
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED -> SET I
BEGIN                                   -> BEGIN T
SHOW statement_timeout                  -> [1min] SHOW T
SHOW client_min_messages                -> [warning] SHOW T
SHOW timezone                           -> [UTC] SHOW T
ROLLBACK                                -> ROLLBACK I
SHOW statement_timeout                  -> [1min] SHOW I
