package relay

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// cancelKey is what a client was told to cancel with: 64 bits at random, of
// which 32 also name the session.
type cancelKey struct {
	pid    uint32
	secret [4]byte
}

// append appends the BackendKeyData.
func (k cancelKey) append(dst []byte) []byte {
	dst, at := wire.Begin(dst, 'K')
	dst = binary.BigEndian.AppendUint32(dst, k.pid)
	return wire.End(append(dst, k.secret[:]...), at)
}

func cancelKeyOf(p *wire.CancelRequest) (k cancelKey) {
	if len(p.Secret) == len(k.secret) {
		k = cancelKey{p.PID, [4]byte(p.Secret)}
	}
	return k
}

// register gives s a key that no other session has.
func (h *Hub) register(s *Session) {
	for taken := true; taken; {
		var random [8]byte
		_, _ = rand.Read(random[:]) // never fails
		s.key = cancelKey{binary.BigEndian.Uint32(random[:]) &^ (1 << 31), [4]byte(random[4:])}
		if s.key.pid != 0 {
			_, taken = h.keys.LoadOrStore(s.key.pid, s)
		}
	}
}

// cancel sends the request on to the backend that works for the session at this
// moment, and keeps that backend from changing hands until the server has sent
// its signal: the one after would be hit instead. Who is wrong or late gets
// nothing, as from PostgreSQL.
func (h *Hub) cancel(ctx context.Context, key cancelKey) error {
	found, ok := h.keys.Load(key.pid)
	if !ok {
		h.entries.cancels[CancelUnknown].Add(1)
		return nil
	}
	s := found.(*Session)
	if subtle.ConstantTimeCompare(s.key.secret[:], key.secret[:]) != 1 {
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
	ctx, stop := context.WithTimeout(ctx, s.cfg.ConnectTimeout)
	defer stop()
	err := v.requestCancel(ctx, s.cfg)
	if result = CancelSent; err != nil {
		result = CancelFailed
	}
	h.entries.cancels[result].Add(1)
	return err
}

// requestCancel runs on a goroutine of its own, cancels having been counted up.
func (v *server) requestCancel(ctx context.Context, cfg *Config) error {
	err := v.Cancel(ctx, cfg.Upstream)
	v.shard.loop.Call(func() {
		v.cancels--
		if v.session != nil {
			v.session.settle()
		}
	})
	return err
}
