package relay

import (
	"bytes"
	"unicode/utf8"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// A RESET returns a variable to what the backend was logged in with, which is not
// the client's start-up value. So what sets that again goes right behind it: into
// the text of a simple Query, or into the pipeline. There it is part of the same
// transaction, and whatever undoes the one undoes the other.
//
// Behind DISCARD ALL, which no transaction holds, the backend is as if it were lent
// anew (see owe).

// resets says whether the statement resets a start-up value.
func (s *Session) resets(st sqlscan.Statement) bool {
	switch {
	case s.base == nil:
		return false
	case st.Kind == sqlscan.Reset, st.Kind == sqlscan.Set && st.Default:
		_, ok := s.base.Get(st.Name)
		return ok
	}
	return st.Kind == sqlscan.ResetAll
}

// again is the SQL that sets start-up values behind st, in the layer in which it resets them.
func (s *Session) again(st sqlscan.Statement) (sql []string) {
	for b := range s.base.All() {
		gone := b.Session.Default // a custom name that was taken away
		if !gone && s.resets(st) && (st.Kind == sqlscan.ResetAll || st.Name == b.Name) {
			sql = append(sql, guc.Assignment(b.Name, b.Session.Text, st.Local))
		}
	}
	return sql
}

// resetsLocally says whether a Query is a SET LOCAL … TO DEFAULT of a start-up value. Outside
// of a transaction block it gets a warning and no more, and nothing must be behind it.
func (s *Session) resetsLocally(statements []sqlscan.Statement) bool {
	return len(statements) == 1 && statements[0].Local && s.resets(statements[0])
}

// queryAgain sends a Query of which some statements reset start-up values.
func (s *Session) queryAgain(text []byte, statements []sqlscan.Statement) {
	var sent []byte
	ins, done, letters, wide := &insertions{}, 0, 0, s.speaksUTF8()
	scan := sqlscan.New(text, s.scanOptions())
	for _, st := range statements {
		scan.Next()
		ins.behind = append(ins.behind, 0)
		for _, sql := range s.again(st) {
			piece := text[done:scan.End()]
			sent = append(append(append(sent, piece...), "; "...), sql...)
			ins.add(letters+length(piece, wide), len("; ")+len(sql))
			letters += length(piece, wide) + len("; ") + len(sql)
			done = scan.End()
		}
		if limit := s.cfg.MaxStatement; len(sent)-done > limit {
			s.refuseQuery(wire.TooMuchReset(limit))
			return
		}
	}
	sent = append(sent, text[done:]...)
	s.queue(statements, text)
	s.srv.replies.last().ins = ins
	s.shard.toServer.put(wire.AppendQuery(nil, string(sent)))
}

// executeAgain does the same behind an Execute.
func (s *Session) executeAgain(st sqlscan.Statement) {
	for _, sql := range s.again(st) {
		s.srv.RunInPipeline(&s.shard.exchange, sql)
		s.shard.toServer.put(s.shard.exchange.Bytes)
		s.srv.expect(s.shard.exchange.Replies, forPrepare)
	}
}

// speaksUTF8 says how the client's letters are counted. Where they have several bytes
// in another encoding, a position behind such letters is told too far on.
func (s *Session) speaksUTF8() bool {
	encoding, _ := s.told.Get("client_encoding")
	return encoding.Session != nil && encoding.Session.Text == "UTF8"
}

func length(text []byte, isUTF8 bool) int {
	if isUTF8 {
		return utf8.RuneCount(text)
	}
	return len(text)
}

// insertions are what a Query of the client's has of ours in it.
type insertions struct {
	behind []int  // how many statements of ours, by statement of the client's that is still to be answered
	tag    []byte // of the client's statement whose ones are being answered
	left   int    // how many of them

	at, length []int // where in the text sent, in letters
}

func (i *insertions) add(at, length int) {
	i.behind[len(i.behind)-1]++
	i.at, i.length = append(i.at, at), append(i.length, length)
}

// client returns the client's part in an answer, nil for none. Its statement is complete
// when those of ours behind it are: the last of a message may be where the commit fails.
func (i *insertions) client(typ byte, body []byte) []byte {
	switch {
	case typ == 'C' && i.left == 0 && len(i.behind) > 0:
		if i.left, i.behind = i.behind[0], i.behind[1:]; i.left == 0 {
			return body
		}
		i.tag = bytes.Clone(body)
		return nil
	case typ == 'C' && i.left > 0:
		if i.left--; i.left == 0 {
			return i.tag
		}
		return nil
	case i.left > 0 && (typ == 'T' || typ == 'D'):
		return nil
	}
	return body
}

// original is the position in the client's text of one in the text that was sent, both
// from 1 on.
func (i *insertions) original(position int) int {
	for n := len(i.at) - 1; n >= 0; n-- {
		if position > i.at[n] {
			position = max(i.at[n], position-i.length[n])
		}
	}
	return position
}
