// node-postgres: see TestOtherDrivers. Connects by the environment.
const { Pool, Client } = require('pg')

async function main() {
  const pool = new Pool({ max: 2 })
  const c = await pool.connect()
  const one = async (text, values) => Object.values((await c.query(text, values)).rows[0])[0]
  const fails = async (text, values) => {
    try { await c.query(text, values) } catch (e) { return e.code }
    return 'no error'
  }

  await c.query("SET work_mem = '7MB'")
  const seen = new Set()
  for (let i = 0; i < 20; i++) seen.add(await one('SHOW work_mem'))
  console.log('set', [...seen].join())

  let sum = 0
  for (let i = 1; i <= 20; i++) sum += (await c.query({ name: 'number', text: 'SELECT $1::int AS n', values: [i] })).rows[0].n
  console.log('prepared', sum)

  await c.query('CREATE TABLE t (a int PRIMARY KEY)')
  await c.query('BEGIN')
  await c.query('INSERT INTO t VALUES ($1)', [1])
  await c.query('SAVEPOINT s')
  await fails('INSERT INTO t VALUES ($1)', [1])
  await c.query('ROLLBACK TO s')
  await c.query('INSERT INTO t VALUES ($1)', [2])
  await c.query('COMMIT')
  console.log('rows', await one("SELECT string_agg(a::text, ',' ORDER BY a) FROM t"))

  await c.query('BEGIN')
  await c.query("SET work_mem = '9MB'")
  await c.query('ROLLBACK')
  console.log('rolled back', await one('SHOW work_mem'))

  console.log('error', await fails('SELECT 1/$1::int', [0]))
  console.log('after the error', await one('SELECT 1'))

  await c.query('TRUNCATE t')
  await Promise.all(Array.from({ length: 100 }, (_, i) => pool.query('INSERT INTO t VALUES ($1)', [i + 1])).concat(
    Array.from({ length: 20 }, () => c.query({ name: 'count', text: 'SELECT count(*) FROM t' }))))
  console.log('batch', await one('SELECT count(*) FROM t'), await one('SELECT sum(a) FROM t'))

  const notes = []
  let wake
  c.on('notification', n => { notes.push(n); if (wake) wake() })
  const next = async () => {
    while (notes.length === 0) await new Promise(resolve => { wake = resolve })
    return notes.shift()
  }
  await c.query('LISTEN a')
  await c.query("NOTIFY a, 'hello'")
  const own = await next()
  console.log('heard of', own.processId === c.processID ? 'itself' : 'another', own.payload)
  const other = new Client()
  await other.connect()
  await other.query("NOTIFY a, 'from another'")
  const theirs = await next()
  console.log('heard of', theirs.processId === c.processID ? 'itself' : 'another', theirs.payload)
  await c.query('UNLISTEN a')
  await other.query("NOTIFY a, 'to nobody'")
  await other.end()
  await c.query('SELECT 1')
  console.log('heard nothing more', notes.length)

  await c.query('RESET work_mem')
  console.log('back to', await one('SHOW work_mem'))
  c.release()
  await pool.end()
}

main().catch(e => { console.error(e); process.exit(1) })
