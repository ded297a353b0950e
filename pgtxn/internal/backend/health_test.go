package backend

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// reporting is a connection to a server that reports these values.
func reporting(words ...string) *Conn {
	c := &Conn{}
	for i := 0; i < len(words); i += 2 {
		c.Report(words[i], words[i+1])
	}
	return c
}

// Which servers will do, as libpq's documentation has it.
func TestFit(t *testing.T) {
	primary := reporting(inHotStandby, "off", readOnlyVar, "off")
	readOnly := reporting(inHotStandby, "off", readOnlyVar, "on")
	standby := reporting(inHotStandby, "on", readOnlyVar, "off")
	const isStandby, notStandby = "server is in hot standby mode", "server is not in hot standby mode"
	const isReadOnly, notReadOnly = "session is read-only", "session is not read-only"
	for _, test := range []struct {
		attrs                      SessionAttrs
		primary, readOnly, standby string
	}{
		{"", "", "", ""},
		{Any, "", "", ""},
		{ReadWrite, "", isReadOnly, isReadOnly},
		{ReadOnly, notReadOnly, "", ""},
		{Primary, "", "", isStandby},
		{Standby, notStandby, notStandby, ""},
		{PreferStandby, notStandby, notStandby, ""}, // Dial keeps such a one for want of a better
	} {
		for c, want := range map[*Conn]string{primary: test.primary, readOnly: test.readOnly, standby: test.standby} {
			if got, err := c.misfits(test.attrs); got != want || err != nil {
				t.Errorf("%s of %v: %q, %v, want %q", test.attrs, c.Reported, got, err, want)
			}
		}
	}
}

// What a session has set itself is not held against the server.
func TestFitLater(t *testing.T) {
	c := reporting(inHotStandby, "off", readOnlyVar, "on")
	if got := c.Unfit(ReadWrite); got != "session is read-only" {
		t.Error(got)
	}
	c.Label = c.Label.With(guc.Var{Name: readOnlyVar, Session: &guc.Value{Text: "on", Known: true}})
	if got := c.Unfit(ReadWrite); got != "" {
		t.Error(got)
	}
	c.Report(inHotStandby, "on")
	for attrs, want := range map[SessionAttrs]string{Primary: "server is in hot standby mode", Standby: "", PreferStandby: "", Any: ""} {
		if got := c.Unfit(attrs); got != want {
			t.Errorf("%s: %q, want %q", attrs, got, want)
		}
	}
	if got := reporting().Unfit(Primary); got != "" {
		t.Error("a server that does not report:", got)
	}
}

// In which order servers are tried: those that failed last, the others as configured.
func TestOrder(t *testing.T) {
	var told []string
	cfg := &Config{Addresses: []string{"a", "b", "c"}, OnHealth: func(address string, err error) {
		if err != nil {
			address = "not " + address
		}
		told = append(told, address)
	}}
	bad := errors.New("connection refused")
	for _, step := range []struct {
		address string
		err     error
		order   []string
		good    int
	}{
		{"a", nil, []string{"a", "b", "c"}, 3},
		{"a", bad, []string{"b", "c", "a"}, 2},
		{"b", bad, []string{"c", "a", "b"}, 1},
		{"c", bad, []string{"a", "b", "c"}, 0},
		{"b", bad, []string{"a", "b", "c"}, 0},
		{"b", nil, []string{"b", "a", "c"}, 1},
		{"a", nil, []string{"a", "b", "c"}, 2},
	} {
		cfg.judge(step.address, step.err)
		if order, good := cfg.order(); !slices.Equal(order, step.order) || good != step.good {
			t.Errorf("behind %s, %v: %v, %d good, want %v, %d", step.address, step.err, order, good, step.order, step.good)
		}
	}
	if want := []string{"not a", "not b", "not c", "b", "a"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}

	alone := &Config{Addresses: []string{"a"}}
	alone.judge("a", bad)
	if order, good := alone.order(); len(order) != 1 || good != 1 {
		t.Error("the only server is not tried first:", order, good)
	}

	random := &Config{Addresses: []string{"a", "b", "c"}, LoadBalance: true}
	random.judge("a", bad)
	first := map[string]bool{}
	for range 200 {
		order, good := random.order()
		if first[order[0]] = true; good != 2 || order[2] != "a" {
			t.Fatal(order, good)
		}
	}
	if !first["b"] || !first["c"] || slices.Compare(random.Addresses, []string{"a", "b", "c"}) != 0 {
		t.Error("at random:", first, random.Addresses)
	}
}

// What is known of a server behind each kind of try.
func TestServerStatus(t *testing.T) {
	refusal := func(code string) error {
		return &ServerError{Body: (&wire.Error{Severity: wire.SeverityFatal, Code: code, Message: "no"}).Encode(nil)[5:]}
	}
	misfit := reporting(inHotStandby, "on")
	misfit.misfit = "server is in hot standby mode"
	cfg := &Config{Addresses: []string{"a", "b"}, HealthInterval: time.Hour}
	if s := cfg.Servers()[0]; s.State != Unknown || !s.Checked.IsZero() {
		t.Errorf("%+v", s)
	}
	for _, step := range []struct {
		conn        *Conn
		err         error
		state       ServerState
		role, error string
	}{
		{reporting(inHotStandby, "off"), nil, Up, "primary", ""},
		{nil, errors.New("connection refused"), Down, "primary", "connection refused"},
		{nil, context.Canceled, Down, "primary", "connection refused"},
		{misfit, nil, Unfit, "standby", "server is in hot standby mode"},
		{nil, refusal("28P01"), Up, "standby", "FATAL: no (SQLSTATE 28P01)"},
		{nil, refusal("57P03"), Down, "standby", "FATAL: no (SQLSTATE 57P03)"}, // it starts up
		{reporting(), nil, Up, "standby", "FATAL: no (SQLSTATE 57P03)"},
	} {
		cfg.note("b", step.conn, step.err)
		s := cfg.Servers()[1]
		if s.State != step.state || s.Role != step.role || s.Error != step.error || s.Checked.IsZero() || s.Failed.IsZero() != (step.error == "") {
			t.Errorf("behind %v, %v: %+v", step.conn, step.err, s)
		}
	}
	cfg.judge("b", errors.New("down"))
	if s := cfg.Servers()[1]; time.Until(s.Next) < 59*time.Minute {
		t.Errorf("next is %v", s.Next)
	}
	if s := cfg.Servers()[0]; s.State != Unknown || !s.Next.IsZero() {
		t.Errorf("the other one: %+v", s)
	}
}
