package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// connect logs in through the balancer, and checks the certificate's name.
func (c *cluster) connect(ctx context.Context, application string) (*pgconn.PgConn, error) {
	host, port, _ := net.SplitHostPort(c.address)
	config, err := pgconn.ParseConfig(fmt.Sprintf("host=%s port=%s user=%s password='%s' dbname=%s sslmode=verify-full sslrootcert=%s",
		name, port, user, password, database, c.rootCert()))
	if err != nil {
		return nil, err
	}
	config.RuntimeParams = map[string]string{"application_name": application}
	config.LookupFunc = func(context.Context, string) ([]string, error) { return []string{host}, nil } // as libpq's hostaddr
	return pgconn.ConnectConfig(ctx, config)
}

// A writer is a client that writes one row after the other, each in a transaction, and each with a value that its session
// has had since it connected. It knows which rows must be there.
type writer struct {
	cluster *cluster
	id      int
	conn    *pgconn.PgConn

	mu sync.Mutex
	progress
}

// progress of a writer.
type progress struct {
	rows       int // 1 to rows are committed
	reconnects int
	doubts     int // how often it had to look whether a row was committed
	address    string
}

func (w *writer) sofar() progress {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.progress
}

func (w *writer) add(rows, reconnects, doubts int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rows, w.reconnects, w.doubts = w.rows+rows, w.reconnects+reconnects, w.doubts+doubts
}

func (w *writer) application() string { return fmt.Sprint("writer ", w.id) }

// begin connects, and sets the value.
func (w *writer) begin(ctx context.Context) error {
	conn, err := w.cluster.connect(ctx, w.application())
	if err != nil {
		return err
	}
	w.conn = conn
	w.mu.Lock()
	w.address = conn.Conn().LocalAddr().String()
	w.mu.Unlock()
	_, err = ask(ctx, conn, fmt.Sprintf("SET my.client = %d", w.id))
	return err
}

// run writes until ctx is done. A row is not written again before it is known that it is not there.
func (w *writer) run(ctx context.Context) error {
	work := context.WithoutCancel(ctx)
	defer func() { _ = w.conn.Close(work) }()
	for n := 1; ctx.Err() == nil; {
		there, err := true, w.write(work, n)
		if err != nil {
			w.add(0, 0, 1)
			if there, err = w.isThere(work, n); err != nil {
				return fmt.Errorf("%s: %w", w.application(), err)
			}
		}
		if there {
			w.add(1, 0, 0)
			n++
		}
	}
	return nil
}

// write writes row n, with the value that the session has.
func (w *writer) write(ctx context.Context, n int) error {
	for _, statement := range []string{
		"BEGIN", "SET LOCAL my.row = " + fmt.Sprint(n),
		"INSERT INTO rows SELECT current_setting('my.client')::int, current_setting('my.row')::int", "COMMIT",
	} {
		if _, err := ask(ctx, w.conn, statement); err != nil {
			return err
		}
	}
	return nil
}

// isThere looks for row n, when the server lets it: in the session that it has, or else in a new one.
func (w *writer) isThere(ctx context.Context, n int) (there bool, err error) {
	for deadline := time.Now().Add(stepTime); time.Now().Before(deadline); time.Sleep(retryTime) {
		switch {
		case w.conn.IsClosed():
			if err = w.begin(ctx); err != nil {
				continue
			}
			w.add(0, 1, 0)
		case w.conn.TxStatus() != 'I':
			if _, err = ask(ctx, w.conn, "ROLLBACK"); err != nil {
				continue
			}
		}
		var count string
		if count, err = ask(ctx, w.conn, fmt.Sprintf("SELECT count(*) FROM rows WHERE client = %d AND n = %d", w.id, n)); err == nil {
			return count != "0", nil
		}
	}
	return false, err
}

// stepTime is how long anything may take here, and retryTime how long nothing is done before it is tried again.
const (
	stepTime  = time.Minute
	retryTime = 20 * time.Millisecond
)

// ask sends one statement and returns the first value of its answer, or "".
func ask(ctx context.Context, conn *pgconn.PgConn, sql string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return "", err
	}
	for _, result := range results {
		if sql == "COMMIT" && result.CommandTag.String() != sql {
			return "", fmt.Errorf("COMMIT was answered with %s", result.CommandTag)
		}
		if len(result.Rows) > 0 {
			return string(result.Rows[0][0]), nil
		}
	}
	return "", nil
}
