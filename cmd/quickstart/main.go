// Command quickstart shows what this project is for, on this machine and with real programs.
//
// It builds Caddy with the plugin, starts a throw-away PostgreSQL server (or takes the one that -upstream names), starts
// Caddy with examples/quickstart/Caddyfile, and lets two clients share one server connection: what the proxy holds of
// each session is read from the admin API after each step, shown, and compared with what must be there. Then it leaves
// all running for a person to try, until Ctrl-C; with -check it ends, and its exit status says whether all was right.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

type options struct {
	upstream, user, database string
	check                    bool
}

func main() {
	var o options
	flag.StringVar(&o.upstream, "upstream", "", "`host:port` of a PostgreSQL server that lets the user in without a password (default: a throw-away server)")
	flag.StringVar(&o.user, "user", "postgres", "the role to log in as")
	flag.StringVar(&o.database, "database", "postgres", "the database to use")
	flag.BoolVar(&o.check, "check", false, "end after the show, with exit status 0 only if all was as it should be")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	interrupted := ctx.Err() != nil
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
	if interrupted {
		fmt.Println("\nstopped; nothing is left behind")
	}
}

// run does it all, and ends what it has started.
func run(ctx context.Context, o options) (err error) {
	psql := "psql"
	fmt.Println("1. PostgreSQL")
	if o.upstream == "" {
		server, err := pgtest.Run(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		o.upstream, psql = server.Addr, server.Bin("psql")
		fmt.Printf("   a throw-away server runs at %s (%s)\n", o.upstream, server.Bin("postgres"))
	} else {
		fmt.Printf("   the server at %s\n", o.upstream)
	}

	fmt.Println("\n2. Caddy with the plugin")
	proxy, err := startProxy(ctx, o.upstream)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, proxy.Stop()) }()
	fmt.Printf("   the proxy listens on %s, its admin API on %s; its pool has room for one backend\n", proxy.listen, proxy.admin)

	fmt.Println("\n3. Two clients, one backend")
	s := &show{admin: &admin{"http://" + proxy.admin}}
	if err := s.run(ctx, proxy.listen, o.user, o.database); err != nil {
		return fmt.Errorf("%w\nThe end of Caddy's log:\n%s", err, pgtest.Tail(proxy.Log(), 20))
	}
	if s.wrong > 0 {
		err = fmt.Errorf("%d of %d checks failed", s.wrong, s.checks)
	} else {
		fmt.Printf("\nAll %d checks passed.\n", s.checks)
	}
	if o.check {
		return err
	}
	if err != nil {
		fmt.Printf("\n%v\n", err)
	}
	return stay(ctx, proxy, psql, o)
}

// stay says what there is to try, and returns at Ctrl-C or when Caddy has ended.
func stay(ctx context.Context, p *proxy, psql string, o options) error {
	host, port := split(p.listen)
	fmt.Printf(`
It runs until Ctrl-C. Try, in two terminals at once:

   %s "host=%s port=%s user=%s dbname=%s"

and see what the proxy holds of each session:

   curl -s http://%s/pgtxn/sessions
   curl -s http://%s/pgtxn/pools
`, psql, host, port, o.user, o.database, p.admin, p.admin)
	select {
	case <-ctx.Done():
		return nil
	case <-p.Done():
		return fmt.Errorf("the proxy ended: %w\n%s", p.Err(), pgtest.Tail(p.Log(), 20))
	}
}
