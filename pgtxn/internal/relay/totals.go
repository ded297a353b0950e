package relay

import (
	"slices"
	"strings"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// Counting. What is counted on a loop is plain numbers that belong to the loop; who wants to know asks the loop
// ([Hub.Totals]), as for the views.

// PoolLabels name what is counted together.
type PoolLabels struct{ Upstream, User, Database string }

// maxNamed is how many pools of a shard are counted by user and database. Clients choose those names, so the others,
// and pools that never had a backend, are counted together, under their upstream alone.
const maxNamed = 500

// Totals are counted since the process began; the gauges in State are of now.
type Totals struct {
	Clients, Transactions, Statements uint64
	Received, Sent                    uint64 // bytes of clients that are logged in and to them, without TLS
	Lent                              uint64 // how often a backend was lent
	Waits                             Histogram
	WaitExemplars                     [histogramSize + 1]Exemplar // the last wait in each bucket, and above
	WaitTimeouts                      uint64
	Depths                            Histogram // of transactions with savepoints: how many there were at a time, at most
	Syncs, SyncVariables              uint64
	SyncsAvoided                      uint64 // the backend that was lent had the session's variables already
	Scrubs, Inspections               uint64
	Drifts, Disagreements             uint64
	Pins                              [txn.NumPins]uint64
	ServerErrors, ProxyErrors         [NumSQLStateClasses]uint64
	Connected, ConnectedTLS           uint64 // backends
	ConnectFailures                   uint64

	State State
}

// State is how pools are at one moment.
type State struct {
	Pools, PoolSize, Paused      int
	Idle, Active, Waiting        int // clients; Starting are not greeted yet
	Starting                     int
	BackendsIdle, BackendsActive int
	BackendsConnecting           int
	Pinned                       [txn.NumPins]int // clients
	PinnedBackends               int              // kept from others: see takesAway
	OldestWait                   time.Duration
	Depth                        int // most savepoints in a session
}

// add adds o.
func (t *Totals) add(o *Totals) {
	t.Clients += o.Clients
	t.Transactions += o.Transactions
	t.Statements += o.Statements
	t.Received += o.Received
	t.Sent += o.Sent
	t.Lent += o.Lent
	t.Waits.add(&o.Waits)
	for i, e := range o.WaitExemplars {
		if e.At.After(t.WaitExemplars[i].At) {
			t.WaitExemplars[i] = e
		}
	}
	t.WaitTimeouts += o.WaitTimeouts
	t.Depths.add(&o.Depths)
	t.Syncs += o.Syncs
	t.SyncVariables += o.SyncVariables
	t.SyncsAvoided += o.SyncsAvoided
	t.Scrubs += o.Scrubs
	t.Inspections += o.Inspections
	t.Drifts += o.Drifts
	t.Disagreements += o.Disagreements
	t.Connected += o.Connected
	t.ConnectedTLS += o.ConnectedTLS
	t.ConnectFailures += o.ConnectFailures
	addEach(t.Pins[:], o.Pins[:])
	addEach(t.ServerErrors[:], o.ServerErrors[:])
	addEach(t.ProxyErrors[:], o.ProxyErrors[:])
	t.State.add(&o.State)
}

func (t *State) add(o *State) {
	t.Pools += o.Pools
	t.PoolSize += o.PoolSize
	t.Paused += o.Paused
	t.Idle += o.Idle
	t.Active += o.Active
	t.Waiting += o.Waiting
	t.Starting += o.Starting
	t.BackendsIdle += o.BackendsIdle
	t.BackendsActive += o.BackendsActive
	t.BackendsConnecting += o.BackendsConnecting
	t.OldestWait = max(t.OldestWait, o.OldestWait)
	t.Depth = max(t.Depth, o.Depth)
	addEach(t.Pinned[:], o.Pinned[:])
	t.PinnedBackends += o.PinnedBackends
}

func addEach[N int | uint64](to, from []N) {
	for i := range to {
		to[i] += from[i]
	}
}

// The upper bounds of the histograms' buckets, without the last, which has none.
var (
	WaitBounds  = [histogramSize]float64{.001, .0025, .005, .01, .025, .05, .1, .25, 1, 5, 15, 60} // seconds
	DepthBounds = [histogramSize]float64{1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 10000}
)

const histogramSize = 12

// Histogram counts by size. What is above all bounds is in Count alone.
type Histogram struct {
	Buckets [histogramSize]uint64
	Count   uint64
	Sum     float64
}

// observe returns the number of the bucket; that of what is above all bounds is histogramSize.
func (h *Histogram) observe(bounds *[histogramSize]float64, x float64) (bucket int) {
	bucket, _ = slices.BinarySearch(bounds[:], x)
	if bucket < len(bounds) {
		h.Buckets[bucket]++
	}
	h.Count++
	h.Sum += x
	return bucket
}

// Exemplar is one of what a histogram counted, by which the rest can be understood. Its zero value is none.
type Exemplar struct {
	Transaction TransactionID
	Value       float64
	At          time.Time
}

// waited counts a wait for a backend.
func (t *Totals) waited(e Exemplar) { t.WaitExemplars[t.Waits.observe(&WaitBounds, e.Value)] = e }

func (h *Histogram) add(o *Histogram) {
	addEach(h.Buckets[:], o.Buckets[:])
	h.Count += o.Count
	h.Sum += o.Sum
}

// tally is what one session has done. It becomes part of its pool's totals when the client has left.
type tally struct {
	transactions, statements uint64
	received                 uint64 // what it was sent is in its stream
	waited                   time.Duration
	pins                     txn.Pins // those that are counted and logged
}

// transacted: the server is ready for another transaction.
func (s *Session) transacted() {
	s.transactions++
	s.drewHere = false
	if depth := s.machine.Deepest(); depth > 0 {
		s.lender.totals.Depths.observe(&DepthBounds, float64(depth))
	}
}

// countSession adds what the session did so far.
func (t *Totals) countSession(s *Session) {
	t.Transactions += s.transactions
	t.Statements += s.statements
	t.Received += s.received
	t.Sent += s.client.sent
}

// countError counts an ErrorResponse of the proxy's own.
func (t *Totals) countError(e []byte) {
	t.ProxyErrors[sqlStateClass(wire.ParseError(e[wire.HeadLen:]).Code)]++
}

// totalsOf returns where to count under these labels.
func (sh *shard) totalsOf(labels PoolLabels) *Totals {
	t := sh.totals[labels]
	if t == nil {
		t = new(Totals)
		sh.totals[labels] = t
	}
	return t
}

// named: a backend has connected, so that user and database exist, and the pool is counted under their names. They are
// bytes of any encoding, and labels have to be UTF-8: Prometheus' client panics else.
func (l *lender) named() {
	labels := l.labels
	labels.User, labels.Database = strings.ToValidUTF8(l.key.user, "\uFFFD"), strings.ToValidUTF8(l.key.database, "\uFFFD")
	if _, known := l.shard.totals[labels]; known || len(l.shard.totals) < maxNamed {
		l.labels, l.totals = labels, l.shard.totalsOf(labels)
	}
}

func (l *lender) countConnected(v *server) {
	l.named()
	l.totals.Connected++
	if v.Sock.TLS() != nil {
		l.totals.ConnectedTLS++
	}
}

func (l *lender) countSync(variables int, scrub bool) {
	l.totals.Syncs++
	l.totals.SyncVariables += uint64(variables)
	if scrub {
		l.totals.Scrubs++
	}
}

// Totals returns what was counted, by pool.
func (h *Hub) Totals() map[PoolLabels]*Totals {
	sum := make(map[PoolLabels]*Totals)
	for _, sh := range h.shards {
		sh.loop.Call(func() {
			part := make(map[PoolLabels]*Totals, len(sh.totals))
			for labels, t := range sh.totals {
				part[labels] = new(*t)
			}
			for _, l := range sh.lenders {
				part[l.labels].count(l)
			}
			for labels, t := range part {
				if sum[labels] == nil {
					sum[labels] = t
				} else {
					sum[labels].add(t)
				}
			}
		})
	}
	return sum
}

// takesAway are the pins that leave fewer backends to the others, unlike that of sequences, which gives way to
// them, and that the operator has not asked for.
const takesAway = ^(txn.PinSequence | txn.PinSession)

// count adds the sessions and the state of a living pool.
func (t *Totals) count(l *lender) {
	c := l.pool.Counts()
	state := State{
		Pools: 1, PoolSize: l.cfg.PoolSize,
		BackendsIdle: c.Idle, BackendsActive: c.Lent, BackendsConnecting: c.Connecting,
	}
	if l.paused() {
		state.Paused = 1
	}
	for _, s := range l.sessions {
		t.countSession(s)
		switch s.state() {
		case stateStarting:
			state.Starting++
		case stateWaiting:
			state.Waiting++
		case stateActive:
			state.Active++
		default:
			state.Idle++
		}
		for i := range state.Pinned {
			if s.machine.Pins()&(1<<i) != 0 {
				state.Pinned[i]++
			}
		}
		if s.machine.Pins()&takesAway != 0 {
			state.PinnedBackends++
		}
		state.Depth = max(state.Depth, s.machine.Depth())
	}
	if w := l.pool.FirstWaiting(); w != nil {
		state.OldestWait = w.Taker.(*Session).waitingFor()
	}
	t.State.add(&state)
}
