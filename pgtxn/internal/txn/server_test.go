package txn

import "slices"

// server is an independent reference: PostgreSQL's transactions and variables
// the way xact.c and guc.c do them, with a stack of old values in each variable
// (GucStack) where Machine has one stack of whole sets.
type server struct {
	block      block
	ran        bool     // a statement ran in this implicit transaction
	level      int      // GUCNestLevel: 0 idle, 1 a transaction, +1 for each savepoint
	savepoints []string // the one at index i has level i+2
	vars       map[string]*variable
	doomed     []int // levels that did what will make COMMIT fail
}

type block string

const (
	idle     block = "idle"
	implicit block = "implicit"
	begun    block = "begun"
	aborted  block = "aborted"
)

// setting is a value and whether its source is the session (else the default).
type setting struct {
	text string
	set  bool
}

type variable struct {
	now     setting
	stack   []gucStack
	defined bool // a SET of it was answered with CommandComplete
}

// gucStack is a GucStack entry, with its states' names.
type gucStack struct {
	state         string
	level         int
	prior, masked setting
}

const (
	gucSet      = "SET"
	gucLocal    = "LOCAL"
	gucSetLocal = "SET then LOCAL"
)

func newServer() *server {
	return &server{block: idle, vars: map[string]*variable{}}
}

func (s *server) status() byte {
	switch s.block {
	case begun:
		return 'T'
	case aborted:
		return 'E'
	default:
		return 'I'
	}
}

func (s *server) variable(name string) *variable {
	if s.vars[name] == nil {
		s.vars[name] = &variable{}
	}
	return s.vars[name]
}

// assign is set_config_option with its push_old_value.
func (s *server) assign(name string, to setting, local bool) {
	v := s.variable(name)
	s.pushOld(v, local)
	v.now = to
}

func (s *server) pushOld(v *variable, local bool) {
	if n := len(v.stack); n > 0 && v.stack[n-1].level >= s.level {
		top := &v.stack[n-1]
		if !local {
			top.state, top.masked = gucSet, setting{}
		} else if top.state == gucSet {
			top.state, top.masked = gucSetLocal, v.now
		}
		return
	}
	entry := gucStack{state: gucSet, level: s.level, prior: v.now}
	if local {
		entry.state = gucLocal
	}
	v.stack = append(v.stack, entry)
}

// atEnd is AtEOXact_GUC: the transaction or subtransaction at level ends.
func (s *server) atEnd(commit bool, level int) {
	for _, v := range s.vars {
		for len(v.stack) > 0 && v.stack[len(v.stack)-1].level >= level {
			n := len(v.stack) - 1
			top := v.stack[n]
			switch {
			case !commit:
				v.now = top.prior
			case level == 1:
				switch top.state {
				case gucLocal:
					v.now = top.prior
				case gucSetLocal:
					v.now = top.masked
				}
			case n == 0 || v.stack[n-1].level < top.level-1:
				v.stack[n].level-- // and do not pop it
				continue
			default:
				mergeInto(&v.stack[n-1], top)
			}
			v.stack = v.stack[:n]
		}
	}
}

func mergeInto(below *gucStack, top gucStack) {
	switch top.state {
	case gucSet:
		below.state, below.masked = gucSet, setting{}
	case gucLocal:
		if below.state == gucSet {
			below.state, below.masked = gucSetLocal, top.prior
		}
	case gucSetLocal:
		below.state, below.masked = gucSetLocal, top.masked
	}
}

// accepts reports whether a statement is likely to complete.
func (s *server) accepts(o op) bool {
	switch o.kind {
	case "fail":
		return false
	case "savepoint":
		return s.block == begun
	case "release":
		return s.block == begun && slices.Contains(s.savepoints, o.name)
	case "rollback to":
		return slices.Contains(s.savepoints, o.name)
	case "commit", "rollback", "prepare":
		return s.block != idle && (s.block != implicit || !o.chain)
	}
	return s.block != aborted
}

// exec runs one statement; false is an error.
func (s *server) exec(o op, alone bool) bool {
	if s.block == idle {
		s.block, s.level, s.ran = implicit, 1, false
	}
	if !s.run(o, alone) {
		s.abort()
		return false
	}
	s.ran = true
	return true
}

func (s *server) run(o op, alone bool) bool {
	if s.block == aborted && !slices.Contains([]string{"commit", "rollback", "rollback to", "prepare"}, o.kind) {
		return false
	}
	switch o.kind {
	case "nothing":
		return true
	case "fail":
		return false
	case "doom":
		s.doomed = append(s.doomed, s.level)
	case "begin":
		s.block = begun
	case "commit", "prepare", "rollback":
		return s.endBlock(o)
	case "savepoint", "release", "rollback to":
		return s.savepoint(o)
	default:
		return s.change(o, alone)
	}
	return true
}

func (s *server) change(o op, alone bool) bool {
	to := setting{o.value, !o.def}
	switch o.kind {
	case "set":
		s.assign(o.name, to, o.local)
		if o.name == "session_authorization" {
			if !o.def {
				to = setting{"none", true}
			}
			s.assign("role", to, o.local)
		}
	case "reset all":
		s.resetAll()
	case "discard all":
		if s.block != implicit || s.ran || !alone {
			return false
		}
		s.assign("session_authorization", setting{}, false)
		s.assign("role", setting{}, false)
		s.resetAll()
		s.leave(true)
	}
	return true
}

func (s *server) resetAll() {
	for name, v := range s.vars {
		if v.now.set && name != "role" && name != "session_authorization" {
			s.pushOld(v, false)
			v.now = setting{}
		}
	}
}

// endBlock is COMMIT, ROLLBACK and PREPARE TRANSACTION.
func (s *server) endBlock(o op) bool {
	if o.chain && s.block == implicit {
		return false
	}
	commit := o.kind != "rollback" && s.block != aborted
	if commit && len(s.doomed) > 0 {
		s.leave(false)
		return false
	}
	s.leave(commit)
	if o.chain {
		s.block, s.level = begun, 1
	}
	return true
}

// leave ends the transaction with all its subtransactions.
func (s *server) leave(commit bool) {
	for ; s.level > 0; s.level-- {
		s.atEnd(commit, s.level)
	}
	s.block, s.savepoints, s.doomed = idle, nil, nil
}

// abort is an error: it undoes the innermost subtransaction, and keeps it.
func (s *server) abort() {
	switch s.block {
	case implicit:
		s.leave(false)
	case begun:
		s.atEnd(false, s.level)
		s.undoom(s.level)
		s.block = aborted
	}
}

func (s *server) savepoint(o op) bool {
	if s.block == implicit {
		return false
	}
	if o.kind == "savepoint" {
		s.savepoints = append(s.savepoints, o.name)
		s.level++
		return true
	}
	i := len(s.savepoints) - 1
	for i >= 0 && s.savepoints[i] != o.name {
		i--
	}
	if i < 0 {
		return false
	}
	level := i + 2
	if o.kind == "release" {
		for ; s.level >= level; s.level-- {
			s.atEnd(true, s.level)
		}
		for d := range s.doomed {
			s.doomed[d] = min(s.doomed[d], s.level)
		}
		s.savepoints = s.savepoints[:i]
		return true
	}
	for l := s.level; l >= level; l-- {
		s.atEnd(false, l)
	}
	s.undoom(level)
	s.level, s.savepoints, s.block = level, s.savepoints[:i+1], begun
	return true
}

func (s *server) undoom(level int) {
	s.doomed = slices.DeleteFunc(s.doomed, func(l int) bool { return l >= level })
}

// endImplicit commits what no COMMIT ended; false is an error.
func (s *server) endImplicit() bool {
	if s.block != implicit {
		return true
	}
	ok := len(s.doomed) == 0
	s.leave(ok)
	return ok
}
