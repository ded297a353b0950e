package sqlscan

import "bytes"

// set reads what is behind SET: SET [SESSION|LOCAL] and then a variable, one of
// the forms of the SQL standard, or the modes of transactions.
func (p *parser) set(st *Statement) {
	st.Kind = Set
	if (p.tok.kw == kwSession || p.tok.kw == kwLocal) && !p.isVariable() {
		switch {
		case p.accept(kwLocal):
			st.Local = true
		case p.sessionForm(st):
			return
		default:
			p.next()
		}
	}
	if p.isVariable() || !p.form(st) {
		p.variable(st)
	}
}

// isVariable says that the word at hand is a variable's name, though it may be
// a keyword of SET: SET session.tenant = 1, SET role TO x.
func (p *parser) isVariable() bool {
	t := p.peek()
	return t.kind == '.' || t.kw == kwTo || t.kw == kwFrom || t.kind == tokOp && p.lex.sql[t.start] == '='
}

// sessionForm reads SESSION AUTHORIZATION and SESSION CHARACTERISTICS, if that is at hand.
func (p *parser) sessionForm(st *Statement) bool {
	if p.tok.kw != kwSession {
		return false
	}
	switch p.peek().kw {
	case kwAuthorization:
		p.next()
		p.special(st, "session_authorization")
	case kwCharacteristics:
		ahead := *p
		if ahead.next(); ahead.isVariable() {
			return false // SET SESSION characteristics.x = 1
		}
		st.Kind = SetCharacteristics
		p.next()
		p.modes(&st.Modes)
	default:
		return false
	}
	return true
}

// form reads one of the forms without an equals sign.
func (p *parser) form(st *Statement) bool {
	switch p.tok.kw {
	case kwSession:
		return p.sessionForm(st)
	case kwTransaction, kwConstraints:
		st.Kind = SetTransaction
	case kwTime:
		p.next()
		p.special(st, "timezone")
	case kwNames:
		p.special(st, "client_encoding")
	case kwSchema:
		p.special(st, "search_path")
	case kwRole:
		p.special(st, "role")
	case kwXML:
		p.next()
		p.special(st, "xmloption")
	default:
		return false
	}
	return true
}

// special reads the value behind the word at hand. TIME ZONE LOCAL and NAMES
// alone mean DEFAULT.
func (p *parser) special(st *Statement, name string) {
	word := p.tok.kw
	p.next()
	st.Name = name
	st.Default = word == kwZone && p.tok.kw == kwLocal || word == kwNames && p.tok.kind == tokEOF
	p.value(st)
}

// variable reads name = value, name TO value, name FROM CURRENT. Value is the
// words FROM CURRENT for the last, which sets the session's value to the one in force.
func (p *parser) variable(st *Statement) {
	st.Name = p.variableName()
	if p.tok.kind == tokOp || p.tok.kw == kwTo {
		p.next()
	}
	p.value(st)
	if endsWithTransaction(st.Name) {
		*st = Statement{Kind: SetTransaction, Traits: st.Traits}
	}
}

// variableName reads a name such as work_mem or my.tenant. The server compares
// them without regard to case, in quotes or not.
func (p *parser) variableName() string {
	var buf [2*maxIdentifier + 1]byte
	name := buf[:0]
	for isName(p.tok) {
		name = appendIdentifier(name, p.lex.sql, p.tok)
		if p.next(); p.tok.kind != '.' {
			break
		}
		name = append(name, '.')
		p.next()
	}
	fold(name[:0], name)
	switch string(name) {
	case "sort_mem": // names of old, see map_old_guc_names in guc.c
		return "work_mem"
	case "vacuum_mem":
		return "maintenance_work_mem"
	}
	return string(name)
}

// endsWithTransaction lists the variables that start each transaction from
// their default_ counterparts, so that a SET of them is a SET TRANSACTION.
func endsWithTransaction(name string) bool {
	return name == "transaction_isolation" || name == "transaction_read_only" || name == "transaction_deferrable"
}

// value reads the rest of the statement as the variable's value.
func (p *parser) value(st *Statement) {
	first, last, n := p.tok, p.tok, 0
	for ; p.tok.kind != tokEOF; p.next() {
		last = p.tok
		n++
		if last.kind == tokString && st.Name == "search_path" &&
			bytes.Contains(p.lex.sql[last.start:last.end], []byte("pg_temp")) {
			st.Traits |= Temp // tables will be made there
		}
	}
	switch {
	case n == 1 && first.kw == kwDefault:
		st.Default = true
	case n == 1 && first.kind == tokString:
		st.Value = p.contents(first)
	case n > 0 && !st.Default:
		st.Value = string(p.lex.sql[first.start:last.end])
	}
	if st.Name == "seed" && !st.Default {
		st.Traits |= Seed
	}
}

// contents gives what is in a literal. One with escapes is given as it is written.
func (p *parser) contents(t token) string {
	text := p.lex.sql[t.start:t.end]
	switch {
	case text[0] == '$':
		if n := bytes.IndexByte(text[1:], '$') + 2; len(text) >= 2*n {
			return string(text[n : len(text)-n])
		}
	case len(text) > 1 && text[0] == '\'' && bytes.IndexByte(text[1:], '\'') == len(text)-2 && !p.lex.escapes:
		return string(text[1 : len(text)-1])
	case text[0] == '\'' && (!p.lex.escapes || bytes.IndexByte(text, '\\') < 0):
		return string(joinParts(text))
	}
	return string(text)
}

// joinParts gives the contents of a string of one or more parts.
func joinParts(text []byte) []byte {
	var out []byte
	for i := 1; i > 0; i = continued(text, i+1) {
		for ; i < len(text); i++ {
			if text[i] == '\'' {
				if i+1 == len(text) || text[i+1] != '\'' {
					break
				}
				i++
			}
			out = append(out, text[i])
		}
	}
	return out
}

// modes reads the transaction modes of SET SESSION CHARACTERISTICS; the last of a kind wins.
func (p *parser) modes(m *Modes) {
	for ; p.tok.kind != tokEOF; p.next() {
		switch p.tok.kw {
		case kwSerializable:
			m.Isolation = 1
		case kwRepeatable:
			m.Isolation = 2
		case kwCommitted:
			m.Isolation = 3
		case kwUncommitted:
			m.Isolation = 4
		case kwOnly:
			m.ReadOnly = 2
		case kwWrite:
			m.ReadOnly = 1
		case kwDeferrable:
			m.Deferrable = 2
		case kwNot:
			if p.peek().kw == kwDeferrable {
				p.next()
				m.Deferrable = 1
			}
		}
	}
}

// reset reads what is behind RESET.
func (p *parser) reset(st *Statement) {
	st.Kind, st.Default = Reset, true
	after := p.peek()
	switch {
	case p.tok.kw == kwAll:
		st.Kind, st.Default = ResetAll, false
	case p.tok.kw == kwTime && after.kw == kwZone:
		st.Name = "timezone"
	case p.tok.kw == kwSession && after.kw == kwAuthorization:
		st.Name = "session_authorization"
	case p.tok.kw == kwTransaction && after.kw == kwIsolation:
		st.Kind, st.Default = SetTransaction, false
	default:
		st.Name = p.variableName()
		if endsWithTransaction(st.Name) {
			st.Kind, st.Default, st.Name = SetTransaction, false, ""
		}
	}
}
