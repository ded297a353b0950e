package txn

import (
	"iter"
	"strings"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
)

// Pins are the reasons why a session keeps its backend between transactions. A
// pin is made when the statement is sent, before anybody knows whether it will
// succeed: one too many costs a backend, one too few leaks or loses state.
type Pins uint16

// The pins; String gives the reason that an operator reads.
const (
	PinTemp Pins = 1 << iota
	PinListen
	PinAdvisoryLock
	PinHoldCursor
	PinPrepare
	PinLoad
	PinSequence // made by the relay: what was drawn from a sequence may be asked for
	PinSeed
	PinSetConfig
	PinHidden      // DO, CALL, EXECUTE, a function not known to be harmless
	PinUncertain   // the machine disagreed with the server, or lost count
	PinOversized   // made by the relay: a statement too large to be read
	PinReplication // made by the relay: a replication connection; never lifted
	PinSession     // made by the relay: the operator wants it; never lifted

	// NumPins is how many there are.
	NumPins = iota
)

// lasting are the pins that nothing lifts.
const lasting = PinReplication | PinSession

// Inspectable are the reasons that the server can be asked about.
const Inspectable = PinTemp | PinListen | PinAdvisoryLock | PinHoldCursor | PinPrepare | PinSetConfig | PinHidden

// reasons are shown to operators and are labels of metrics: they do not change.
var reasons = [...]string{
	"temporary objects",
	"LISTEN",
	"session advisory lock",
	"cursor WITH HOLD",
	"SQL PREPARE",
	"LOAD",
	"currval or lastval",
	"setseed",
	"set_config",
	"hidden changes",
	"uncertain state",
	"oversized statement",
	"replication",
	"pool_mode session",
}

// All yields the reason of each pin, in a fixed order.
func (p Pins) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i, reason := range reasons {
			if p&(1<<i) != 0 && !yield(reason) {
				return
			}
		}
	}
}

// String is the reasons in a fixed order, separated by commas.
func (p Pins) String() string {
	var b strings.Builder
	for reason := range p.All() {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(reason)
	}
	return b.String()
}

// PinFor is the pin with this reason, or 0.
func PinFor(reason string) Pins {
	for i, r := range reasons {
		if r == reason {
			return 1 << i
		}
	}
	return 0
}

// Pins are the reasons that hold now. DISCARD ALL lifts them, and Inspected
// those that the server knows nothing of.
func (m *Machine) Pins() Pins { return m.pins }

// Unpin lifts all, for a session whose backend is gone.
func (m *Machine) Unpin() { m.pins &= lasting }

// Lift takes reasons back whose cause the relay has moved off the backend, between
// transactions.
func (m *Machine) Lift(p Pins) {
	m.pins &^= p
	m.kept &^= p
}

// Regain adds those whose cause it has moved back, from before the transaction to come.
func (m *Machine) Regain(p Pins) {
	m.pins |= p
	m.kept |= p
}

// Pin adds reasons that the machine can't see, for what has just been sent or
// is about to be.
func (m *Machine) Pin(p Pins) {
	m.pins |= p
	if !m.queue.empty() {
		m.queue.items[len(m.queue.items)-1].pins |= p
	}
}

// PinsOf are the reasons that a statement gives, but those of which the server has
// to say whether there are any.
func PinsOf(st *sqlscan.Statement) Pins { return pinsOf(st) &^ (PinHidden | PinSetConfig) }

var traitPins = [...]struct {
	trait sqlscan.Traits
	pin   Pins
}{
	{sqlscan.Temp, PinTemp},
	{sqlscan.HoldCursor, PinHoldCursor},
	{sqlscan.AdvisoryLock, PinAdvisoryLock},
	{sqlscan.SetConfig, PinSetConfig},
	{sqlscan.Seed, PinSeed},
	{sqlscan.Calls, PinHidden},
}

func pinsOf(st *sqlscan.Statement) Pins {
	var p Pins
	switch st.Kind {
	case sqlscan.Listen:
		p = PinListen
	case sqlscan.Prepare:
		p = PinPrepare
	case sqlscan.Load:
		p = PinLoad
	case sqlscan.Call, sqlscan.Do, sqlscan.Execute:
		p = PinHidden
	}
	if st.Traits&^sqlscan.Writes == 0 {
		return p
	}
	for _, t := range traitPins {
		if st.Traits&t.trait != 0 {
			p |= t.pin
		}
	}
	return p
}
