# 30: a role that was dropped and made again is another one
setup
  DROP ROLE IF EXISTS story_30
  CREATE ROLE story_30
SET ROLE story_30                -> SET S(is_superuser=off) I
SELECT current_user              -> [story_30] SELECT 1 I
RESET ROLE                       -> RESET S(is_superuser=on) I
DROP ROLE story_30               -> DROP ROLE I
CREATE ROLE story_30             -> CREATE ROLE I
SET ROLE story_30                -> SET S(is_superuser=off) I
SELECT current_user              -> [story_30] SELECT 1 I
RESET ROLE                       -> RESET S(is_superuser=on) I
DROP ROLE story_30               -> DROP ROLE I
SET ROLE story_30                -> ERROR 22023 I
SELECT current_user              -> [postgres] SELECT 1 I
