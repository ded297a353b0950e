package relay

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// notes is a log that can be read while it is written.
type notes struct {
	sync.Mutex
	bytes.Buffer
}

func (n *notes) Write(p []byte) (int, error) {
	n.Lock()
	defer n.Unlock()
	return n.Buffer.Write(p)
}

func (n *notes) text() string {
	n.Lock()
	defer n.Unlock()
	return n.String()
}

// A trigger that nothing else looks for changes a variable that the server reports:
// that gives it away, with all else that it changed. The operator is told where
// the value was tracked.
func TestConflicts(t *testing.T) {
	const values = "SELECT current_setting('TimeZone') || ' ' || current_setting('work_mem')"
	for name, c := range map[string]struct{ before, after, told string }{
		"set by nobody":      {"SELECT 1", "SELECT 2", `reason="tracked as set in start-up"`},
		"set in the session": {"SET TimeZone = 'Asia/Kathmandu'", "SELECT 2", `reason="tracked as set in session"`},
		"set locally in a savepoint": {"BEGIN; SAVEPOINT a; SET LOCAL TimeZone = 'Asia/Kathmandu'", "COMMIT",
			`reason="tracked as set in savepoint a by SET LOCAL"`},
	} {
		t.Run(name, func(t *testing.T) {
			var log notes
			p := database(t).behind(t, 1, func(cfg *Config) { cfg.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			owner, other := p.connect(t), p.connect(t)
			other.must(secrets)
			owner.must(c.before)
			owner.must("INSERT INTO t VALUES ('TimeZone', 'Asia/Tokyo'), ('work_mem', '5MB')")
			owner.must(c.after)
			other.must("SELECT 1")
			if got := owner.value(values); got != "Asia/Tokyo 5MB" {
				t.Errorf("afterwards the session has %s", got)
			}
			if got := other.value(values); strings.Contains(got, "Tokyo") || strings.Contains(got, "5MB") {
				t.Errorf("another client has %s", got)
			}
			if !strings.Contains(log.text(), c.told) || strings.Count(log.text(), "behind the tracker") != 1 || !strings.Contains(log.text(), "variables=[timezone]") {
				t.Errorf("the log does not say %s once:\n%s", c.told, log.text())
			}
		})
	}
}
