package guc

import "strings"

// Value is what one layer of a variable holds. It is immutable: layers, frames
// and sessions share it.
type Value struct {
	Text    string // what it is set to; empty when Default
	Known   bool   // Text is the server's own word; false: as the client asked for it
	Default bool   // the start-up value, whatever that is
}

var atDefault = &Value{Known: true, Default: true}

// AtDefault is the value of TO DEFAULT. It is Known without a text, since
// set_config(name, NULL, …) reproduces it.
func AtDefault() *Value { return atDefault }

// Var is one variable in PostgreSQL's two layers.
//
// Default means different things in the two. In Local it masks: SET LOCAL v TO
// DEFAULT hides the session's value until the transaction ends. In Session it
// is the same as nil, except for a custom variable, where it says that the name
// is defined.
type Var struct {
	Name    string // folded to lower case, as PostgreSQL compares it
	Session *Value // nil: at its start-up value
	Local   *Value // nil: no SET LOCAL in force
}

// InForce is the value that SHOW answers now; nil is the start-up value.
func (v Var) InForce() *Value {
	in := v.Session
	if v.Local != nil {
		in = v.Local
	}
	if in != nil && in.Default {
		return nil
	}
	return in
}

// Custom reports whether name is one of a "customized option" (my.x). Such a
// name needs no declaration, and a backend never forgets one: after its RESET
// or the rollback of its first SET it answers an empty string, where a backend
// that never saw it answers NULL or an error. So once in a Set it stays, with
// Session at Default when it has no other value.
func Custom(name string) bool { return strings.IndexByte(name, '.') >= 0 }

// canonical makes variables that behave alike look alike.
func (v Var) canonical() Var {
	if Custom(v.Name) {
		if v.Session == nil {
			v.Session = atDefault
		}
	} else if v.Session != nil && v.Session.Default {
		v.Session = nil
	}
	return v
}

func (v Var) empty() bool { return v.Session == nil && v.Local == nil }

func (v Var) equal(w Var) bool {
	return v.Name == w.Name && equalValue(v.Session, w.Session) && equalValue(v.Local, w.Local)
}

func equalValue(a, b *Value) bool {
	return a == b || a != nil && b != nil && *a == *b
}
