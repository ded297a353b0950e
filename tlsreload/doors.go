package tlsreload

import (
	"context"
	"maps"
	"net"
	"sync"
	"time"
)

// Doors are where clients have come in under this configuration: after a reload
// the prober goes there, too. A listener can't say where it listens before.

// doorTime is how long a handshake at a door may take, and maxDoors how many are
// remembered: the same listener has one for each address of the machine.
const (
	doorTime = time.Second
	maxDoors = 8
)

// door is how to come in at an address.
type door struct {
	open      func(context.Context) (net.Conn, error) // up to where TLS begins
	protocols []string
}

type doors struct {
	mu sync.RWMutex
	at map[string]door
}

func (d *doors) note(address string, way door) {
	d.mu.RLock()
	_, known := d.at[address]
	full := len(d.at) >= maxDoors
	d.mu.RUnlock()
	if known || full {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at == nil {
		d.at = map[string]door{}
	}
	d.at[address] = way
}

// all returns a copy.
func (d *doors) all() map[string]door {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return maps.Clone(d.at)
}

// handshake returns the fingerprint of what is shown there.
func (d door) handshake(ctx context.Context, name, keyType string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, doorTime)
	defer cancel()
	conn, err := d.open(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return shownTo(ctx, conn, name, keyType, d.protocols)
}
