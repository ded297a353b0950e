# 21: values compose
startup
  DateStyle = ISO, MDY
SET datestyle = 'SQL'    -> SET S(DateStyle=SQL, MDY) I
SET datestyle = 'DMY'    -> SET S(DateStyle=SQL, DMY) I
SHOW datestyle           -> [SQL, DMY] SHOW I
BEGIN                    -> BEGIN T
SET datestyle = 'German' -> SET S(DateStyle=German, DMY) T
SAVEPOINT a              -> SAVEPOINT T
SET datestyle = 'YMD'    -> SET S(DateStyle=German, YMD) T
ROLLBACK TO a            -> ROLLBACK S(DateStyle=German, DMY) T
COMMIT                   -> COMMIT I
SET datestyle = ISO, YMD -> SET S(DateStyle=ISO, YMD) I
SET datestyle = DEFAULT  -> SET S(DateStyle=ISO, MDY) I

# 21: values are made canonical by the server
SET work_mem = 65536             -> SET I
SHOW work_mem                    -> [64MB] SHOW I
SET statement_timeout = 90000    -> SET I
SHOW statement_timeout           -> [90s] SHOW I
SET statement_timeout = '0.5min' -> SET I
SHOW statement_timeout           -> [30s] SHOW I
SET application_name = FooBar    -> SET S(application_name=foobar) I
SET enable_sort = tr             -> SET I
SHOW enable_sort                 -> [on] SHOW I
SET enable_sort = 0              -> SET I
SHOW enable_sort                 -> [off] SHOW I
SET client_encoding = 'UNICODE'  -> SET S(client_encoding=UNICODE) I
SHOW client_encoding             -> [UNICODE] SHOW I
SET client_encoding TO DEFAULT   -> SET S(client_encoding=UTF8) I
SET extra_float_digits = -3      -> SET I
SHOW extra_float_digits          -> [-3] SHOW I
SET intervalstyle = ISO_8601     -> SET S(IntervalStyle=iso_8601) I

# 21: lists keep their quotes and their number
SET search_path = Foo, "Bar" -> SET I
  since 18                   -> SET S(search_path=foo, "Bar") I
SHOW search_path             -> [foo, "Bar"] SHOW I
SET search_path = 'a, b'     -> SET I
  since 18                   -> SET S(search_path="a, b") I
SHOW search_path             -> ["a, b"] SHOW I
SET search_path TO "MySchema", public, 'it''s', "a""b" -> SET I
  since 18                                             -> SET S(search_path="MySchema", public, "it's", "a""b") I
SHOW search_path             -> ["MySchema", public, "it's", "a""b"] SHOW I
BEGIN                        -> BEGIN T
SET LOCAL search_path = ''   -> SET T
  since 18                   -> SET S(search_path="") T
SHOW search_path             -> [""] SHOW T
COMMIT                       -> COMMIT I
  since 18                   -> COMMIT S(search_path="MySchema", public, "it's", "a""b") I
SHOW search_path             -> ["MySchema", public, "it's", "a""b"] SHOW I

# 21: what is set decides where a table is found, on whichever backend
setup
  DROP SCHEMA IF EXISTS "Story 21a", story_21b CASCADE
  CREATE SCHEMA "Story 21a"
  CREATE SCHEMA story_21b
  CREATE TABLE "Story 21a".t AS SELECT 'a' AS v
  CREATE TABLE story_21b.t AS SELECT 'b' AS v
SET search_path = "Story 21a", public -> SET I
  since 18                            -> SET S(search_path="Story 21a", public) I
SELECT v FROM t                       -> [a] SELECT 1 I
SET search_path = story_21b           -> SET I
  since 18                            -> SET S(search_path=story_21b) I
SELECT v FROM t                       -> [b] SELECT 1 I
BEGIN                                 -> BEGIN T
SET LOCAL search_path = 'Story 21a'   -> SET T
  since 18                            -> SET S(search_path="Story 21a") T
SELECT v FROM t                       -> [a] SELECT 1 T
COMMIT                                -> COMMIT I
  since 18                            -> COMMIT S(search_path=story_21b) I
SELECT v FROM t                       -> [b] SELECT 1 I
RESET search_path                     -> RESET I
  since 18                            -> RESET S(search_path="$user", public) I
SELECT v FROM t                       -> ERROR 42P01 I

# 21: standard_conforming_strings changes what the next message says
SET my.x = 'start'                    -> SET I
SET standard_conforming_strings = off -> SET S(standard_conforming_strings=off) I
SET escape_string_warning = off       -> SET I
BEGIN                                 -> BEGIN T
SET my.x = 'it\'s; ROLLBACK'          -> SET T
SAVEPOINT a                           -> SAVEPOINT T
SET my.x = 'a\\'                      -> SET T
ROLLBACK TO a                         -> ROLLBACK T
SHOW my.x                             -> [it's; ROLLBACK] SHOW T
COMMIT                                -> COMMIT I
SET standard_conforming_strings = on  -> SET S(standard_conforming_strings=on) I
SET my.x = 'a\'                       -> SET I
SHOW my.x                             -> [a\] SHOW I

# 21: a value stays what it is when its client changes the encoding it reads it in
SET my.x = 'é€'                              -> SET I
SET client_encoding = 'LATIN9'               -> SET S(client_encoding=LATIN9) I
SELECT octet_length(current_setting('my.x')) -> [5] SELECT 1 I
SET my.y = 'é'                               -> SET I
SELECT octet_length(current_setting('my.y')) -> [4] SELECT 1 I
SET client_encoding = 'LATIN1'               -> SET S(client_encoding=LATIN1) I
SHOW my.x                                    -> ERROR 22P05 I
SHOW my.y                                    -> [é] SHOW I
SET client_encoding = 'UTF8'                 -> SET S(client_encoding=UTF8) I
SHOW my.x                                    -> [é€] SHOW I
