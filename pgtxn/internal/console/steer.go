package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// selection is the pools of the database that is named, or all.
func selection(args []string) (sel relay.Selection, err error) {
	if len(args) > 0 {
		if sel.Database = args[0]; sel.Database == "" {
			err = wire.EmptyDatabase()
		}
	}
	return sel, err
}

// told turns what relay says of pools into an error with its SQLSTATE.
func told(sel relay.Selection, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, relay.ErrNoPool):
		return wire.NoPool(sel.Database)
	}
	return wire.WrongPoolState(fmt.Sprintf("%s: %s", sel, err))
}

func steer(do func(*hub, relay.Selection) error) func(context.Context, *visit, []string) ([]row, error) {
	return func(_ context.Context, s *visit, args []string) ([]row, error) {
		sel, err := selection(args)
		if err != nil {
			return nil, err
		}
		return nil, told(sel, do(s.hub, sel))
	}
}

// pause waits until all server connections are closed, as PgBouncer does. Who interrupts it takes it back; a visitor
// that leaves meanwhile does not.
func pause(ctx context.Context, s *visit, args []string) ([]row, error) {
	sel, err := selection(args)
	if err != nil {
		return nil, err
	}
	select {
	case <-s.Interrupts: // it came too late for what it was meant for
	default:
	}
	if err := s.hub.Pause(sel); err != nil {
		return nil, told(sel, err)
	}
	closed := make(chan struct{})
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		defer close(closed)
		s.hub.AwaitClosed(ctx, sel)
	}()
	select {
	case <-closed:
		if ctx.Err() != nil {
			return nil, wire.AdminShutdown()
		}
		return nil, nil
	case <-s.Interrupts:
		s.hub.Unpause(sel)
		return nil, wire.QueryCanceled()
	}
}

// kill is PgBouncer's: clients come back to a pause.
func kill(_ context.Context, s *visit, args []string) ([]row, error) {
	sel, err := selection(args)
	if err != nil {
		return nil, err
	}
	if err := s.hub.Pause(sel); err != nil && !errors.Is(err, relay.ErrPaused) {
		return nil, told(sel, err)
	}
	for _, view := range s.hub.Sessions() {
		if sel.Database == "" || sel.Database == view.Database {
			s.hub.Kill(view.ID)
		}
	}
	return nil, nil
}

// killClient ends all sessions that are named, or none if one of them is not there.
func killClient(_ context.Context, s *visit, ids []string) ([]row, error) {
	for _, id := range ids {
		if _, found := s.hub.Session(id); !found {
			return nil, wire.NoSession(id)
		}
	}
	for _, id := range ids {
		s.hub.Kill(id)
	}
	return nil, nil
}

func reload(_ context.Context, s *visit, _ []string) ([]row, error) {
	if err := s.console.Reload(); err != nil {
		return nil, wire.ReloadFailed(err)
	}
	return nil, nil
}

// setByDrivers are the variables that drivers and psql set without being asked to.
var setByDrivers = []string{
	"application_name", "client_encoding", "client_min_messages", "datestyle", "extra_float_digits", "intervalstyle",
	"standard_conforming_strings", "timezone",
}

func set(_ context.Context, _ *visit, args []string) ([]row, error) {
	name, _, _ := strings.Cut(strings.ToLower(args[0]), "=")
	if name == "session" && len(args) > 1 {
		name, _, _ = strings.Cut(strings.ToLower(args[1]), "=")
	}
	if !slices.Contains(setByDrivers, name) {
		return nil, wire.NothingToSet(name)
	}
	return nil, nil
}
