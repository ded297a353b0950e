package backend

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// health is which servers failed when they were dialled last, or did not fit. The
// others are tried first, so that one that is down does not cost each dial its
// timeout. While connections are made, such a server is tried again in the
// background, by a login like any other, every HealthInterval.
type health struct {
	sync.Mutex
	bad   map[string]*ailing
	known map[string]*ServerStatus
}

type ailing struct {
	since   time.Time // of the last try
	probing bool
}

// order returns the servers in the order in which to try them, and how many of
// them are good as far as is known.
func (c *Config) order() (addresses []string, good int) {
	all := c.Addresses
	if c.LoadBalance {
		all = append([]string(nil), all...)
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	c.health.Lock()
	defer c.health.Unlock()
	if len(c.health.bad) == 0 {
		return all, len(all)
	}
	var worse []string
	for _, address := range all {
		if c.health.bad[address] == nil {
			addresses = append(addresses, address)
		} else {
			worse = append(worse, address)
		}
	}
	return append(addresses, worse...), len(addresses)
}

// judge notes what came of a try.
func (c *Config) judge(address string, err error) {
	if len(c.Addresses) == 1 {
		return // which is tried, good or bad
	}
	c.health.Lock()
	was := c.health.bad[address] != nil
	delete(c.health.bad, address)
	if err != nil {
		if c.health.bad == nil {
			c.health.bad = make(map[string]*ailing)
		}
		c.health.bad[address] = &ailing{since: time.Now()}
	}
	c.health.Unlock()
	if was != (err != nil) && c.OnHealth != nil {
		c.OnHealth(address, err)
	}
}

// Distrust says that the server at address is not what it was: others are tried
// first from now on.
func (c *Config) Distrust(address, why string) {
	c.note(address, &Conn{misfit: why}, nil)
	c.judge(address, errors.New(why))
}

// probe tries the servers again whose time has come. Nobody waits for it.
func (c *Config) probe(timeout time.Duration, params []wire.Param) {
	c.health.Lock()
	defer c.health.Unlock()
	for address, a := range c.health.bad {
		if a.probing || time.Since(a.since) < c.HealthInterval {
			continue
		}
		a.probing = true
		go func() {
			conn, err := dialOne(context.Background(), c, address, timeout, params)
			conn.discard()
			if err == nil && conn.misfit != "" && c.Attrs != PreferStandby {
				err = errors.New(conn.misfit)
			}
			if isFinal(err) { // a matter of the user's, to whom the server will say it
				err = nil
			}
			c.judge(address, err)
		}()
	}
}
