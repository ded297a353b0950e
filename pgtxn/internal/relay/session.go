package relay

import (
	"net"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// Session is one client connection, from the end of authentication on. It
// belongs to the loop of its lender, and outlives its client only to clean the
// backend it leaves.
type Session struct {
	id       uint64
	key      cancelKey
	addr     net.Addr
	user     string
	database string
	appName  string // as the client gave it at start-up
	since    time.Time
	cfg      *Config
	lender   *lender
	shard    *shard

	unwelcome func() bool // see [Hub.Serve]; or nil

	client  stream
	machine txn.Machine
	told    *guc.Set // the reported variables as the client knows them

	// Each has its own file, which says what it is.
	startValues
	loan
	inflow
	clientStatements
	inspection
	unfitness
	customNames
	listens listens
	drawnValues
	pinning
	ending
	tally

	temp     bool // it has made a schema pg_temp, see temp.go
	rereads  bool // how a text is read may have changed, and may change again
	starting bool // no greeting yet
	done     chan struct{}
}

// greet sends what follows authentication up to the first ReadyForQuery.
func (s *Session) greet(welcome []wire.Param) {
	var buf []byte
	for _, p := range welcome {
		buf = wire.AppendStatus(buf, p.Name, p.Value)
		s.told = s.told.With(guc.Var{Name: p.Name, Session: &guc.Value{Text: p.Value, Known: true}})
	}
	buf = s.key.append(buf)
	buf = wire.AppendReady(buf, 'I')
	s.client.send(buf)
	s.starting = false
	s.lender.totals.Clients++
	s.waiter.Patient = true
	s.settle()
	s.resume()
}

// Readable reads from the client and hands on, as long as the server takes it.
func (s *Session) Readable() {
	for turn := 0; s.mayRead() && s.client.conn.CanRead(); turn++ {
		if turn == maxTurns {
			s.client.conn.Yield()
			return
		}
		n, err := s.client.conn.Read(s.shard.fromClient)
		if n > 0 {
			s.received += uint64(n)
			s.take(s.shard.fromClient[:n])
		} else if err != nil {
			if !isWouldBlock(err) {
				s.depart("client closed the connection", nil)
			}
			return
		}
	}
}

// Writable goes on with what waited for room in the client's socket.
func (s *Session) Writable() {
	switch {
	case !s.client.flush():
	case s.lingering:
		s.parting()
	case s.srv != nil:
		s.srv.Readable()
	}
}

func (s *Session) mayRead() bool {
	return !s.waiting && !s.held && !s.starting && !s.leaving && !s.ended && (s.srv == nil || !s.srv.full())
}

// take handles bytes just read; what can't be handled yet is kept.
func (s *Session) take(data []byte) {
	if len(s.in) > 0 {
		s.in = append(s.in, data...)
		s.takeKept()
		return
	}
	if used := s.step(data); used < len(data) && !s.ended {
		s.in = append(s.shard.buffer(), data[used:]...)
	}
	s.settle()
}

func (s *Session) takeKept() {
	used := s.step(s.in)
	if s.ended {
		return
	}
	if used > 0 {
		s.in = s.in[:copy(s.in, s.in[used:])]
	}
	if len(s.in) == 0 {
		s.shard.recycle(s.in)
		s.in = nil
	}
	s.settle()
}

// resume goes on reading after a wait.
func (s *Session) resume() {
	if len(s.in) > 0 && s.mayRead() {
		s.takeKept()
	}
	s.Readable()
}

// leave ends the session as far as the client is concerned.
func (s *Session) leave(why string) {
	if s.ended {
		return
	}
	s.ended = true
	s.client.conn.Close()
	s.client.dead = true
	s.client.out = nil
	s.in = nil
	if s.waiting {
		s.endWait()
		s.lender.pool.Cancel(&s.waiter)
	}
	s.lender.left(s)
	s.why, s.last = why, s.tally
	if !s.machine.Idle() {
		s.leftIn = s.transaction().String()
	}
	close(s.done)
	s.settle()
	if s.srv != nil { // it was not read from while the client took nothing
		s.srv.conn.Yield()
	}
}

// fail tells the client an error that ends its connection.
func (s *Session) fail(e *wire.Error) { s.part(e.Message, e) }
