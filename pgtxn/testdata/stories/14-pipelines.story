# 14: an error undoes the pipeline, the rest is skipped to Sync
SET my.x = 0                    -> SET I
SET application_name = 'old'    -> SET S(application_name=old) I
pipeline
  SET my.x = 5                  -> SET
  SET application_name = 'five' -> SET
  SELECT 1/0                    -> ERROR 22012
  SET my.x = 6                  -> skipped
  SHOW my.x                     -> skipped
  sync                          -> I
SHOW my.x                       -> [0] SHOW I
SHOW application_name           -> [old] SHOW I

# 14: what Sync has closed stays
SET my.x = 0                    -> SET I
pipeline
  SET my.x = 5                  -> SET
  SET application_name = 'five' -> SET
  sync                          -> S(application_name=five) I
  SET application_name = 'six'  -> SET
  SELECT 1/0                    -> ERROR 22012
  sync                          -> I
  SHOW my.x                     -> [5] SHOW
  sync                          -> I
SHOW application_name           -> [five] SHOW I

# 14: COMMIT in the middle keeps what is before it
SET my.x = 0   -> SET I
pipeline
  SET my.x = 5 -> SET
  COMMIT       -> WARNING 25P01 COMMIT
  SET my.x = 6 -> SET
  SELECT 1/0   -> ERROR 22012
  sync         -> I
SHOW my.x      -> [5] SHOW I

# 14: ROLLBACK undoes
SET my.x = 0   -> SET I
pipeline
  SET my.x = 5 -> SET
  ROLLBACK     -> WARNING 25P01 ROLLBACK
  sync         -> I
SHOW my.x      -> [0] SHOW I
pipeline
  SET my.x = 5 -> SET
  ROLLBACK     -> WARNING 25P01 ROLLBACK
  SHOW my.x    -> [0] SHOW
  SET my.x = 6 -> SET
  sync         -> I
SHOW my.x      -> [6] SHOW I

# 14: the COMMIT behind an error is skipped, the transaction stays failed
SET my.x = 0   -> SET I
pipeline
  BEGIN        -> BEGIN
  SET my.x = 5 -> SET
  SELECT 1/0   -> ERROR 22012
  COMMIT       -> skipped
  sync         -> E
SHOW my.x      -> ERROR 25P02 E
COMMIT         -> ROLLBACK I
SHOW my.x      -> [0] SHOW I

# 14: BEGIN in the middle takes what is before it along
SET my.x = 0                    -> SET I
SET application_name = 'old'    -> SET S(application_name=old) I
pipeline
  SET my.x = 5                  -> SET
  SET application_name = 'five' -> SET
  BEGIN                         -> BEGIN
  SET my.x = 6                  -> SET
  sync                          -> S(application_name=five) T
SHOW my.x                       -> [6] SHOW T
ROLLBACK                        -> ROLLBACK S(application_name=old) I
SHOW my.x                       -> [0] SHOW I

# 14: whole transactions without a Sync between
SET my.x = 0   -> SET I
pipeline
  BEGIN        -> BEGIN
  SET my.x = 1 -> SET
  COMMIT       -> COMMIT
  BEGIN        -> BEGIN
  SET my.x = 2 -> SET
  ROLLBACK     -> ROLLBACK
  SHOW my.x    -> [1] SHOW
  BEGIN        -> BEGIN
  SET my.x = 3 -> SET
  COMMIT       -> COMMIT
  SET my.x = 4 -> SET
  SELECT 1/0   -> ERROR 22012
  sync         -> I
SHOW my.x      -> [3] SHOW I

# 14: transactions over several Syncs
SET my.x = 0    -> SET I
pipeline
  BEGIN         -> BEGIN
  sync          -> T
  SET my.x = 1  -> SET
  SAVEPOINT a   -> SAVEPOINT
  sync          -> T
  SET my.x = 2  -> SET
  SELECT 1/0    -> ERROR 22012
  ROLLBACK TO a -> skipped
  sync          -> E
  ROLLBACK TO a -> ROLLBACK
  SHOW my.x     -> [1] SHOW
  sync          -> T
  COMMIT        -> COMMIT
  sync          -> I
  SHOW my.x     -> [1] SHOW
  sync          -> I

# 14: an error in Parse, in Bind and in Execute
SET my.x = 0                  -> SET I
pipeline
  SET my.x = 5                -> SET
  SELECT nosuch               -> ERROR 42703
  SET my.x = 6                -> skipped
  sync                        -> I
  SET my.x = 5                -> SET
  SELECT $1::int \bind x      -> ERROR 22P02
  sync                        -> I
  SET my.x = 5                -> SET
  SELECT 1 / $1::int \bind 0  -> ERROR 22012
  sync                        -> I
  SHOW my.x                   -> [0] SHOW
  SELECT $1::int + 1 \bind 41 -> [42] SELECT 1
  sync                        -> I

# 14: SAVEPOINT without BEGIN
SET my.x = 0   -> SET I
pipeline
  SET my.x = 5 -> SET
  SAVEPOINT a  -> ERROR 25P01
  SET my.x = 6 -> skipped
  sync         -> I
SHOW my.x      -> [0] SHOW I

# 14: named statements are parsed, run and skipped in pipelines
SET my.x = 0                        -> SET I
pipeline
  SET my.x = 5 \parse five          -> ParseComplete
  SELECT $1::text || $2 \parse join -> ParseComplete
  \bind_named five                  -> SET
  \bind_named join 'a b' 'it''s'    -> [a bit's] SELECT 1
  SELECT 1/0                        -> ERROR 22012
  \bind_named five                  -> skipped
  SELECT 2 \parse lost              -> skipped
  sync                              -> I
  SHOW my.x                         -> [0] SHOW
  \bind_named five                  -> SET
  sync                              -> I
  \bind_named lost                  -> ERROR 26000
  sync                              -> I
SHOW my.x                           -> [5] SHOW I

# 14: Sync with nothing before it, and twice
SET my.x = 0   -> SET I
pipeline
  sync         -> I
  SET my.x = 1 -> SET
  sync         -> I
  sync         -> I
BEGIN          -> BEGIN T
pipeline
  sync         -> T
  SELECT 1/0   -> ERROR 22012
  sync         -> E
  sync         -> E
ROLLBACK       -> ROLLBACK I

# 14: Query messages in one write with others are batches of their own
SET my.x = 0                -> SET I
pipeline
  SET my.x = 1;             -> SET I
  SET my.x = 2; SELECT 1/0; -> SET ERROR 22012 I
  SHOW my.x;                -> [1] SHOW I
  BEGIN;                    -> BEGIN T
  SET my.x = 3              -> SET
  sync                      -> T
  COMMIT;                   -> COMMIT I
  SHOW my.x                 -> [3] SHOW
  sync                      -> I

# 14: a Query before the Sync closes what the pipeline has begun
SET my.x = 0   -> SET I
pipeline
  SET my.x = 1 -> SET
  SHOW my.x;   -> [1] SHOW I
    since 18   -> [1] SHOW T
  SET my.x = 2 -> SET
  SELECT 1/0   -> ERROR 22012
  sync         -> I
SHOW my.x      -> [1] SHOW I
  since 18     -> [0] SHOW I

# 14: SET LOCAL before BEGIN in a pipeline, and a COMMIT AND CHAIN in one
SET my.x = 0         -> SET I
pipeline
  SET LOCAL my.x = 1 -> WARNING 25P01 SET
  BEGIN              -> BEGIN
  SHOW my.x          -> [1] SHOW
  COMMIT AND CHAIN   -> COMMIT
  SHOW my.x          -> [0] SHOW
  SET my.x = 2       -> SET
  sync               -> T
ROLLBACK             -> ROLLBACK I
SHOW my.x            -> [0] SHOW I

# 14: two clients' pipelines
SET my.x = 'first'         -> SET I
other: SET my.x = 'second' -> SET I
pipeline
  SHOW my.x                -> [first] SHOW
  SET my.x = 1             -> SET
  sync                     -> I
other: pipeline
  SHOW my.x                -> [second] SHOW
  BEGIN                    -> BEGIN
  SET my.x = 2             -> SET
  ROLLBACK                 -> ROLLBACK
  sync                     -> I
SHOW my.x                  -> [1] SHOW I
other: SHOW my.x           -> [second] SHOW I

# 14: of several batches in one write each has an error; the unnamed statement is the last that was not skipped
pipeline
  SELECT 'kept', 1/0 \parse ''   -> ParseComplete
  \bind_named ''                -> ERROR 22012
  SELECT 'skipped' \parse ''    -> skipped
  sync                          -> I
  \bind_named nosuch            -> ERROR 26000
  SELECT 'skipped too' \parse '' -> skipped
  \close_prepared ''            -> skipped
  sync                          -> I
\bind_named ''                  -> ERROR 22012 I

# 14: a Parse that is skipped has the text of another name, which goes on to be one
SET my.x = 1                    -> SET I
SELECT 'both' \parse p          -> ParseComplete I
SET my.x = 2                    -> SET I
pipeline
  \bind_named q                 -> ERROR 26000
  SELECT 'both' \parse q        -> skipped
  sync                          -> I
  \bind_named p                 -> [both] SELECT 1
  sync                          -> I

# 14: a Parse of a name in use is an error in an aborted transaction too, or none that comes before it
BEGIN \parse p                  -> ParseComplete I
SET my.x = 1                    -> SET I
pipeline
  BEGIN                         -> BEGIN
  SAVEPOINT a                   -> SAVEPOINT
  SELECT 1/0                    -> ERROR 22012
  sync                          -> E
  ROLLBACK TO a \parse p        -> ERROR 42P05
  sync                          -> E
  SELECT 1 \parse p             -> ERROR 25P02
  sync                          -> E
  SELEC 1 \parse p              -> ERROR 42601
  sync                          -> E
  ROLLBACK                      -> ROLLBACK
  sync                          -> I
\bind_named p                   -> BEGIN T
ROLLBACK                        -> ROLLBACK I

# 14: the unnamed statement is there, whether or not a batch that uses it is skipped
SET my.x = 1                    -> SET I
SELECT 'kept' \parse ''         -> ParseComplete I
pipeline
  \bind_named nosuch            -> ERROR 26000
  \bind_named ''                -> skipped
  sync                          -> I
  \bind_named ''                -> [kept] SELECT 1
  sync                          -> I
