package relay

import (
	"cmp"
	"slices"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/pool"
)

// PooledView is one backend of a pool.
type PooledView struct {
	BackendView
	User     string `json:"user"`
	Database string `json:"database"`
	TLS      bool   `json:"tls"`
	Since    string `json:"since"`
	State    string `json:"state"`    // idle, active or cleaning
	Session  string `json:"session"`  // who has it, or ""
	Prepared int    `json:"prepared"` // statements of clients that it has
	Closing  bool   `json:"closing"`  // it is closed instead of lent again
}

// The states of a backend.
const (
	backendIdle     = "idle"
	backendActive   = "active"   // a session has it
	backendCleaning = "cleaning" // its session has ended
)

// Backends returns the backends of all pools, oldest first.
func (h *Hub) Backends() []PooledView {
	views := []PooledView{}
	h.eachLender(func(l *lender) {
		for m := range l.pool.Filled {
			views = append(views, l.viewBackend(m))
		}
	})
	slices.SortFunc(views, func(a, b PooledView) int {
		return cmp.Or(cmp.Compare(a.Since, b.Since), cmp.Compare(a.PID, b.PID))
	})
	return views
}

func (l *lender) viewBackend(m *pool.Member[*server]) PooledView {
	v := m.Backend
	view := PooledView{
		BackendView: BackendView{PID: v.PID, Address: v.Address}, User: l.key.user, Database: l.key.database,
		TLS: v.Sock.TLS() != nil, Since: timestamp(v.Born), State: backendCleaning, Prepared: v.Prepared.Len(),
		Closing: v.Tainted() != "" || v.retired != "" || v.Born.Before(l.renewed) || l.paused(),
	}
	switch {
	case m.State() == pool.Idle:
		view.State = backendIdle
	case v.session != nil:
		view.State, view.Session = backendActive, v.session.name()
	}
	return view
}
