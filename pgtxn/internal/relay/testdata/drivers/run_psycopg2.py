"""psycopg2: see TestOtherDrivers. Connects by the environment."""

import select

import psycopg2
import psycopg2.extras

conn = psycopg2.connect("")
conn.autocommit = True
cur = conn.cursor()


def one(text, values=None):
    cur.execute(text, values)
    return cur.fetchone()[0]


cur.execute("SET work_mem = '7MB'")
print("set", ",".join({one("SHOW work_mem") for _ in range(20)}))

cur.execute("PREPARE number(int) AS SELECT $1")
print("prepared", sum(one("EXECUTE number(%s)", (i,)) for i in range(1, 21)))
cur.execute("DEALLOCATE number")

cur.execute("CREATE TABLE t (a int PRIMARY KEY)")
conn.autocommit = False
cur.execute("INSERT INTO t VALUES (%s)", (1,))
cur.execute("SAVEPOINT s")
try:
    cur.execute("INSERT INTO t VALUES (%s)", (1,))
except psycopg2.errors.UniqueViolation:
    cur.execute("ROLLBACK TO s")
cur.execute("INSERT INTO t VALUES (%s)", (2,))
conn.commit()
print("rows", one("SELECT string_agg(a::text, ',' ORDER BY a) FROM t"))

cur.execute("SET work_mem = '9MB'")
conn.rollback()
conn.autocommit = True
print("rolled back", one("SHOW work_mem"))

try:
    cur.execute("SELECT 1/%s", (0,))
except psycopg2.Error as e:
    print("error", e.pgcode)
print("after the error", one("SELECT 1"))

cur.execute("TRUNCATE t")
psycopg2.extras.execute_batch(cur, "INSERT INTO t VALUES (%s)", [(i + 1,) for i in range(100)])
print("batch", one("SELECT count(*) FROM t"), one("SELECT sum(a) FROM t"))


def heard():
    while not conn.notifies:
        select.select([conn], [], [], 20)
        conn.poll()
    n = conn.notifies.pop(0)
    print("heard of", "itself" if n.pid == conn.info.backend_pid else "another", n.payload)


cur.execute("LISTEN a")
cur.execute("NOTIFY a, 'hello'")
heard()
other = psycopg2.connect("")
other.autocommit = True
other.cursor().execute("NOTIFY a, 'from another'")
heard()
cur.execute("UNLISTEN a")
other.cursor().execute("NOTIFY a, 'to nobody'")
other.close()
cur.execute("SELECT 1")
print("heard nothing more", len(conn.notifies))

cur.execute("RESET work_mem")
print("back to", one("SHOW work_mem"))
conn.close()
