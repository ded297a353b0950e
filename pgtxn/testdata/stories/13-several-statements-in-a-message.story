# 13: SET and an error in one message: the old value, no transaction
SET my.x = 0                 -> SET I
SET application_name = 'old' -> SET S(application_name=old) I
SET my.x = 5; SELECT 1/0     -> SET ERROR 22012 I
SHOW my.x                    -> [0] SHOW I
SET application_name = 'new'; SET work_mem = '5MB'; SELECT 1/0; SET application_name = 'never' -> SET SET ERROR 22012 I
SHOW application_name        -> [old] SHOW I
SHOW work_mem                -> [4MB] SHOW I

# 13: without an error it is kept
SET my.x = 5; SET application_name = 'new'; SELECT 1 -> SET SET [1] SELECT 1 S(application_name=new) I
SHOW my.x             -> [5] SHOW I
SHOW application_name -> [new] SHOW I

# 13: BEGIN in the middle: a later ROLLBACK returns to the value before the message
SET my.x = 0                 -> SET I
SET application_name = 'old' -> SET S(application_name=old) I
SET my.x = 5; SET application_name = 'five'; BEGIN; SET my.x = 6 -> SET SET BEGIN SET S(application_name=five) T
SHOW my.x                    -> [6] SHOW T
ROLLBACK                     -> ROLLBACK S(application_name=old) I
SHOW my.x                    -> [0] SHOW I

# 13: BEGIN in the middle: a later error returns to the value before the message
SET my.x = 0                 -> SET I
SET application_name = 'old' -> SET S(application_name=old) I
SET my.x = 5; SET application_name = 'five'; BEGIN; SET my.x = 6 -> SET SET BEGIN SET S(application_name=five) T
SELECT 1/0                   -> ERROR 22012 S(application_name=old) E
COMMIT                       -> ROLLBACK I
SHOW my.x                    -> [0] SHOW I

# 13: BEGIN in the middle: a later COMMIT keeps all, SET LOCAL before the BEGIN goes
SET my.x = 0  -> SET I
SET my.x = 5; SET LOCAL my.y = 5; SET LOCAL work_mem = '5MB'; BEGIN; SHOW work_mem -> SET SET SET BEGIN [5MB] SHOW T
SHOW work_mem -> [5MB] SHOW T
COMMIT        -> COMMIT I
SHOW my.x     -> [5] SHOW I
SHOW work_mem -> [4MB] SHOW I

# 13: COMMIT in the middle keeps what is before it
SET my.x = 0 -> SET I
SET my.x = 5; COMMIT; SET my.x = 6; SELECT 1/0 -> SET WARNING 25P01 COMMIT SET ERROR 22012 I
SHOW my.x    -> [5] SHOW I

# 13: ROLLBACK at the end undoes it
SET my.x = 0                         -> SET I
SET application_name = 'old'         -> SET S(application_name=old) I
SET my.x = 5; SET application_name = 'five'; ROLLBACK -> SET SET WARNING 25P01 ROLLBACK I
SHOW my.x                            -> [0] SHOW I
SHOW application_name                -> [old] SHOW I
SET my.x = 5; ROLLBACK; SET my.x = 6 -> SET WARNING 25P01 ROLLBACK SET I
SHOW my.x                            -> [6] SHOW I

# 13: SAVEPOINT without BEGIN fails and undoes
SET my.x = 0                            -> SET I
SET my.x = 5; SAVEPOINT a; SET my.x = 6 -> SET ERROR 25P01 I
SHOW my.x                               -> [0] SHOW I
SAVEPOINT a; SET my.x = 6               -> ERROR 25P01 I
SHOW my.x                               -> [0] SHOW I

# 13: SAVEPOINT after a BEGIN in the middle
SET my.x = 0 -> SET I
SET my.x = 5; BEGIN; SAVEPOINT a; SET my.x = 6; ROLLBACK TO a; SHOW my.x -> SET BEGIN SAVEPOINT SET ROLLBACK [5] SHOW T
ROLLBACK     -> ROLLBACK I
SHOW my.x    -> [0] SHOW I

# 13: whole transactions in one message
SET my.x = 0                                -> SET I
BEGIN; SET my.x = 1; COMMIT; BEGIN; SET my.x = 2; ROLLBACK; SHOW my.x -> BEGIN SET COMMIT BEGIN SET ROLLBACK [1] SHOW I
SET my.x = 2; BEGIN; SET my.x = 3; COMMIT; SET my.x = 4; SELECT 1/0 -> SET BEGIN SET COMMIT SET ERROR 22012 I
SHOW my.x                                   -> [3] SHOW I
SET my.x = 4; BEGIN; SET my.x = 5; ROLLBACK; SHOW my.x -> SET BEGIN SET ROLLBACK [3] SHOW I
SET my.x = 4; BEGIN; ROLLBACK; SET my.x = 7 -> SET BEGIN ROLLBACK SET I
SHOW my.x                                   -> [7] SHOW I

# 13: a message that ends the transaction goes on in one of its own
SET my.x = 0                      -> SET I
BEGIN                             -> BEGIN T
SET my.x = 1                      -> SET T
SET my.x = 2; COMMIT; SET my.x = 3; SELECT 1/0 -> SET COMMIT SET ERROR 22012 I
SHOW my.x                         -> [2] SHOW I
BEGIN                             -> BEGIN T
SET my.x = 3                      -> SET T
SELECT 1/0                        -> ERROR 22012 E
ROLLBACK; SET my.x = 4; SHOW my.x -> ROLLBACK SET [4] SHOW I
SHOW my.x                         -> [4] SHOW I

# 13: in a transaction an error in a message ends the message and fails the transaction
SET my.x = 0                 -> SET I
SET application_name = 'old' -> SET S(application_name=old) I
BEGIN                        -> BEGIN T
SET my.x = 1; SET application_name = 'one'; SELECT 1/0; COMMIT -> SET SET ERROR 22012 E
SHOW my.x                    -> ERROR 25P02 E
COMMIT                       -> ROLLBACK I
SHOW my.x                    -> [0] SHOW I

# 13: a syntax error anywhere in the message runs nothing of it
SET my.x = 0                  -> SET I
SET my.x = 5; COMMIT; SELEC 1 -> ERROR 42601 I
SHOW my.x                     -> [0] SHOW I
BEGIN                         -> BEGIN T
SET my.x = 5                  -> SET T
COMMIT; SELEC 1               -> ERROR 42601 E
COMMIT                        -> ROLLBACK I
SHOW my.x                     -> [0] SHOW I

# 13: empty statements and comments are none
SET my.x = 0        -> SET I
BEGIN;;             -> BEGIN T
;                   -> EMPTY T
-- a comment of the story, the next line is one of the server's
/* SET my.x = 5; */ -> EMPTY T
;;SET my.x = 1;; /* ; */ ; SAVEPOINT a;ROLLBACK/**/TO/**/a; -> SET SAVEPOINT ROLLBACK T
SHOW my.x;          -> [1] SHOW T
COMMIT;             -> COMMIT I

# 13: what looks like a statement in a string is none
SET my.x = '; ROLLBACK; SET my.x = 6' -> SET I
BEGIN; SELECT $$; ROLLBACK;$$, $a$; COMMIT $$;$a$, E'\'; ROLLBACK;', 'it''s; ROLLBACK' -> BEGIN [; ROLLBACK;|; COMMIT $$;|'; ROLLBACK;|it's; ROLLBACK] SELECT 1 T
SET my.x = 'a;b'; SHOW my.x           -> SET [a;b] SHOW T
SELECT 1 AS "; ROLLBACK;"             -> [1] SELECT 1 T
COMMIT                                -> COMMIT I
SHOW my.x                             -> [a;b] SHOW I

# 13: a BEGIN with characteristics after a query in the message
SET my.x = 0 -> SET I
SET my.x = 5; SELECT 1; BEGIN ISOLATION LEVEL SERIALIZABLE; SET my.x = 6 -> SET [1] SELECT 1 ERROR 25001 I
ROLLBACK     -> WARNING 25P01 ROLLBACK I
SHOW my.x    -> [0] SHOW I

# 13: what must be alone is refused
SET my.x = 0              -> SET I
SET my.x = 5; DISCARD ALL -> SET ERROR 25001 I
SHOW my.x                 -> [0] SHOW I
