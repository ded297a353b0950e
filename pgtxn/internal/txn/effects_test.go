package txn

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
)

// states are the situations of the table, each made by a text. Before it, v=1.
var states = []struct{ name, sql string }{
	{"idle", ";"},
	{"implicit transaction", "SET v = 2"},
	{"transaction", "BEGIN; SET v = 2; SET LOCAL w = 3"},
	{"savepoint", "BEGIN; SET v = 2; SET LOCAL w = 3; SAVEPOINT s; SET v = 4"},
	{"failed transaction", "BEGIN; SET v = 2; SELECT 1/0"},
	{"failed savepoint", "BEGIN; SET v = 2; SET LOCAL w = 3; SAVEPOINT s; SET v = 4; SELECT 1/0"},
}

// statements has every kind, and the forms that differ.
var statements = []string{
	"SELECT 1", "BEGIN", "COMMIT", "COMMIT AND CHAIN", "ROLLBACK", "ROLLBACK AND CHAIN",
	"SAVEPOINT s", "RELEASE s", "RELEASE other", "ROLLBACK TO s", "ROLLBACK TO other",
	"PREPARE TRANSACTION 'x'", "COMMIT PREPARED 'x'", "ROLLBACK PREPARED 'x'",
	"SET v = 5", "SET v TO DEFAULT", "SET LOCAL v = 5", "SET LOCAL v TO DEFAULT", "RESET v", "RESET ALL",
	"SET ROLE r", "SET SESSION AUTHORIZATION r", "RESET SESSION AUTHORIZATION",
	"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET TRANSACTION READ ONLY",
	"DISCARD ALL", "DISCARD TEMP", "LISTEN a", "UNLISTEN *", "PREPARE p AS SELECT 1", "EXECUTE p", "DEALLOCATE p",
	"DECLARE c CURSOR FOR SELECT 1", "CALL p()", "DO ''", "COPY t TO STDOUT", "LOAD 'x'",
}

const legend = `# What a statement does in each state, by running the machine: go test -update.
# In the session v is 1 before. Each line tells what ReadyForQuery says next, the
# variables (v=1/2: 2 is local; ?: as asked) and the stack. An error does the same
# whatever failed, but for the statements that have a line of their own. Impossible
# is what PostgreSQL never completes in that state. That it refuses DISCARD ALL and
# COMMIT PREPARED behind most statements of a pipeline is not held against it.
`

// TestEffects holds testdata/effects.txt.
func TestEffects(t *testing.T) {
	var b strings.Builder
	b.WriteString(legend)
	seen := map[sqlscan.Kind]bool{}
	for _, state := range states {
		calm := scanOne("SELECT 1")
		now := outcome(state.sql, calm, (*Machine).Completed)
		failure := outcome(state.sql, calm, (*Machine).Failed)
		fmt.Fprintf(&b, "\n## %s: %s\n%-56s%s\n%-56s%s\n", state.name, state.sql, "(now)", now, "(error)", failure)
		for _, sql := range statements {
			st := scanOne(sql)
			seen[st.Kind] = true
			effect := outcome(state.sql, st, (*Machine).Completed)
			if effect == now {
				effect = "no change"
			}
			fmt.Fprintf(&b, "%-56s%s\n", sql, effect)
			if failed := outcome(state.sql, st, (*Machine).Failed); failed != failure {
				fmt.Fprintf(&b, "%-56s%s\n", "    error", failed)
			}
		}
	}
	writePins(&b)
	for k := range sqlscan.Load + 1 {
		if !seen[k] {
			t.Errorf("%s is not in the table", k)
		}
	}
	const file = "testdata/effects.txt"
	want, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	compare(t, file, string(want), b.String())
}

func writePins(b *strings.Builder) {
	b.WriteString("\n## pins, in any state, as soon as it is sent\n")
	for k := range sqlscan.Load + 1 {
		if p := pinsOf(&sqlscan.Statement{Kind: k}); p != 0 {
			fmt.Fprintf(b, "%-56s%s\n", k, p)
		}
	}
	for _, trait := range traitPins {
		fmt.Fprintf(b, "%-56s%s\n", "trait "+trait.trait.String(), trait.pin)
	}
}

func scanOne(sql string) sqlscan.Statement {
	scan := sqlscan.New([]byte(sql), sqlscan.Options{})
	scan.Next()
	return scan.Statement()
}

// outcome tries every status that ReadyForQuery can have.
func outcome(sql string, st sqlscan.Statement, answer func(*Machine)) string {
	var out []string
	for _, status := range "ITE" {
		m := inState(sql)
		m.Sent(st)
		m.EndQuery(false)
		answer(m)
		if m.Ready(byte(status)) {
			out = append(out, fmt.Sprintf("%c  %s", status, situation(m)))
		} else if why := m.Disagreement(); !strings.HasPrefix(why, "ReadyForQuery") {
			return "impossible: " + why
		}
	}
	return strings.Join(out, "  or  ")
}

func situation(m *Machine) string {
	text := varsText(m.Vars())
	for i, f := range m.Frames() {
		text += []string{" | ", " < "}[min(i, 1)] + strings.TrimSpace(f.Kind.String()+" "+f.Name)
	}
	return text
}

// inState makes a machine that has run sql: in a batch of its own where that
// leaves a transaction open, else in the batch that goes on.
func inState(sql string) *Machine {
	m := &Machine{}
	m.Learned("v", "1")
	if sql == ";" {
		return m
	}
	for text := range strings.SplitSeq(sql, "; ") {
		m.Sent(scanOne(text))
		if strings.Contains(text, "1/0") {
			m.Failed()
		} else {
			m.Completed()
		}
	}
	if m.Status() != 'I' {
		m.Sync()
		m.Ready(m.Status())
	}
	return m
}
