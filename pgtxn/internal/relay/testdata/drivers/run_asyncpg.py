"""asyncpg: see TestOtherDrivers. Connects by the environment."""

import asyncio

import asyncpg


async def main():
    conn = await asyncpg.connect()
    one = conn.fetchval

    await conn.execute("SET work_mem = '7MB'")
    print("set", ",".join({await one("SHOW work_mem") for _ in range(20)}))
    number = await conn.prepare("SELECT $1::int")
    print("prepared", sum([await number.fetchval(i) for i in range(1, 21)]))

    await conn.execute("CREATE TABLE t (a int PRIMARY KEY)")
    async with conn.transaction():
        await conn.execute("INSERT INTO t VALUES ($1)", 1)
        try:
            async with conn.transaction():
                await conn.execute("INSERT INTO t VALUES ($1)", 1)
        except asyncpg.UniqueViolationError:
            pass
        await conn.execute("INSERT INTO t VALUES ($1)", 2)
    print("rows", await one("SELECT string_agg(a::text, ',' ORDER BY a) FROM t"))

    rolled_back = conn.transaction()
    await rolled_back.start()
    await conn.execute("SET work_mem = '9MB'")
    await rolled_back.rollback()
    print("rolled back", await one("SHOW work_mem"))

    try:
        await one("SELECT 1/$1::int", 0)
    except asyncpg.PostgresError as e:
        print("error", e.sqlstate)
    print("after the error", await one("SELECT 1"))

    await conn.execute("TRUNCATE t")
    await conn.executemany("INSERT INTO t VALUES ($1)", [(i + 1,) for i in range(100)])
    print("batch", await one("SELECT count(*) FROM t"), await one("SELECT sum(a) FROM t"))

    notes = asyncio.Queue()

    def hear(_, pid, channel, payload):
        notes.put_nowait((pid, payload))

    async def heard():
        pid, payload = await asyncio.wait_for(notes.get(), 20)
        print("heard of", "itself" if pid == conn.get_server_pid() else "another", payload)

    await conn.add_listener("a", hear)
    await conn.execute("NOTIFY a, 'hello'")
    await heard()
    other = await asyncpg.connect()
    await other.execute("NOTIFY a, 'from another'")
    await heard()
    await conn.remove_listener("a", hear)
    await other.execute("NOTIFY a, 'to nobody'")
    await other.close()
    await one("SELECT 1")
    print("heard nothing more", notes.qsize())

    await conn.execute("RESET work_mem")
    print("back to", await one("SHOW work_mem"))
    await conn.close()


asyncio.run(main())
