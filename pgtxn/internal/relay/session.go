package relay

import (
	"net"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/pool"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
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

	packet         string            // its startup packet, as a class
	base           *guc.Set          // its start-up values, where they are not the backend's own
	based, basedOn *guc.Set          // want, and the variables it was made of
	dirties        bool              // what ran on srv may have changed variables in secret
	unfit          bool              // the last backend could not be given the variables
	exemption      sqlscan.Statement // of an unfit session: the statement at hand, which sets some of them
	lacking        bool              // srv was given the variables without those
	named          int               // how many custom settings names is made of
	names          uint64            // see marks
	backslashes    bool              // what a backslash means may have changed, and may change again

	// What the client has prepared and bound, and whether its unnamed statement exists.
	stmts      map[string]*prepared
	unnamed    prepared
	asked      *prepared // what it returns now was asked for the message at hand
	hasUnnamed bool
	bound      sqlscan.Statement            // what the unnamed portal runs
	portals    map[string]sqlscan.Statement // what the named ones run; gone with the transaction

	// The inspection, see inspect.go.
	uninspected bool // something was sent that may have changed the answer
	inspecting  bool
	withSources bool                // the inspection reads functions' sources too
	hints       map[string]struct{} // names of custom settings in what was sent since the last one
	overflow    bool                // they were too many to be noted
	unverified  bool                // something was sent since the session was verified
	verifying   bool                // the inspection is to verify
	found       *guc.Set
	unbased     *guc.Set // start-up values that were found to be reset
	holds       txn.Pins

	// The backend: asked for, or held.
	waiter    pool.Waiter[*server]
	waiting   bool
	waitSince time.Time
	srv       *server
	fresh     bool // srv was just lent: its variables may have to be applied first

	listens listens // to channels, see listen.go

	temp bool // it has made a schema pg_temp, see temp.go

	// What it may have drawn from sequences, see sequences.go.
	drew      bool // in a transaction that is over, or this one
	drewHere  bool // in this one
	asksDrawn bool // it has asked for what it drew in one that was over

	// The limits for pins, see pinlimits.go.
	pinned       bool      // it keeps srv between transactions, or may
	unused       time.Time // since when it does so without using it
	stopWatching func()    // of the timer that looks after that, or nil

	// Where the client's stream stands.
	in         []byte // read, but not yet handled
	rest       int    // bytes to come of a message whose beginning went out already
	dropping   bool   // those bytes are not for the server
	held       bool   // the next message waits for what was sent before it
	yielding   bool   // and for others
	catchingUp bool   // and for many answers, see ahead.go
	forgetting bool   // what was sent drops all prepared statements
	skipping   bool   // the server skips to the next Sync
	refusing   bool   // we do: an error of our own was the answer to the batch
	refusal    []byte // the error with which the message that is held is to be refused
	loss       []byte // the error that is to tell the client that its transaction is lost
	copyIn     bool   // the server reads CopyData
	swallowed  int    // Syncs that it has taken for part of the COPY, as far as is known
	unsynced   bool   // messages were sent behind which no Sync has been sent yet

	tally
	last     tally  // as it was when the client left
	why      string // it did
	sqlstate string // of the error with which the session ended, or ""
	leftIn   string // the transaction that was open then, or ""

	starting  bool   // no greeting yet
	draining  bool   // it ends as soon as it is idle
	leaving   bool   // nothing more is read from the client; it may still hear answers
	parting   func() // what happens when it has heard all
	lingering bool   // only its socket has no room for the last of it
	ended     bool   // the client has left
	cleaned   bool   // what it left open was told to end
	unlearned bool   // the last question for values failed
	done      chan struct{}
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
}

// fail tells the client an error that ends its connection.
func (s *Session) fail(e *wire.Error) { s.part(e.Message, e) }
