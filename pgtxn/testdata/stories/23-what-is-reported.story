# 23: reported are these
startup
  TimeZone = UTC
SET client_encoding = 'LATIN1'         -> SET S(client_encoding=LATIN1) I
SET application_name = 'a'             -> SET S(application_name=a) I
SET default_transaction_read_only = on -> SET S(default_transaction_read_only=on) I
SET DateStyle = 'German'               -> SET S(DateStyle=German, DMY) I
SET IntervalStyle = 'iso_8601'         -> SET S(IntervalStyle=iso_8601) I
SET TimeZone = 'Asia/Tokyo'            -> SET S(TimeZone=Asia/Tokyo) I
SET standard_conforming_strings = off  -> SET S(standard_conforming_strings=off) I
BEGIN READ ONLY                        -> BEGIN T
SET LOCAL TimeZone = 'UTC'             -> SET S(TimeZone=UTC) T
COMMIT                                 -> COMMIT S(TimeZone=Asia/Tokyo) I

# 23: others change and are undone in silence
SET my.x = 0                 -> SET I
BEGIN                        -> BEGIN T
SET my.x = 1                 -> SET T
SET work_mem = '1MB'         -> SET T
SET statement_timeout = '5s' -> SET T
SET enable_sort = off        -> SET T
SET extra_float_digits = 0   -> SET T
SELECT 1/0                   -> ERROR 22012 E
ROLLBACK                     -> ROLLBACK I

# 23: what a client asked for at its start it is told once
startup
  application_name = boot
  DateStyle = German
  client_encoding = LATIN1
SELECT 1                  -> [1] SELECT 1 I
SELECT '2020-02-01'::date -> [01.02.2020] SELECT 1 I
