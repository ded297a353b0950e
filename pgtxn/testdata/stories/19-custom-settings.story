# 19: a custom setting needs no declaration and is transactional
SET my.new_one = 'a'     -> SET I
SHOW my.new_one          -> [a] SHOW I
BEGIN                    -> BEGIN T
SET my.new_one = 'b'     -> SET T
SET my.x = 'never shown' -> SET T
ROLLBACK                 -> ROLLBACK I
SHOW my.new_one          -> [a] SHOW I
SET MY.New_One = 'c'     -> SET I
SHOW my.new_one          -> [c] SHOW I

# 19: a value differs from another in case only
SET my.x = 'TenantA'        -> SET I
other: SET my.x = 'TENANTA' -> SET I
SHOW my.x                   -> [TenantA] SHOW I
other: SHOW my.x            -> [TENANTA] SHOW I
SHOW my.x                   -> [TenantA] SHOW I

# 19: an unknown name without a dot is an error and aborts
SET my.x = 0               -> SET I
SET unknown_name = 1       -> ERROR 42704 I
SHOW unknown_name          -> ERROR 42704 I
RESET unknown_name         -> ERROR 42704 I
BEGIN                      -> BEGIN T
SET my.x = 1               -> SET T
SET LOCAL unknown_name = 1 -> ERROR 42704 E
ROLLBACK                   -> ROLLBACK I
SHOW my.x                  -> [0] SHOW I
