package backend

import (
	"container/list"
	"hash/fnv"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// Prepared is the set of prepared statements that a server has for clients, by
// the names that the proxy gave them, the least recently used first out.
type Prepared struct {
	byName map[string]*list.Element
	order  list.List // of *onServer, most recently used in front
}

type onServer struct {
	name   string
	result Result
}

// Result stands for the columns that a statement returns, as it was prepared. 0
// is not known.
type Result uint64

// NoRows is the Result of a statement that returns none.
const NoRows Result = 1

// ResultOf is the Result that a RowDescription tells: of each column the name, the
// type and its modifier, in which the server sees that a cached plan would change
// its result type (equalTupleDescs).
func ResultOf(rowDescription []byte) Result {
	h := fnv.New64a()
	for rest := rowDescription[min(2, len(rowDescription)):]; ; {
		name, column, ok := wire.CString(rest)
		if !ok || len(column) < 18 {
			return Result(h.Sum64() | 2)
		}
		h.Write(rest[:len(name)+1])
		h.Write(column[6:10])  // the type
		h.Write(column[12:16]) // its modifier
		rest = column[18:]
	}
}

// Touch reports whether the server has name, and makes it the last to go.
func (p *Prepared) Touch(name string) bool {
	e, ok := p.byName[name]
	if ok {
		p.order.MoveToFront(e)
	}
	return ok
}

// Add says that the server is being given name. If there are more than limit
// now, the name to be closed is returned.
func (p *Prepared) Add(name string, limit int) (victim string, full bool) {
	if p.Touch(name) {
		return "", false
	}
	if p.byName == nil {
		p.byName = make(map[string]*list.Element)
	}
	p.byName[name] = p.order.PushFront(&onServer{name: name})
	if p.order.Len() <= limit {
		return "", false
	}
	victim = p.order.Back().Value.(*onServer).name
	p.Remove(victim)
	return victim, true
}

// Described says what the statement returns.
func (p *Prepared) Described(name string, r Result) {
	if e, ok := p.byName[name]; ok {
		e.Value.(*onServer).result = r
	}
}

// Result is what it was said to return.
func (p *Prepared) Result(name string) Result {
	if e, ok := p.byName[name]; ok {
		return e.Value.(*onServer).result
	}
	return 0
}

// Remove says that the server does not have name any more.
func (p *Prepared) Remove(name string) {
	if e, ok := p.byName[name]; ok {
		p.order.Remove(e)
		delete(p.byName, name)
	}
}

// Len is the number of statements.
func (p *Prepared) Len() int { return p.order.Len() }

// Clear forgets all.
func (p *Prepared) Clear() {
	p.byName = nil
	p.order.Init()
}

// Forgot says that the server dropped all its prepared statements.
func (c *Conn) Forgot() {
	c.own = [numOwn]bool{}
	c.bare = false
	c.Prepared.Clear()
}

// Bare says whether the server has no prepared statements but those of the client
// that uses the connection, under the client's own names: no other client's, and
// of the proxy's own none for longer than an exchange takes.
func (c *Conn) Bare() bool { return c.bare }

// SetBare makes e what makes the connection bare, or ends that and closes what the
// client has left. A Close can't fail.
func (c *Conn) SetBare(e *Exchange, bare bool) {
	e.reset()
	if bare {
		for _, o := range own {
			e.close(o.name)
		}
	}
	for name := range c.Prepared.byName {
		e.close(name)
	}
	c.Forgot()
	c.bare = bare
}

func (e *Exchange) close(name string) {
	e.Bytes = wire.AppendClose(e.Bytes, name)
	e.Replies = append(e.Replies, 'C')
}
