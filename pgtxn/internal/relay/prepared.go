package relay

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"unique"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

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
}

// ownPrefix begins the names of all prepared statements that a client must not
// know of.
const ownPrefix = "caddy_pgtxn_"

// newPrepared makes a named statement of the body of a Parse.
func newPrepared(body []byte, opt sqlscan.Options) *prepared {
	sum := sha256.Sum256(body)
	p := &prepared{name: ownPrefix + hex.EncodeToString(sum[:16]), shared: unique.Make(string(body))}
	p.read(body, opt)
	return p
}

// setUnnamed makes p the unnamed statement of the body of a Parse.
func (p *prepared) setUnnamed(body []byte, opt sqlscan.Options) {
	p.body = append(p.body[:0], body...)
	p.read(body, opt)
}

func (p *prepared) read(body []byte, opt sqlscan.Options) {
	p.scan = sqlscan.Statement{}
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
	name   string
	before *prepared
}

// note makes stmt (nil: none) the statement that the client calls name.
func (s *Session) note(name []byte, stmt *prepared) *change {
	c := &change{name: string(name), before: s.stmts[string(name)]}
	s.setStmt(c.name, stmt)
	return c
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
// an error, where the server wrote its own.
func (s *Session) clientNames(body []byte) []byte {
	for name, stmt := range s.stmts {
		body = bytes.ReplaceAll(body, []byte(stmt.name), []byte(name))
	}
	return body
}
