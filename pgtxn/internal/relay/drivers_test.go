package relay

import (
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/lib/pq"
)

// Real drivers, directly and through a pool of two with other clients in it.

// url is what drivers take.
func (p place) url(options string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable%s", p.user, p.addr, p.database, options)
}

func withTime(t testing.TB) context.Context {
	ctx, stop := context.WithTimeout(context.Background(), 3*patience)
	t.Cleanup(stop)
	return ctx
}

// withDrivers runs a test on PostgreSQL and through a pool of two.
func withDrivers(t *testing.T, test func(t *testing.T, p place)) {
	t.Helper()
	t.Run("direct", func(t *testing.T) { test(t, database(t)) })
	t.Run("proxy", func(t *testing.T) {
		p := database(t).behind(t, 2)
		test(t, p)
		atRest(t, p)
	})
}

func TestPgx(t *testing.T) {
	modes := map[string]string{
		"default": "", "describe": "&default_query_exec_mode=describe_exec", "cached describe": "&default_query_exec_mode=cache_describe",
		"exec": "&default_query_exec_mode=exec", "simple": "&default_query_exec_mode=simple_protocol",
	}
	withDrivers(t, func(t *testing.T, p place) {
		p.connect(t).must("CREATE TABLE t (client int, round int, text text)")
		for name, mode := range modes {
			t.Run(name, func(t *testing.T) {
				var all sync.WaitGroup
				for client := range 5 {
					all.Add(1)
					go func() {
						defer all.Done()
						if err := pgxClient(withTime(t), p.url(mode), client); err != nil {
							t.Error(err)
						}
					}()
				}
				all.Wait()
			})
		}
	})
}

// pgxClient does what programs do: its own values, transactions, savepoints,
// batches and COPY.
func pgxClient(ctx context.Context, url string, client int) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	mine := fmt.Sprintf("tenant %d", client)
	if _, err := conn.Exec(ctx, "SET my.tenant = '"+mine+"'"); err != nil {
		return err
	}
	for round := range 20 {
		if err := pgxRound(ctx, conn, client, round); err != nil {
			return fmt.Errorf("client %d, round %d: %w", client, round, err)
		}
		var tenant string
		var rows, copied int
		err := conn.QueryRow(ctx, "SELECT current_setting('my.tenant'), count(*), count(*) FILTER (WHERE text = 'copied') FROM t WHERE client = $1 AND round = $2", client, round).Scan(&tenant, &rows, &copied)
		if err != nil {
			return err
		}
		if tenant != mine || rows != 13 || copied != 10 {
			return fmt.Errorf("client %d, round %d: %s has %d rows, %d copied", client, round, tenant, rows, copied)
		}
		if _, err := conn.Exec(ctx, "DELETE FROM t WHERE client = $1", client); err != nil {
			return err
		}
	}
	return nil
}

func pgxRound(ctx context.Context, conn *pgx.Conn, client, round int) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO t VALUES ($1, $2, 'one')", client, round); err != nil {
			return err
		}
		if err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { // a savepoint
			if _, err := tx.Exec(ctx, "SET my.tenant = 'nobody'; INSERT INTO t VALUES (0, 0, 'lost')", pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
			return pgx.ErrTxCommitRollback
		}); err != pgx.ErrTxCommitRollback {
			return fmt.Errorf("the savepoint: %w", err)
		}
		batch := &pgx.Batch{}
		batch.Queue("INSERT INTO t VALUES ($1, $2, 'two')", client, round)
		batch.Queue("INSERT INTO t VALUES ($1, $2, 'three')", client, round)
		batch.Queue("SELECT $1::text", "text")
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return fmt.Errorf("batch: %w", err)
		}
		var rows [][]any
		for range 10 {
			rows = append(rows, []any{client, round, "copied"})
		}
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"client", "round", "text"}, pgx.CopyFromRows(rows))
		return err
	})
}

// A query whose context ends is canceled at the server, and only that one.
func TestPgxContext(t *testing.T) {
	withDrivers(t, func(t *testing.T, p place) {
		for range 5 {
			conn, err := pgx.Connect(withTime(t), p.url(""))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			failed := make(chan error)
			go func() {
				_, err := conn.Exec(ctx, "SELECT pg_sleep(1000)")
				failed <- err
			}()
			eventually(t, "the statement runs", func() bool { return working(t, p) == "1" })
			cancel()
			if err := <-failed; err == nil {
				t.Error("the query was not canceled")
			}
			eventually(t, "the statement has ended", func() bool { return working(t, p) == "0" })
		}
	})
}

func TestLibPQ(t *testing.T) {
	withDrivers(t, func(t *testing.T, p place) {
		for name, options := range map[string]string{"default": "", "binary": "&binary_parameters=yes"} {
			t.Run(name, func(t *testing.T) {
				db, err := stdsql.Open("postgres", p.url(options))
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				db.SetMaxOpenConns(8)
				if _, err := db.Exec("DROP TABLE IF EXISTS t; CREATE TABLE t (client int, round int, text text)"); err != nil {
					t.Fatal(err)
				}
				var all sync.WaitGroup
				for client := range 8 {
					all.Add(1)
					go func() {
						defer all.Done()
						for round := range 15 {
							if err := pqRound(withTime(t), db, client, round); err != nil {
								t.Errorf("client %d, round %d: %v", client, round, err)
								return
							}
						}
					}()
				}
				all.Wait()
				var rows int
				if err := db.QueryRow("SELECT count(*) FROM t").Scan(&rows); err != nil || rows != 8*15*11 {
					t.Error(rows, "rows", err)
				}
			})
		}
	})
}

func pqRound(ctx context.Context, db *stdsql.DB, client, round int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if _, err := tx.Exec("INSERT INTO t VALUES ($1, $2, 'one')", client, round); err != nil {
		return err
	}
	copyIn, err := tx.Prepare("COPY t (client, round, text) FROM STDIN")
	if err != nil {
		return err
	}
	for range 10 {
		if _, err := copyIn.Exec(client, round, "copied"); err != nil {
			return err
		}
	}
	if err := copyIn.Close(); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	count, err := db.PrepareContext(ctx, "SELECT count(*) FROM t WHERE client = $1 AND round = $2")
	if err != nil {
		return err
	}
	defer count.Close()
	var rows int
	if err := count.QueryRow(client, round).Scan(&rows); err != nil || rows != 11 {
		return fmt.Errorf("%d rows: %w", rows, err)
	}
	return nil
}

// A listener of lib/pq hears what others say, through a pool that they share.
func TestLibPQListener(t *testing.T) {
	withDrivers(t, func(t *testing.T, p place) {
		listener := pq.NewListener(p.url(""), time.Second, time.Second, nil)
		defer listener.Close()
		if err := listener.Listen("a"); err != nil {
			t.Fatal(err)
		}
		speaker := p.connect(t)
		for i := range 10 {
			speaker.must(fmt.Sprintf("NOTIFY a, '%d'", i))
			if n := <-listener.Notify; n == nil || n.Extra != fmt.Sprint(i) {
				t.Fatal(n)
			}
		}
	})
}

// Errors come with all their fields.
func TestDriverErrors(t *testing.T) {
	withDrivers(t, func(t *testing.T, p place) {
		connector, err := pq.NewConnector(p.url(""))
		if err != nil {
			t.Fatal(err)
		}
		conn, err := connector.Connect(withTime(t))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, err = conn.(driver.ExecerContext).ExecContext(withTime(t), "CREATE TABLE u (a int CONSTRAINT positive CHECK (a > 0)); INSERT INTO u VALUES (-1)", nil)
		bad, ok := err.(*pq.Error)
		if !ok || bad.Code != "23514" || bad.Table != "u" || bad.Constraint != "positive" || !strings.Contains(bad.Detail, "(-1)") {
			t.Errorf("%#v", err)
		}
		if err == io.EOF {
			t.Error("the connection was lost")
		}
	})
}
