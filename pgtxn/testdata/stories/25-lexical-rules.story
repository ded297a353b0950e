# 25: comments nest, and stand wherever a blank may
SET my.x = 'before'                                      -> SET I
BEGIN                                                    -> BEGIN T
SAVEPOINT a                                              -> SAVEPOINT T
SET my.x = 'inside'                                      -> SET T
/*a/*n*/b*/ROLLBACK/**/TO/**/a                           -> ROLLBACK T
SHOW/* ; */my.x                                          -> [before] SHOW T
/* COMMIT; */ SET my.x = 'kept' -- ; ROLLBACK            -> SET T
/**/COMMIT/* AND CHAIN */                                -> COMMIT I
SHOW my.x                                                -> [kept] SHOW I

# 25: empty statements
SET my.x = 1                                             -> SET I
BEGIN;; ;SET my.x = 2;;                                  -> BEGIN SET T
;;                                                       -> EMPTY T
ROLLBACK;                                                -> ROLLBACK I
/* nothing */;                                           -> EMPTY I
SHOW my.x                                                -> [1] SHOW I

# 25: a semicolon in each kind of string ends nothing
SET my.x = 'a;b''; ROLLBACK'                             -> SET I
SHOW my.x                                                -> [a;b'; ROLLBACK] SHOW I
SET my.x = E'a\';COMMIT;\''                              -> SET I
SHOW my.x                                                -> [a';COMMIT;'] SHOW I
SELECT $tag$;ROLLBACK$a$;$tag$, $$;$$                    -> [;ROLLBACK$a$;|;] SELECT 1 I
SELECT U&'d\0061t;a', U&'!0061;' UESCAPE '!', B'101;'::text -> ERROR 22P02 I
SELECT U&'d\0061t;a', U&'!0061;' UESCAPE '!', N'n;', B'101'::text, X'1F'::text -> [dat;a|a;|n;|101|00011111] SELECT 1 I
SELECT 'a;' \
  ';b'                                                   -> [a;;b] SELECT 1 I
SELECT 'a;' ';b'                                         -> ERROR 42601 I

# 25: a plain string takes backslashes where standard_conforming_strings is off
SET escape_string_warning = off                          -> SET I
SET standard_conforming_strings = off                    -> SET S(standard_conforming_strings=off) I
SET my.x = 'it\'s; one'                                  -> SET I
SHOW my.x                                                -> [it's; one] SHOW I
SELECT 'a\\''; RESET ALL'                                -> [a\'; RESET ALL] SELECT 1 I
SET standard_conforming_strings = on                     -> SET S(standard_conforming_strings=on) I
SET my.x = 'two\'                                        -> SET I
SHOW my.x                                                -> [two\] SHOW I

# 25: names fold unless they are quoted
SET My.X = 'folded'                                      -> SET I
SHOW my.x                                                -> [folded] SHOW I
SET "MY"."X" = 'still'                                   -> SET I
SHOW my.x                                                -> [still] SHOW I
BEGIN                                                    -> BEGIN T
SAVEPOINT "a b""c;--"                                    -> SAVEPOINT T
SET my.x = 'lost'                                        -> SET T
ROLLBACK TO SAVEPOINT "a b""c;--"                        -> ROLLBACK T
SAVEPOINT U&"d\0061t"                                    -> SAVEPOINT T
SET my.x = 'lost again'                                  -> SET T
ROLLBACK TO dat                                          -> ROLLBACK T
SHOW my.x                                                -> [still] SHOW T
COMMIT                                                   -> COMMIT I

# 25: a name of 64 bytes is cut to 63, on the boundary of a letter
BEGIN                                                    -> BEGIN T
SET my.x = 'kept'                                        -> SET T
SAVEPOINT a23456789_123456789_123456789_123456789_123456789_123456789_123456 -> NOTICE 42622 SAVEPOINT T
SET my.x = 'lost'                                        -> SET T
ROLLBACK TO a23456789_123456789_123456789_123456789_123456789_123456789_123  -> ROLLBACK T
SHOW my.x                                                -> [kept] SHOW T
SAVEPOINT "a23456789_123456789_123456789_123456789_123456789_123456789_12é"  -> NOTICE 42622 SAVEPOINT T
SET my.x = 'lost'                                        -> SET T
ROLLBACK TO a23456789_123456789_123456789_123456789_123456789_123456789_12   -> ROLLBACK T
SHOW my.x                                                -> [kept] SHOW T
COMMIT                                                   -> COMMIT I

# 25: a prepared statement was read by the client_encoding and the backslashes of then
SET my.x TO 'é\n' \parse 'letters'              -> ParseComplete I
SET LOCAL my.y TO 'é' \parse 'locally'          -> ParseComplete I
SET client_encoding = LATIN1                    -> SET S(client_encoding=LATIN1) I
\bind_named 'letters'                           -> SET I
\bind_named 'locally'                           -> WARNING 25P01 SET I
SELECT encode(convert_to(current_setting('my.x'), 'UTF8'), 'hex') -> [c3a95c6e] SELECT 1 I
SET standard_conforming_strings = off           -> SET S(standard_conforming_strings=off) I
\bind_named 'letters'                           -> SET I
SELECT encode(convert_to(current_setting('my.x'), 'UTF8'), 'hex') -> [c3a95c6e] SELECT 1 I
BEGIN                                           -> BEGIN T
SET LOCAL client_encoding = WIN1252             -> SET S(client_encoding=WIN1252) T
\bind_named 'letters'                           -> SET T
SHOW client_encoding                            -> [WIN1252] SHOW T
COMMIT                                          -> COMMIT S(client_encoding=LATIN1) I
SELECT encode(convert_to(current_setting('my.x'), 'UTF8'), 'hex'), current_setting('client_encoding'), current_setting('standard_conforming_strings') -> [c3a95c6e|LATIN1|off] SELECT 1 I

# 25: and so it was where they were changed unseen, in a transaction that is open
SET escape_string_warning = off                 -> SET I
SET my.x TO 'é\n' \parse 'letters'              -> ParseComplete I
BEGIN                                           -> BEGIN T
DO $$BEGIN PERFORM set_config('standard_conforming_strings', 'off', false), set_config('client_encoding', 'LATIN1', true); END$$ -> DO S(client_encoding=LATIN1) S(standard_conforming_strings=off) T
\bind_named 'letters'                           -> SET T
SELECT encode(convert_to(current_setting('my.x'), 'UTF8'), 'hex') -> [c3a95c6e] SELECT 1 T
SET my.y TO 'é\\' \parse 'more'                 -> ParseComplete T
COMMIT                                          -> COMMIT S(client_encoding=UTF8) I
SET standard_conforming_strings = on            -> SET S(standard_conforming_strings=on) I
\bind_named 'more'                              -> SET I
SELECT encode(convert_to(current_setting('my.y'), 'UTF8'), 'hex') -> [c383c2a95c] SELECT 1 I

# 25: letters in a statement whose name is taken, behind what may change how they are read
pipeline
  SELECT 1 \parse 'taken'                       -> ParseComplete
  RESET client_encoding \bind                   -> RESET
  SELECT 'é' \parse 'taken'                     -> ERROR 42P05
  sync                                          -> I
\bind_named 'taken'                             -> [1] SELECT 1 I

# 25: backslashes behind what changes how they are read, in one pipeline
SET escape_string_warning = off                 -> SET I
SET work_mem = '5MB'                            -> SET I
pipeline
  SET standard_conforming_strings = off \bind   -> SET
  SET my.x = 'a\'; RESET ALL; --' \bind         -> SET
  RESET standard_conforming_strings \bind       -> RESET
  SET my.y = 'a\' || 'b' \bind                  -> ERROR 42601
  sync                                          -> I
SHOW work_mem                                   -> [5MB] SHOW I
pipeline
  SET standard_conforming_strings = off \bind   -> SET
  SET my.x = 'a\'; RESET ALL; --' \bind         -> SET
  sync                                          -> S(standard_conforming_strings=off) I
SHOW my.x                                       -> [a'; RESET ALL; --] SHOW I
SHOW work_mem                                   -> [5MB] SHOW I
pipeline
  SET standard_conforming_strings = on \bind    -> SET
  SET my.x = 'a\' \bind                         -> SET
  SET my.y = 'b\' \bind                         -> SET
  sync                                          -> S(standard_conforming_strings=on) I
SHOW my.x                                       -> [a\] SHOW I
SHOW my.y                                       -> [b\] SHOW I
