package relay

import (
	stdsql "database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/lib/pq"
)

// Drivers keep their connection when the transaction on it is lost.

func TestTransactionLostByPgx(t *testing.T) {
	p := database(t).behind(t, 1)
	ctx := withTime(t)
	conn, err := pgx.Connect(ctx, p.url("&application_name=pgx"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SET my.x = 'before'"); err != nil {
		t.Fatal(err)
	}
	for _, end := range []func(pgx.Tx) error{
		func(tx pgx.Tx) error { return tx.Rollback(ctx) },
		func(tx pgx.Tx) error {
			if err := tx.Commit(ctx); !errors.Is(err, pgx.ErrTxCommitRollback) {
				return fmt.Errorf("COMMIT: %w", err)
			}
			return nil
		},
	} {
		tx, err := conn.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var pid string
		if err := tx.QueryRow(ctx, "SELECT pg_backend_pid()::text").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		terminate(t, pid)
		for _, want := range []string{"57P01", "25P02", "25P02"} {
			var told *pgconn.PgError
			if _, err := tx.Exec(ctx, "SELECT set_config('my.x', $1, false)", "in it"); !errors.As(err, &told) || told.Code != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if err := end(tx); err != nil {
			t.Error(err)
		}
		var x string
		if err := conn.QueryRow(ctx, "SELECT current_setting('my.x')").Scan(&x); err != nil || x != "before" {
			t.Error(x, err)
		}
	}
}

func TestTransactionLostByPq(t *testing.T) {
	p := database(t).behind(t, 1)
	ctx := withTime(t)
	db, err := stdsql.Open("postgres", p.url(""))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for range 2 {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		var pid string
		if err := tx.QueryRow("SELECT pg_backend_pid()").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		terminate(t, pid)
		for _, want := range []string{"57P01", "25P02"} {
			var told *pq.Error
			if _, err := tx.Exec("SELECT $1::int", 1); !errors.As(err, &told) || string(told.Code) != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
	if got := len(p.proxy.Sessions()); got != 1 {
		t.Errorf("%d sessions: the driver has given one up", got)
	}
}

// psql goes on in its session.
func TestTransactionLostByPsql(t *testing.T) {
	p := database(t).behind(t, 1)
	out := p.program(t, `
SET my.x = 'before';
BEGIN;
SET my.x = 'in it';
SELECT pg_terminate_backend(pg_backend_pid());
SELECT 1;
ROLLBACK;
SHOW my.x;
SELECT pg_terminate_backend(pg_backend_pid());
SHOW my.x;
`, "psql", "-qAt")
	const lost = "ERROR:  terminating connection due to administrator command"
	if strings.Count(out, "\nbefore") != 2 || strings.Count(out, lost) != 2 || !strings.Contains(out, "ERROR:  current transaction is aborted") {
		t.Error(out)
	}
}
