package backend

import "container/list"

// Prepared is the set of prepared statements that a server has for clients, by
// the names that the proxy gave them, the least recently used first out.
type Prepared struct {
	byName map[string]*list.Element
	order  list.List // of string, most recently used in front
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
	p.byName[name] = p.order.PushFront(name)
	if p.order.Len() <= limit {
		return "", false
	}
	victim = p.order.Back().Value.(string)
	p.Remove(victim)
	return victim, true
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
