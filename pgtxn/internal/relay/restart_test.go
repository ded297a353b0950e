package relay

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// The server restarts under many sessions, idle ones and busy ones.
func TestRestartUnderLoad(t *testing.T) {
	server := pgtest.Start(t, pgtest.Restartable(), pgtest.Setting("synchronous_commit", "on"))
	p := place{addr: server.Addr, database: "postgres", user: pgtest.Superuser}.behind(t, 20, func(cfg *Config) { cfg.Log = quiet() })
	run(t, server, "CREATE TABLE rows (client int, n int)")
	idle := keepers(t, p, 50)
	busy := startWriters(t, p, 50)
	for _, mode := range []string{"fast", "immediate"} {
		busy.progress(t, 5)
		if err := server.Down(t.Context(), mode); err != nil {
			t.Fatal(err)
		}
		if err := server.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		idle.check(t)
	}
	busy.progress(t, 5)
	busy.stop()
	idle.check(t)
	busy.compare(t, run(t, server, "SELECT client, n FROM rows"))
}

// keeper is a session that is idle most of the time and has what it has: ten
// variables and five prepared statements.
type keeper struct {
	*client
	values map[string]string
}

type keeping []keeper

func keepers(t *testing.T, p place, n int) (all keeping) {
	for i := range n {
		k := keeper{p.connect(t, "application_name", fmt.Sprint("keeper ", i)), map[string]string{
			"work_mem": fmt.Sprint(i+100, "kB"), "maintenance_work_mem": "2MB", "enable_seqscan": "off",
			"statement_timeout": fmt.Sprint(i+100001, "ms"), "search_path": fmt.Sprintf("s%d, public", i), "DateStyle": "SQL, DMY",
			"TimeZone": "Asia/Tokyo", "IntervalStyle": "iso_8601",
		}}
		for name, value := range k.values {
			if name != "search_path" {
				value = "'" + value + "'"
			}
			k.must("SET " + name + " = " + value)
		}
		for j := range 2 {
			k.values[fmt.Sprint("my.x", j)] = fmt.Sprint(i, " ", j)
			k.must(fmt.Sprintf("SELECT set_config('my.x%d', '%d %d', false)", j, i, j))
		}
		for j := range 5 {
			k.prepare(fmt.Sprint("s", j), fmt.Sprintf("SELECT current_setting('my.x0') || ' %d %d ' || $1", i, j))
		}
		all = append(all, k)
	}
	return all
}

func (all keeping) check(t *testing.T) {
	t.Helper()
	for i, k := range all {
		for name, value := range k.values {
			if got := k.value("SHOW " + name); !strings.EqualFold(got, value) {
				t.Errorf("keeper %d: %s is %s, not %s", i, name, got, value)
			}
		}
		if got := k.value("SHOW application_name"); got != fmt.Sprint("keeper ", i) {
			t.Error(i, got)
		}
		for j := range 5 {
			k.runs(fmt.Sprint("s", j), fmt.Sprintf("%d 0 %d %d x", i, i, j), "x")
		}
	}
}

// writers insert numbered rows, each in a statement or transaction of its own, in
// one way after the other, and note what they were told.
type writers struct {
	sync.Mutex
	sync.WaitGroup
	acked   []map[int]bool // by client: the rows that must be there; true
	unknown []map[int]bool // and those that may, for which there was an error
	ended   bool
}

func startWriters(t testing.TB, p place, n int) *writers {
	w := &writers{acked: make([]map[int]bool, n), unknown: make([]map[int]bool, n)}
	for i := range n {
		w.acked[i], w.unknown[i] = map[int]bool{}, map[int]bool{}
		c := p.connect(t)
		c.prepare("insert", "INSERT INTO rows VALUES ($1, $2)", 23, 23)
		w.Go(func() {
			for row := 0; w.writes(c, i, row); row++ {
			}
		})
	}
	return w
}

// writes one row and reports whether there is to be another.
func (w *writers) writes(c *client, i, row int) bool {
	insert := fmt.Sprintf("INSERT INTO rows VALUES (%d, %d)", i, row)
	var answers []string
	switch row % 4 {
	case 0:
		c.send(query(insert))
		answers = c.until("Z")
	case 1:
		c.send(bind("", "insert", fmt.Sprint(i), fmt.Sprint(row)), execute("", 0), syncMsg)
		answers = c.until("Z")
	case 2:
		for _, text := range []string{"BEGIN", insert, "COMMIT"} {
			c.send(query(text))
			answers = append(answers, c.until("Z")...)
		}
	case 3: // without waiting for answers
		c.send(query("BEGIN"), query(insert), query("COMMIT"))
		for range 3 {
			answers = append(answers, c.until("Z")...)
		}
	}
	failed := strings.Contains(strings.Join(answers, "\n"), "E ERROR ")
	for answers[len(answers)-1] != "Z I" {
		c.send(query("ROLLBACK"))
		answers = c.until("Z")
	}
	w.Lock()
	defer w.Unlock()
	if failed {
		w.unknown[i][row] = true
	} else {
		w.acked[i][row] = true
	}
	return !w.ended
}

// progress waits until each writer has written n rows more.
func (w *writers) progress(t *testing.T, n int) {
	t.Helper()
	count := func(i int) int {
		w.Lock()
		defer w.Unlock()
		return len(w.acked[i])
	}
	for i := range w.acked {
		before := count(i)
		eventually(t, fmt.Sprint("writer ", i, " goes on"), func() bool { return count(i) >= before+n })
	}
}

func (w *writers) stop() {
	w.Lock()
	w.ended = true
	w.Unlock()
	w.Wait()
}

// compare checks the rows that there are, in psql's form.
func (w *writers) compare(t *testing.T, rows string) {
	t.Helper()
	acked, unknown, there := 0, 0, 0
	missing := make([]map[int]bool, len(w.acked))
	for i := range missing {
		missing[i] = maps.Clone(w.acked[i])
		acked += len(w.acked[i])
		unknown += len(w.unknown[i])
	}
	seen := map[string]bool{}
	for line := range strings.Lines(rows) {
		line = strings.TrimSpace(line)
		if seen[line] {
			t.Error(line, "is there twice")
		}
		seen[line] = true
		var i, row int
		if _, err := fmt.Sscanf(line, "%d|%d", &i, &row); err != nil {
			t.Fatal(line, err)
		}
		if w.unknown[i][row] {
			there++
		}
		delete(missing[i], row)
	}
	for i := range missing {
		if len(missing[i]) > 0 {
			t.Errorf("writer %d: %d rows are missing that were acknowledged", i, len(missing[i]))
		}
	}
	t.Logf("%d rows acknowledged, %d answered with an error, of which %d are there", acked, unknown, there)
	if unknown == 0 {
		t.Error("nobody noticed: this test shows nothing")
	}
}
