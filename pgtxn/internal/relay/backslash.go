package relay

import (
	"bytes"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
)

// ambiguous: what a backslash means depends on standard_conforming_strings. A
// client that ever touched it may have a statement under way that changes it, or
// whose error does, so the text waits; and where a backslash may be the second
// byte of a letter, the text may be read wrongly, so it pins.
func (s *Session) ambiguous(text []byte) bool {
	if bytes.IndexByte(text, '\\') < 0 {
		return false
	}
	if s.rereads && s.awaitAnswers() {
		return true
	}
	encoding, _ := s.told.Get("client_encoding")
	if encoding.Session != nil && backslashInLetters[encoding.Session.Text] {
		s.machine.Pin(txn.PinHidden)
	}
	return false
}

// mayChange says whether the statement may change a variable.
func mayChange(st *sqlscan.Statement, name string) bool {
	return says(st, name) || mayHide(st)
}

// says: it does, and says so.
func says(st *sqlscan.Statement, name string) bool {
	switch st.Kind {
	case sqlscan.Set, sqlscan.Reset:
		return st.Name == name
	case sqlscan.ResetAll, sqlscan.DiscardAll:
		return true
	}
	return false
}

// backslashInLetters are the encodings, all for clients only, in which the byte
// of a backslash may end a letter (pg_wchar.h).
var backslashInLetters = map[string]bool{
	"SJIS": true, "BIG5": true, "GBK": true, "GB18030": true, "UHC": true, "JOHAB": true, "SHIFT_JIS_2004": true,
}
