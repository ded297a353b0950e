package relay

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
)

// What an operator sees. The JSON names are the admin API's.

// SessionView is one session at one moment.
type SessionView struct {
	ID              string       `json:"id"`
	Client          string       `json:"client"`
	User            string       `json:"user"`
	Database        string       `json:"database"`
	ApplicationName string       `json:"application_name"`
	TLS             bool         `json:"tls"`
	Since           string       `json:"since"`
	State           string       `json:"state"`          // starting, idle, waiting (for a backend), active (has one)
	Transaction     string       `json:"transaction"`    // I, T or E, as in ReadyForQuery
	Draining        bool         `json:"draining"`       // ends as soon as it is idle outside of a transaction
	TransactionID   string       `json:"transaction_id"` // of that which is open, or of the last
	Transactions    uint64       `json:"transactions"`
	Statements      uint64       `json:"statements"`
	Received        uint64       `json:"received_bytes"`  // from the client
	Sent            uint64       `json:"sent_bytes"`      // to it
	Waited          float64      `json:"waited_seconds"`  // for backends, in all
	Waiting         float64      `json:"waiting_seconds"` // for one, until now
	Frames          []FrameView  `json:"frames"`
	Pins            []string     `json:"pins"`
	Channels        []string     `json:"channels,omitempty"` // that the pool listens to for it
	Backend         *BackendView `json:"backend"`
}

// FrameView is one level of the session's stack, the session itself first.
type FrameView struct {
	Kind      string         `json:"kind"` // session, implicit, transaction or savepoint
	Name      string         `json:"name,omitempty"`
	Variables []VariableView `json:"variables"` // those changed within this level
}

// VariableView is a variable as one level left it.
type VariableView struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Layer string `json:"layer"` // session, or local after SET LOCAL
	// Known says that the value is the server's own word, not yet only what the
	// client asked for.
	Known bool   `json:"known"`
	Hash  string `json:"hash"`
}

// BackendView is the backend that a session holds.
type BackendView struct {
	PID     uint32 `json:"pid"`
	Address string `json:"address"`
}

// PoolView is one pool.
type PoolView struct {
	Upstream   []string `json:"upstream"`
	User       string   `json:"user"`
	Database   string   `json:"database"`
	Size       int      `json:"size"`
	Active     int      `json:"active"`
	Idle       int      `json:"idle"`
	Connecting int      `json:"connecting"`
	Waiting    int      `json:"waiting"`
	Sessions   int      `json:"sessions"`
	Drifts     int      `json:"drifts"` // how often verify found other variables than were tracked
	Paused     bool     `json:"paused"`
	PoolMode   string   `json:"pool_mode"`           // transaction or session
	OldestWait float64  `json:"oldest_wait_seconds"` // of who waits now

	// Since the process began, of all pools that the user and the database had with these servers.
	Transactions uint64  `json:"transactions"`
	Statements   uint64  `json:"statements"`
	Received     uint64  `json:"received_bytes"`
	Sent         uint64  `json:"sent_bytes"`
	Lent         uint64  `json:"lent"` // how often a backend was
	Waits        uint64  `json:"waits"`
	Waited       float64 `json:"waited_seconds"`
}

// Sessions returns all sessions, oldest first.
func (h *Hub) Sessions() []SessionView {
	views := []SessionView{}
	h.eachLender(func(l *lender) {
		for _, s := range l.sessions {
			views = append(views, s.view())
		}
	})
	slices.SortFunc(views, func(a, b SessionView) int {
		if len(a.ID) != len(b.ID) {
			return len(a.ID) - len(b.ID)
		}
		return strings.Compare(a.ID, b.ID)
	})
	return views
}

// Session returns one session.
func (h *Hub) Session(id string) (SessionView, bool) {
	var view SessionView
	found := false
	h.eachLender(func(l *lender) {
		for _, s := range l.sessions {
			if !found && s.name() == id {
				view, found = s.view(), true
			}
		}
	})
	return view, found
}

// Pools returns all pools, by user and database.
func (h *Hub) Pools() []PoolView {
	views := []PoolView{}
	h.eachLender(func(l *lender) {
		views = append(views, l.view())
	})
	slices.SortFunc(views, func(a, b PoolView) int {
		return strings.Compare(a.User+"\x00"+a.Database, b.User+"\x00"+b.Database)
	})
	return views
}

func (l *lender) view() PoolView {
	c, t := l.pool.Counts(), *l.totals
	for _, s := range l.sessions {
		t.countSession(s)
	}
	view := PoolView{
		Upstream: l.cfg.Upstream.Addresses, User: l.key.user, Database: l.key.database,
		Size: l.cfg.PoolSize, Active: c.Lent, Idle: c.Idle, Connecting: c.Connecting, Waiting: c.Waiting,
		Sessions: len(l.sessions), Drifts: int(t.Drifts), Paused: l.paused(), PoolMode: "transaction",
		Transactions: t.Transactions, Statements: t.Statements, Received: t.Received, Sent: t.Sent,
		Lent: t.Lent, Waits: t.Waits.Count, Waited: t.Waits.Sum,
	}
	if mode := l.cfg.SessionMode; mode != nil && mode(l.key.user, l.key.database) {
		view.PoolMode = "session"
	}
	if w := l.pool.FirstWaiting(); w != nil {
		view.OldestWait = w.Taker.(*Session).waitingFor().Seconds()
	}
	return view
}

func (h *Hub) eachLender(f func(*lender)) {
	for _, sh := range h.shards {
		sh.loop.Call(func() {
			for _, l := range sh.lenders {
				f(l)
			}
		})
	}
}

func (s *Session) name() string { return fmt.Sprint(s.id) }

func (s *Session) view() SessionView {
	v := SessionView{
		ID: s.name(), Client: s.addr.String(), User: s.user, Database: s.database, ApplicationName: s.appName,
		TLS: s.client.conn.TLS() != nil || s.cfg.OverTLS, Since: timestamp(s.since),
		State: s.state(), Draining: s.draining, Transaction: string(s.machine.Status()), TransactionID: s.transaction().String(),
		Transactions: s.transactions, Statements: s.statements, Received: s.received, Sent: s.client.sent, Waited: s.waited.Seconds(),
		Frames: frames(&s.machine), Pins: slices.AppendSeq([]string{}, s.machine.Pins().All()), Channels: s.channels(),
	}
	if s.waiting {
		v.Waiting = s.waitingFor().Seconds()
	}
	if s.srv != nil {
		v.Backend = &BackendView{PID: s.srv.PID, Address: s.srv.Address}
	}
	return v
}

// The states of a session.
const (
	stateStarting = "starting" // not greeted yet
	stateIdle     = "idle"     // has no backend
	stateWaiting  = "waiting"  // for one
	stateActive   = "active"
)

// States are all of them.
var States = []string{stateStarting, stateIdle, stateWaiting, stateActive}

func (s *Session) state() string {
	switch {
	case s.starting:
		return stateStarting
	case s.waiting:
		return stateWaiting
	case s.srv != nil:
		return stateActive
	}
	return stateIdle
}

// frames shows each level of the stack with what changed within it: between
// its own opening and that of the next level, or now.
func frames(m *txn.Machine) []FrameView {
	stack := m.Frames()
	views := make([]FrameView, 0, len(stack)+1)
	level := FrameView{Kind: "session"}
	var before *guc.Set
	for _, f := range stack {
		level.Variables = changed(before, f.Vars)
		views = append(views, level)
		before = f.Vars
		level = FrameView{Kind: f.Kind.String(), Name: f.Name}
	}
	level.Variables = changed(before, m.Vars())
	return append(views, level)
}

func changed(from, to *guc.Set) []VariableView {
	views := []VariableView{}
	for was, is := range guc.Diff(from, to) {
		name := is.Name
		if name == "" {
			name = was.Name
		}
		v := VariableView{Name: name, Layer: "session", Known: true}
		if value := is.InForce(); value != nil {
			v.Value, v.Known = value.Text, value.Known
		}
		if is.Local != nil {
			v.Layer = "local"
		}
		v.Hash = (*guc.Set)(nil).With(is).Hash().String()
		views = append(views, v)
	}
	return views
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
