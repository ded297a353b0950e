// Command twoinstances shows examples/two-instances on this machine and with real programs, and checks it.
//
// It starts a PostgreSQL server with a streaming standby, two Caddys with this plugin that share their storage, and a load
// balancer before them. Clients with values of their own write through the one address while a request to cancel comes to
// the wrong instance, the standby is promoted because the primary has crashed, and one instance is killed and comes back.
// Then it leaves all running for a person to try, until Ctrl-C; with -check it ends, and its exit status says whether all
// was right.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	check := flag.Bool("check", false, "end after the show, with exit status 0 only if all was as it should be")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *check)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "twoinstances:", err)
		os.Exit(1)
	}
}

// run does it all, and ends what it has started.
func run(ctx context.Context, check bool) (err error) {
	c := new(cluster)
	defer func() { err = errors.Join(err, c.stop()) }()
	s := &show{cluster: c}
	if err := s.run(ctx); err != nil {
		if ctx.Err() != nil { // Ctrl-C
			return nil
		}
		return fmt.Errorf("%w\n%s", err, c.logs())
	}
	if s.wrong > 0 {
		return fmt.Errorf("%d of %d checks failed\n%s", s.wrong, s.checks, c.logs())
	}
	fmt.Printf("\nAll %d checks passed.\n", s.checks)
	if !check {
		c.stay(ctx)
	}
	return nil
}
