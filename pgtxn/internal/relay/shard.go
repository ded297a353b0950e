package relay

import (
	"sync/atomic"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/netloop"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
)

const (
	readSize  = 64 << 10 // one read, from either side
	keptSize  = 4 << 10  // what a buffer for an incomplete message begins with
	maxSpares = 64       // such buffers kept for the next who need one

	keptStatements = 1000 // of one text, for which there is room without asking for memory
)

// shard is one loop with what its sessions share: buffers for the turn at hand,
// of which nothing outlives the turn, and the lenders that live here.
type shard struct {
	loop    *netloop.Loop
	lenders map[lenderKey]*lender

	manyLenders int // see forgetUnused

	ddl       *atomic.Uint64 // the hub's
	totals    map[PoolLabels]*Totals
	incidents incidents
	pauses    []Selection
	stopping  bool

	fromClient, fromServer []byte
	toClient, toServer     gather
	exchange               backend.Exchange
	statements             []sqlscan.Statement // of the text at hand
	spares                 [][]byte
}

func newShard(ddl *atomic.Uint64) (*shard, error) {
	loop, err := netloop.New()
	if err != nil {
		return nil, err
	}
	return &shard{
		loop:       loop,
		ddl:        ddl,
		lenders:    make(map[lenderKey]*lender),
		totals:     make(map[PoolLabels]*Totals),
		fromClient: make([]byte, readSize),
		fromServer: make([]byte, readSize),
	}, nil
}

// buffer returns an empty buffer for the beginning of a message. A session has
// one only while a message of its client's is incomplete or waits.
func (sh *shard) buffer() []byte {
	if n := len(sh.spares); n > 0 {
		b := sh.spares[n-1]
		sh.spares = sh.spares[:n-1]
		return b
	}
	return make([]byte, 0, keptSize)
}

// recycle takes a buffer back, unless a long message made it large.
func (sh *shard) recycle(b []byte) {
	if cap(b) <= readSize && len(sh.spares) < maxSpares {
		sh.spares = append(sh.spares, b[:0])
	}
}
