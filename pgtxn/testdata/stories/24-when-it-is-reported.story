# 24: S comes for every change, the revert at an error and at ROLLBACK TO included
SET application_name = 'a' -> SET S(application_name=a) I
BEGIN                      -> BEGIN T
SET application_name = 'b' -> SET S(application_name=b) T
SAVEPOINT s                -> SAVEPOINT T
SET application_name = 'c' -> SET S(application_name=c) T
ROLLBACK TO s              -> ROLLBACK S(application_name=b) T
SET application_name = 'd' -> SET S(application_name=d) T
SELECT 1/0                 -> ERROR 22012 S(application_name=b) E
ROLLBACK TO s              -> ROLLBACK T
RESET application_name     -> RESET S(application_name=) T
ROLLBACK                   -> ROLLBACK S(application_name=a) I
DISCARD ALL                -> DISCARD ALL S(application_name=) I

# 24: several changes in one message: one S with the last value, before Z
SET application_name = 'a'; SET application_name = 'b'; SELECT 1; SET application_name = 'c'; SELECT 2 -> \
SET SET [1] SELECT 1 SET [2] SELECT 1 S(application_name=c) I
pipeline
  SET application_name = 'd' -> SET
  SET application_name = 'e' -> SET
  SELECT 1                   -> [1] SELECT 1
  sync                       -> S(application_name=e) I

# 24: a change undone within the message: none
SET application_name = 'a'                  -> SET S(application_name=a) I
SET application_name = 'b'; SET application_name = 'a' -> SET SET I
BEGIN; SET application_name = 'b'; ROLLBACK -> BEGIN SET ROLLBACK I
BEGIN; SAVEPOINT s; SET application_name = 'b'; ROLLBACK TO s -> BEGIN SAVEPOINT SET ROLLBACK T
SET LOCAL application_name = 'b'; COMMIT    -> SET COMMIT I
SET application_name = 'b'; SELECT 1/0      -> SET ERROR 22012 I
pipeline
  SET application_name = 'b'                -> SET
  SET application_name = 'a'                -> SET
  sync                                      -> I

# 24: the same value again: none
SET application_name = 'a'       -> SET S(application_name=a) I
SET application_name = 'a'       -> SET I
BEGIN                            -> BEGIN T
SET application_name = 'a'       -> SET T
SET LOCAL application_name = 'a' -> SET T
ROLLBACK                         -> ROLLBACK I

# 24: none when another client's changes come between
SET application_name = 'a'        -> SET S(application_name=a) I
SET TIME ZONE 'Asia/Tokyo'        -> SET S(TimeZone=Asia/Tokyo) I
other: SELECT 1                   -> [1] SELECT 1 I
other: SET application_name = 'b' -> SET S(application_name=b) I
other: SET TIME ZONE 'Asia/Seoul' -> SET S(TimeZone=Asia/Seoul) I
SELECT 1                          -> [1] SELECT 1 I
other: BEGIN                      -> BEGIN T
other: SELECT timestamptz '2020-01-01 00:00+00' -> [2020-01-01 09:00:00+09] SELECT 1 T
other: ROLLBACK                   -> ROLLBACK I
BEGIN                             -> BEGIN T
SHOW TimeZone                     -> [Asia/Tokyo] SHOW T
SELECT 1/0                        -> ERROR 22012 E
ROLLBACK                          -> ROLLBACK I
other: SHOW application_name      -> [b] SHOW I
