package relay

import (
	"context"
	"sync"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// How sessions end because an operator or the end of the process wants it.

// lastCancels is how long servers may take to hear that what they run for sessions that were cut is to be cancelled.
const lastCancels = 2 * time.Second

// door counts the sessions of the process, on their clients' goroutines.
type door struct {
	sync.Mutex
	sessions int
	empty    chan struct{} // once the door is shut: closed when the last has gone
}

// enter reports whether another session may begin.
func (d *door) enter() bool {
	d.Lock()
	defer d.Unlock()
	if d.empty != nil {
		return false
	}
	d.sessions++
	return true
}

func (d *door) leave() {
	d.Lock()
	defer d.Unlock()
	if d.sessions--; d.sessions == 0 && d.empty != nil {
		close(d.empty)
	}
}

// shut lets nobody in any more.
func (d *door) shut() (empty <-chan struct{}) {
	d.Lock()
	defer d.Unlock()
	if d.empty == nil {
		d.empty = make(chan struct{})
		if d.sessions == 0 {
			close(d.empty)
		}
	}
	return d.empty
}

// Shutdown lets no more clients in, and ends each session when it is outside of a transaction. It returns when all have
// ended; those that have not when ctx is done are cut, and returned.
func (h *Hub) Shutdown(ctx context.Context) (cut []SessionView) {
	empty := h.door.shut()
	h.shut()
	for _, sh := range h.shards {
		sh.loop.Call(sh.stop)
	}
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
	}
	var cancels sync.WaitGroup
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), lastCancels)
	defer stop()
	h.eachLender(func(l *lender) {
		for _, s := range l.sessions {
			cut = append(cut, s.view())
			if cancel := s.terminate(); cancel != nil {
				cancels.Go(func() { cancel(ctx) })
			}
		}
	})
	cancels.Wait()
	select {
	case <-empty:
	case <-ctx.Done():
	}
	return cut
}

// stop ends the sessions of the shard that are at rest; the others end when they come to it.
func (sh *shard) stop() {
	sh.stopping = true
	for _, l := range sh.lenders {
		for _, s := range l.sessions {
			s.stopAtRest()
		}
	}
}

// stopAtRest ends the session if nothing of its is under way.
func (s *Session) stopAtRest() {
	v := s.srv
	if s.starting || s.waiting || v == nil || s.machine.Idle() && v.replies.n == 0 && v.rest == 0 && !s.unsynced && !s.copyIn {
		s.depart("shutting down", wire.AdminShutdown())
	}
}

// Kill ends a session at once, as pg_terminate_backend does: what is open is rolled back, what runs is cancelled.
func (h *Hub) Kill(id string) (killed SessionView, found bool) {
	var cancel func(context.Context)
	h.eachLender(func(l *lender) {
		for _, s := range l.sessions {
			if s.name() == id {
				killed, found, cancel = s.view(), true, s.terminate()
			}
		}
	})
	if cancel != nil {
		ctx, stop := context.WithTimeout(context.Background(), lastCancels)
		defer stop()
		cancel(ctx)
	}
	return killed, found
}

// terminate ends the session. If the server runs something for it, what cancels that is returned, for another goroutine:
// the server would only notice the end of its connection when it has something to say.
func (s *Session) terminate() (cancel func(context.Context)) {
	v := s.srv
	if v != nil && v.owesClient() {
		cancel = func(ctx context.Context) { _ = v.Cancel(ctx, s.cfg.Upstream) }
	}
	if v != nil && v.rest > 0 && v.passing { // words of ours would be part of a row
		s.leave("terminated by the administrator")
	} else {
		s.fail(wire.AdminShutdown())
	}
	return cancel
}
