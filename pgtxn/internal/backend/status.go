package backend

import (
	"context"
	"errors"
	"time"
)

// ServerState says what is known of a server.
type ServerState string

// The states.
const (
	Unknown ServerState = "unknown" // nobody has connected yet
	Up      ServerState = "up"
	Down    ServerState = "down"  // the last attempt failed
	Unfit   ServerState = "unfit" // it is there, but not what target_session_attrs wants
)

// ServerStatus is what the last connection to a server found. There are no checks for
// their own sake: connections of pools are the checks, and those in the background
// that health has made.
type ServerStatus struct {
	Address string
	State   ServerState
	Role    string    // primary or standby; "" if it was never seen, or does not say
	Checked time.Time // zero: never
	Error   string    // of the last failure, also if it is up again
	Failed  time.Time // when that was; zero: never
	Next    time.Time // from when on it is tried again in the background; zero: with the next connection that is needed
}

// Servers returns the status of each address, in their order.
func (c *Config) Servers() []ServerStatus {
	c.health.Lock()
	defer c.health.Unlock()
	all := make([]ServerStatus, 0, len(c.Addresses))
	for _, address := range c.Addresses {
		s := c.health.known[address]
		if s == nil {
			s = &ServerStatus{State: Unknown}
		}
		status := *s
		status.Address = address
		if a := c.health.bad[address]; a != nil {
			status.Next = a.since.Add(c.HealthInterval)
		}
		all = append(all, status)
	}
	return all
}

// note keeps what a try found: conn is the connection, or err why there is none.
func (c *Config) note(address string, conn *Conn, err error) {
	if errors.Is(err, context.Canceled) { // nobody waits for it any more
		return
	}
	c.health.Lock()
	defer c.health.Unlock()
	if c.health.known == nil {
		c.health.known = make(map[string]*ServerStatus)
	}
	s := c.health.known[address]
	if s == nil {
		s = &ServerStatus{}
		c.health.known[address] = s
	}
	s.Checked, s.State = time.Now(), Up
	switch {
	case err == nil && conn.misfit != "" && c.Attrs != PreferStandby:
		s.State, err = Unfit, errors.New(conn.misfit)
	case err != nil && !isFinal(err): // else it is a matter of the user's
		s.State = Down
	}
	if err != nil {
		s.Error, s.Failed = err.Error(), s.Checked
	}
	if conn == nil {
		return
	}
	if _, ok := conn.Reported.Get(inHotStandby); ok {
		s.Role = "primary"
		if conn.isOn(inHotStandby) {
			s.Role = "standby"
		}
	}
}
