package relay

import (
	"encoding/binary"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// What the server says of values that a transaction has set: they are its own
// words before another backend is given them.

// learn sees to it that the values of all variables are the server's own words:
// those that are reported are known, the others are asked for, and the backend
// is kept until the answer is there. It reports whether all are known.
func (s *Session) learn() bool {
	if s.machine.Vars().Unknown() == 0 {
		return true
	}
	if s.unlearned {
		return false
	}
	var names []*string
	for name := range s.machine.Unlearned() {
		if v, ok := s.srv.Reported.Get(reportedName(name)); ok {
			s.machine.Learned(name, v.Session.Text)
			continue
		}
		names = append(names, &name)
	}
	if len(names) == 0 {
		return true
	}
	v := s.srv
	v.Learn(&s.shard.exchange, names, s.want())
	v.send(s.shard.exchange.Bytes)
	v.expect(s.shard.exchange.Replies, forLearn)
	return false
}

// learnFailed: the backend stays with the session, and the question is put again
// behind the next transaction.
func (s *Session) learnFailed(body []byte) {
	s.unlearned = true
	s.warn("values that a transaction set could not be read; the session keeps its backend",
		"backend", s.srv.PID, "sqlstate", string(wire.ParseError(body).Code))
}

// learned takes one row of the answer: a name and its value.
func (v *server) learned(row []byte) {
	if len(row) < 2 || binary.BigEndian.Uint16(row) != 2 {
		return // of a function called for its effect
	}
	name, rest, ok := column(row[2:])
	value, _, ok2 := column(rest)
	switch s := v.session; {
	case s.inspecting && ok && len(name) > 0:
		s.answer(string(name), string(value), ok2)
	case ok && ok2 && len(name) == 0:
		v.lender.defaultsAre(value)
	case ok && ok2:
		v.session.learned(string(name), string(value))
	case ok && !v.session.starting:
		v.session.machine.Undefined(string(name))
	}
}

func (s *Session) learned(name, value string) {
	if s.starting {
		s.base = s.base.With(guc.Var{Name: name, Session: &guc.Value{Text: value, Known: true}})
		return
	}
	s.machine.Learned(name, value)
}

func column(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := int(int32(binary.BigEndian.Uint32(b)))
	if n < 0 || n > len(b)-4 {
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}

// reportedName is the name under which the server reports a variable.
func reportedName(folded string) string {
	switch folded {
	case "datestyle":
		return "DateStyle"
	case "intervalstyle":
		return "IntervalStyle"
	case "timezone":
		return "TimeZone"
	}
	return folded
}
