//go:build unix

package tlsreload

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// heedSignal reloads all sets at SIGUSR1, until ctx is done. Caddy reloads its
// configuration then, but one that has not changed does not have files read
// again.
func (a *App) heedSignal(ctx context.Context) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			_, _ = a.reload(Request{Trigger: "signal"}) // all sets exist
		}
	}
}
