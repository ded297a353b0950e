package relay

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"strings"
	"unique"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// clientStatements are what a client has prepared and bound.
type clientStatements struct {
	stmts      map[string]*prepared
	unnamed    prepared
	hasUnnamed bool
	asked      *prepared                    // what it returns now was asked for the message at hand
	bound      sqlscan.Statement            // what the unnamed portal runs
	portals    map[string]sqlscan.Statement // what the named ones run; gone with the transaction
}

// prepared is a client's protocol-level prepared statement.
//
// On the server a named one has a name made of its content, so that clients
// that prepare the same share it, and names of different clients never meet.
// The client's own Parse is always a real Parse on the server (a Close goes
// before it if the server has the statement already), so that its errors and
// its effects are the server's.
type prepared struct {
	name   string                // on the server; "" for the unnamed statement
	shared unique.Handle[string] // named: the Parse message behind the name, text and parameter types
	body   []byte                // unnamed: the same, in a buffer used again by the next Parse
	scan   sqlscan.Statement     // what the text is; Other if it is empty
	result backend.Result        // what it returned when the client prepared it
	ddl    uint64                // the shard's, when that was looked at last

	special bool    // the text may be read in several ways, see reread.go
	as      reading // how it was, when the client prepared it
}

// ownPrefix begins the names of all prepared statements that a client must not
// know of. Where it names one all the same, notOurs before it makes it a name
// that the server does not know either.
const (
	ownPrefix = "caddy_pgtxn_"
	notOurs   = "?"

	ownBytes  = 16 // of the content's hash, written in hexadecimal digits
	ownLength = len(ownPrefix) + 2*ownBytes
)

// nameOf is the server's name for a statement that the client calls name, with
// this body of a Parse, if it is prepared now. It depends on the session's variables too: by these the server
// finds the tables and reads the constants (search_path, DateStyle, TimeZone …).
// Who can't be sure of its variables shares with nobody.
func (s *Session) nameOf(name string, body []byte, as reading) string {
	if s.srv.Bare() && !strings.HasPrefix(name, ownPrefix) {
		return name
	}
	h := sha256.New()
	h.Write(body)
	for _, word := range s.want().Without("application_name").Hash() {
		_ = binary.Write(h, binary.BigEndian, word)
	}
	_, _ = io.WriteString(h, as.encoding+"\x00"+as.strings)
	if s.machine.Pending() > 0 || s.machine.Pins() != 0 {
		_ = binary.Write(h, binary.BigEndian, s.id)
	}
	return ownPrefix + hex.EncodeToString(h.Sum(nil)[:ownBytes])
}

// nameNow is that for a statement that was prepared before.
func (s *Session) nameNow(name string, p *prepared) string {
	as := reading{}
	if s.readsOtherwise(p) {
		as = p.as
	}
	return s.nameOf(name, []byte(p.shared.Value()), as)
}

// newPrepared makes a named statement of the body of a Parse.
func newPrepared(name string, body []byte, opt sqlscan.Options) *prepared {
	p := &prepared{name: name, shared: unique.Make(string(body))}
	p.read(body, opt)
	return p
}

// setUnnamed makes p the unnamed statement of the body of a Parse.
func (p *prepared) setUnnamed(body []byte, opt sqlscan.Options) {
	p.body = append(p.body[:0], body...)
	p.read(body, opt)
}

func (p *prepared) read(body []byte, opt sqlscan.Options) {
	p.scan, p.special, p.as = sqlscan.Statement{}, isSpecial(body), reading{}
	text, _, _ := wire.CString(body)
	if scan := sqlscan.New(text, opt); scan.Next() {
		p.scan = scan.Statement()
	}
}

// appendParse appends the Parse of p under its name on the server.
func (p *prepared) appendParse(dst []byte) []byte {
	dst, at := wire.Begin(dst, 'P')
	dst = wire.AppendCString(dst, p.name)
	if p.name == "" {
		return wire.End(append(dst, p.body...), at)
	}
	return wire.End(append(dst, p.shared.Value()...), at)
}

// change is what sending a Parse or a Close made of a client's name, noted when
// it was sent so that what follows in the same pipeline finds it, and taken
// back if the server skipped or refused the message.
type change struct {
	name   string // "" for the unnamed statement
	before *prepared
	of     uint64 // whose unnamed statement the server had
	own    string // what the server was told instead of name, if that is not the name of a client's statement
}

// note makes stmt (nil: none) the statement that the client calls name.
func (s *Session) note(name []byte, stmt *prepared) *change {
	c := &change{name: string(name), before: s.stmts[string(name)]}
	s.setStmt(c.name, stmt)
	return c
}

// keepUnnamed notes the unnamed statement, in case that the server skips the
// Parse that replaces it. It can't do that right behind a Sync.
func (s *Session) keepUnnamed() *change {
	switch {
	case !s.unsynced:
		return nil
	case !s.hasUnnamed:
		return &change{of: s.srv.unnamedOf}
	}
	before := s.unnamed
	s.unnamed.body = nil
	return &change{before: &before, of: s.srv.unnamedOf}
}

func (s *Session) undo(c *change) { s.setStmt(c.name, c.before) }

func (s *Session) setStmt(name string, stmt *prepared) {
	if stmt == nil {
		delete(s.stmts, name)
		return
	}
	if s.stmts == nil {
		s.stmts = make(map[string]*prepared)
	}
	s.stmts[name] = stmt
}

// clientNames puts the client's names for prepared statements into the text of
// an error, where the server wrote its own. The name in what was refused is the
// likeliest: several can stand for one of the server's.
func (s *Session) clientNames(body []byte, refused *change) []byte {
	body = bytes.ReplaceAll(body, []byte(notOurs+ownPrefix), []byte(ownPrefix))
	names := make(map[string]string, len(s.stmts)) // by those on the server
	for name, stmt := range s.stmts {
		names[stmt.name] = name
	}
	if refused != nil {
		own := refused.own
		if stmt := s.stmts[refused.name]; stmt != nil && own == "" {
			own = stmt.name
		}
		names[own] = refused.name
	}
	var told []byte
	for {
		i := bytes.Index(body, []byte(ownPrefix))
		if i < 0 {
			return append(told, body...)
		}
		told, body = append(told, body[:i]...), body[i:]
		own := body[:min(ownLength, len(body))]
		name, known := names[string(own)]
		if !known {
			own, name = own[:len(ownPrefix)], ownPrefix
		}
		told, body = append(told, name...), body[len(own):]
	}
}
