"""psycopg 3: see TestOtherDrivers. Connects by the environment."""

import psycopg

conn = psycopg.connect("", autocommit=True, prepare_threshold=1)


def one(text, values=None):
    return conn.execute(text, values).fetchone()[0]


conn.execute("SET work_mem = '7MB'")
print("set", ",".join({one("SHOW work_mem") for _ in range(20)}))
print("prepared", sum(one("SELECT %s::int", (i,)) for i in range(1, 21)))

conn.execute("CREATE TABLE t (a int PRIMARY KEY)")
with conn.transaction():
    conn.execute("INSERT INTO t VALUES (%s)", (1,))
    try:
        with conn.transaction():
            conn.execute("INSERT INTO t VALUES (%s)", (1,))
    except psycopg.errors.UniqueViolation:
        pass
    conn.execute("INSERT INTO t VALUES (%s)", (2,))
print("rows", one("SELECT string_agg(a::text, ',' ORDER BY a) FROM t"))

with conn.transaction(force_rollback=True):
    conn.execute("SET work_mem = '9MB'")
print("rolled back", one("SHOW work_mem"))

try:
    one("SELECT 1/%s::int", (0,))
except psycopg.Error as e:
    print("error", e.sqlstate)
print("after the error", one("SELECT 1"))

conn.execute("TRUNCATE t")
with conn.pipeline():
    conn.cursor().executemany("INSERT INTO t VALUES (%s)", [(i + 1,) for i in range(100)])
print("batch", one("SELECT count(*) FROM t"), one("SELECT sum(a) FROM t"))


notes = []
conn.add_notify_handler(notes.append)


def heard():
    while not notes:
        one("SELECT 1")
    n = notes.pop(0)
    print("heard of", "itself" if n.pid == conn.info.backend_pid else "another", n.payload)


conn.execute("LISTEN a")
conn.execute("NOTIFY a, 'hello'")
heard()
other = psycopg.connect("", autocommit=True)
other.execute("NOTIFY a, 'from another'")
heard()
conn.execute("UNLISTEN a")
other.execute("NOTIFY a, 'to nobody'")
other.close()
conn.execute("SELECT 1")
print("heard nothing more", len(notes))

conn.execute("RESET work_mem")
print("back to", one("SHOW work_mem"))
conn.close()
