package relay

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// cancelKey is what a client was told to cancel with. The pid names the session;
// with peers its upper bits are those of the instance that has it.
type cancelKey struct {
	pid    uint32
	secret []byte // at random: as many bytes as the client's version of the protocol allows
}

const (
	forwarded = 1 << 31 // in the pid of a request that another instance has sent on; never in a key
	peerShift = 24      // where the number of the instance begins
	// MaxPeerID is the highest number of an instance.
	MaxPeerID = 1<<(31-peerShift) - 1
)

// peerOf is the number of the instance in a key.
func peerOf(pid uint32) int { return int(pid &^ forwarded >> peerShift) }

// append appends the BackendKeyData.
func (k cancelKey) append(dst []byte) []byte {
	dst, at := wire.Begin(dst, 'K')
	dst = binary.BigEndian.AppendUint32(dst, k.pid)
	return wire.End(append(dst, k.secret...), at)
}

// knowItself puts the process id that the client was told into a notification that
// it sent itself: programs compare the two to pass over those.
func (s *Session) knowItself(notification []byte) {
	if len(notification) >= 4 && binary.BigEndian.Uint32(notification) == s.srv.PID {
		binary.BigEndian.PutUint32(notification, s.key.pid)
	}
}

// register gives owner, a *Session or *Visitor whose key is key, one that nobody else has.
// Minor is the version of the protocol that its client speaks.
func (h *Hub) register(key *cancelKey, owner any, minor uint16, peerID int) {
	key.secret = make([]byte, wire.CancelSecretLen(minor))
	_, _ = rand.Read(key.secret) // never fails
	for taken := true; taken; {
		var random [4]byte
		_, _ = rand.Read(random[:])
		key.pid = binary.BigEndian.Uint32(random[:]) &^ forwarded
		if peerID != 0 {
			key.pid = key.pid&(1<<peerShift-1) | uint32(peerID)<<peerShift
		}
		if key.pid != 0 {
			_, taken = h.keys.LoadOrStore(key.pid, owner)
		}
	}
}

// cancel sends the request on to the backend that works for the session at this
// moment, and keeps that backend from changing hands until the server has sent
// its signal: the one after would be hit instead. A session of another instance
// is that one's to find. Who is wrong or late gets nothing, as from PostgreSQL.
func (h *Hub) cancel(ctx context.Context, cfg *Config, p *wire.CancelRequest) error {
	ctx, stop := context.WithTimeout(ctx, cfg.ConnectTimeout)
	defer stop()
	found, ok := h.keys.Load(p.PID &^ forwarded)
	if !ok {
		h.entries.cancels[forward(ctx, cfg, p)].Add(1)
		return nil
	}
	if v, visits := found.(*Visitor); visits {
		h.entries.cancels[v.interrupt(p.Secret)].Add(1)
		return nil
	}
	s := found.(*Session)
	if subtle.ConstantTimeCompare(s.key.secret, p.Secret) != 1 {
		h.entries.cancels[CancelUnknown].Add(1)
		return nil
	}
	var v *server
	result := CancelIdle
	s.shard.loop.Call(func() {
		switch {
		case s.waiting && !s.starting:
			s.stopWaiting(wire.QueryCanceled())
			result = CancelWaiting
		case s.srv != nil && s.srv.owesClient():
			v = s.srv
			v.cancels++
		}
	})
	if v == nil {
		h.entries.cancels[result].Add(1)
		return nil
	}
	err := v.requestCancel(ctx, s.cfg)
	if result = CancelSent; err != nil {
		result = CancelFailed
	}
	h.entries.cancels[result].Add(1)
	return err
}

// forward sends a request to the instance that its key names, once: what comes
// from another instance goes nowhere else.
func forward(ctx context.Context, cfg *Config, p *wire.CancelRequest) Cancel {
	address, known := cfg.Peers[peerOf(p.PID)]
	if !known || p.PID&forwarded != 0 {
		return CancelUnknown
	}
	err := backend.Cancel(ctx, &backend.Config{SSLMode: backend.Prefer}, address, p.PID|forwarded, p.Secret)
	if err != nil {
		cfg.Log.Warn("a cancel request could not be sent on", "peer", peerOf(p.PID), "address", address, "error", err)
		return CancelFailed
	}
	return CancelForwarded
}

// requestCancel runs on a goroutine of its own, cancels having been counted up.
func (v *server) requestCancel(ctx context.Context, cfg *Config) error {
	err := v.Cancel(ctx, cfg.Upstream)
	v.shard.loop.Call(func() {
		v.cancels--
		if v.session != nil {
			v.goOn()
		}
	})
	return err
}
