package relay

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
)

// The kinds of incidents.
const (
	KindPin          = "pin"
	KindDrift        = "drift"
	KindConflict     = "conflict"     // between a value that was tracked and what the server reports
	KindDisagreement = "disagreement" // over whether a transaction is open
)

// Incident is what an operator may want to know the reason of: a session that keeps its backend between transactions,
// or variables that were not as tracked. No value is in it.
type Incident struct {
	Time        time.Time `json:"time"`
	Kind        string    `json:"kind"`
	Session     string    `json:"session"`
	Transaction string    `json:"transaction"` // the id
	Client      string    `json:"client"`
	User        string    `json:"user"`
	Database    string    `json:"database"`
	Backend     uint32    `json:"backend"` // the process id
	Reason      string    `json:"reason"`
	Variables   []string  `json:"variables,omitempty"` // their names
}

// maxIncidents is how many a shard remembers.
const maxIncidents = 200

// incidents are the last ones, in a ring.
type incidents struct {
	ring []Incident
	next int
}

func (r *incidents) add(i Incident) {
	if len(r.ring) < maxIncidents {
		r.ring = append(r.ring, i)
		return
	}
	r.ring[r.next] = i
	r.next = (r.next + 1) % maxIncidents
}

// Incidents returns the last ones, oldest first.
func (h *Hub) Incidents() []Incident {
	all := []Incident{}
	for _, sh := range h.shards {
		sh.loop.Call(func() { all = append(all, sh.incidents.ring...) })
	}
	slices.SortStableFunc(all, func(a, b Incident) int { return a.Time.Compare(b.Time) })
	return all
}

// tell remembers and logs what happened in the transaction at hand.
func (s *Session) tell(level slog.Level, message string, i Incident) {
	i.Time, i.Session, i.Transaction, i.Client = time.Now().UTC(), s.name(), s.transaction().String(), s.addr.String()
	i.User, i.Database, i.Backend = s.user, s.database, s.srv.PID
	s.shard.incidents.add(i)
	attrs := []any{"backend", i.Backend, "reason", i.Reason}
	if i.Variables != nil {
		attrs = append(attrs, "variables", i.Variables)
	}
	s.log(level, message, attrs...)
}

// notePins notes the reasons for which the session keeps its backend behind a transaction, once each until it has given
// it back.
func (s *Session) notePins() {
	now := s.machine.Pins() &^ txn.PinSession
	fresh := now &^ s.pins
	s.pins = now
	if fresh == 0 {
		return
	}
	for i := range s.lender.totals.Pins {
		if fresh&(1<<i) != 0 {
			s.lender.totals.Pins[i]++
		}
	}
	if s.drawnOnly() { // the pool has told that its sessions do that now
		return
	}
	s.tell(slog.LevelInfo, "the session keeps its backend between transactions", Incident{Kind: KindPin, Reason: fresh.String()})
}

func (s *Session) drifted(names []string) {
	s.lender.totals.Drifts++
	s.tell(slog.LevelWarn, "tracked variables were not those of the backend; the server is right",
		Incident{Kind: KindDrift, Reason: "tracked otherwise: " + strings.Join(names, ", "), Variables: names})
}

func (s *Session) conflicted(c txn.Conflict) {
	how := "set in " + c.Frame
	if c.Local {
		how += " by SET LOCAL"
	}
	s.tell(slog.LevelWarn, "a variable was changed behind the tracker; the server is right, and is asked for others",
		Incident{Kind: KindConflict, Reason: "tracked as " + how, Variables: []string{c.Name}})
}

func (s *Session) disagreed() {
	s.lender.totals.Disagreements++
	s.tell(slog.LevelWarn, "tracker and server disagree; the server is right",
		Incident{Kind: KindDisagreement, Reason: s.machine.Disagreement()})
}

// PinReasons are the reasons of all pins, in the order in which they are counted.
func PinReasons() []string {
	return slices.Collect(txn.Pins(1<<txn.NumPins - 1).All())
}
