package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// churners is how many other clients there are. Two for each backend of the pool of 4: the suite's session finds its last
// backend taken, and gets one that is set to somebody else's values.
const churners = 8

// churned are the variables that they set, each with two values in the form in which the server shows them. Any of them
// would spoil a test that it leaked to.
var churned = []struct{ name, one, other string }{
	{"DateStyle", "German, DMY", "ISO, YMD"},
	{"TimeZone", "Asia/Tokyo", "America/New_York"},
	{"IntervalStyle", "iso_8601", "sql_standard"},
	{"bytea_output", "escape", "hex"},
	{"extra_float_digits", "-5", "0"},
	{"search_path", "churn, pg_catalog", "nowhere"},
	{"default_transaction_read_only", "on", "off"},
	{"default_transaction_isolation", "serializable", "repeatable read"},
	{"enable_seqscan", "off", "on"},
	{"work_mem", "64kB", "7MB"},
	{"array_nulls", "off", "on"},
	{"application_name", "churn", "other"},
	{"my.churn", "mine", "yours"},
}

// churn is the company that a run of the suite has in its pool.
type churn struct {
	cancel context.CancelFunc
	once   sync.Once
	all    sync.WaitGroup

	mu    sync.Mutex // of what follows
	done  int        // transactions
	wrong int        // of them, with a value that is not the client's own
	errs  []error
}

// startChurn lets the clients in, and begin.
func startChurn(ctx context.Context, port int, database string) (*churn, error) {
	ctx, cancel := context.WithCancel(ctx)
	c := &churn{cancel: cancel}
	for i := range churners {
		conn, err := connect(ctx, port, database)
		if err != nil {
			_, _, _ = c.stop()
			return nil, fmt.Errorf("churn: client %d: %w", i, err)
		}
		c.all.Go(func() { c.client(ctx, conn) })
	}
	return c, nil
}

// stop ends the clients and says what they did and saw. An error is that of a client which could not go on.
func (c *churn) stop() (done, wrong int, err error) {
	c.once.Do(func() {
		c.cancel()
		c.all.Wait()
	})
	return c.done, c.wrong, errors.Join(c.errs...)
}

// client sets one variable after the other, sometimes only to undo it, and looks at all of them in between.
func (c *churn) client(ctx context.Context, conn *pgconn.PgConn) {
	defer func() { _ = conn.Close(context.Background()) }()
	values := make([]string, len(churned))
	for i, v := range churned {
		values[i] = v.one
		if _, err := conn.Exec(ctx, set(v.name, v.one)).ReadAll(); err != nil {
			c.note(ctx, err, false)
			return
		}
	}
	// The short sleep keeps a backend from the others without keeping the processor from the suite.
	ask := "SELECT pg_sleep(0.001)"
	for _, v := range churned {
		ask += ", current_setting('" + v.name + "')"
	}
	for ctx.Err() == nil {
		i := rand.IntN(len(churned))
		value := churned[i].one
		if rand.IntN(2) == 0 {
			value = churned[i].other
		}
		undo := rand.IntN(4) == 0
		if !undo {
			values[i] = value
		}
		got, err := step(ctx, conn, set(churned[i].name, value), undo, ask)
		if !c.note(ctx, err, err == nil && got != strings.Join(values, "|")) {
			return
		}
	}
}

func set(name, value string) string { return fmt.Sprintf("SET %s TO %s", name, quoted(value)) }

// quoted is a value for SET; commas separate the items of a list, which search_path takes one by one.
func quoted(value string) string {
	if strings.HasPrefix(value, "churn, ") {
		return value
	}
	return "'" + value + "'"
}

// step sends each statement as a message of its own, and returns the values that the last one answers.
func step(ctx context.Context, conn *pgconn.PgConn, set string, undo bool, ask string) (string, error) {
	statements := []string{set, ask}
	if undo {
		statements = []string{"BEGIN", set, "ROLLBACK", ask}
	}
	var results []*pgconn.Result
	for _, text := range statements {
		var err error
		if results, err = conn.Exec(ctx, text).ReadAll(); err != nil {
			return "", fmt.Errorf("%s: %w", text, err)
		}
	}
	var values []string
	for _, value := range results[0].Rows[0][1:] {
		values = append(values, string(value))
	}
	return strings.Join(values, "|"), nil
}

// note counts a step, and says whether the client can go on: an error that the end of the run made is of no interest.
func (c *churn) note(ctx context.Context, err error, wrong bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		c.errs = append(c.errs, err)
		return false
	}
	c.done++
	if wrong {
		c.wrong++
	}
	return true
}
