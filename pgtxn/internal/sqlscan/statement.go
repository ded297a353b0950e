package sqlscan

// hasKind says that a statement which starts with this word may have a Kind other than Other.
func hasKind(first keyword) bool {
	switch first {
	case kwAbort, kwBegin, kwCall, kwCommit, kwCopy, kwDeallocate, kwDeclare, kwDiscard, kwDo, kwEnd, kwExecute,
		kwListen, kwLoad, kwPrepare, kwRelease, kwReset, kwRollback, kwSavepoint, kwSet, kwStart, kwUnlisten:
		return true
	}
	return false
}

// parser reads the words of one statement, as gram.y has them. tok is the
// token at hand, not taken yet; at the end its kind is tokEOF.
type parser struct {
	lex lexer
	tok token
}

func (p *parser) next() { p.tok = p.lex.next() }

// peek returns the token behind the one at hand.
func (p *parser) peek() token {
	ahead := p.lex
	return ahead.next()
}

// accept takes the word kw if it is the token at hand.
func (p *parser) accept(kw keyword) bool {
	if p.tok.kw != kw {
		return false
	}
	p.next()
	return true
}

// noise takes the word kw if it is at hand and something follows, so that a
// name may be that word: RELEASE savepoint, DEALLOCATE prepare.
func (p *parser) noise(kw keyword) {
	if p.tok.kw == kw && p.peek().kind != tokEOF {
		p.next()
	}
}

func isName(t token) bool { return t.kind == tokWord || t.kind == tokQuoted }

// ident takes a name.
func (p *parser) ident() string {
	t := p.tok
	if !isName(t) {
		return ""
	}
	p.next()
	return identifier(p.lex.sql, t)
}

// statement sets the kind, and what belongs to it, from the statement's words.
func (p *parser) statement(st *Statement) {
	first := p.tok.kw
	p.next()
	switch first {
	case kwBegin:
		st.Kind = Begin
	case kwStart:
		if p.accept(kwTransaction) {
			st.Kind = Begin
		}
	case kwCommit, kwEnd:
		p.endTransaction(st, Commit, CommitPrepared)
	case kwRollback, kwAbort:
		p.endTransaction(st, Rollback, RollbackPrepared)
	case kwSavepoint:
		st.Kind, st.Name = Savepoint, p.ident()
	case kwRelease:
		p.noise(kwSavepoint)
		st.Kind, st.Name = Release, p.ident()
	case kwSet:
		p.set(st)
	case kwReset:
		p.reset(st)
	default:
		p.session(st, first)
	}
}

// endTransaction reads what is behind COMMIT, END, ROLLBACK, ABORT.
func (p *parser) endTransaction(st *Statement, end, prepared Kind) {
	if p.accept(kwPrepared) {
		st.Kind = prepared
		return
	}
	st.Kind = end
	if !p.accept(kwWork) {
		p.accept(kwTransaction)
	}
	if p.accept(kwAnd) {
		st.Chain = p.tok.kw == kwChain // else NO CHAIN
		return
	}
	if end == Rollback && p.accept(kwTo) {
		p.noise(kwSavepoint)
		st.Kind, st.Name = RollbackTo, p.ident()
	}
}

// session reads the statements that concern things of the session other than
// transactions and variables.
func (p *parser) session(st *Statement, first keyword) {
	switch first {
	case kwPrepare:
		if p.tok.kw == kwTransaction && p.peek().kind == tokString {
			st.Kind = PrepareTransaction
			return
		}
		st.Kind, st.Name = Prepare, p.ident()
	case kwExecute:
		st.Kind, st.Name = Execute, p.ident()
	case kwDeallocate:
		p.noise(kwPrepare)
		st.Kind, st.All = Deallocate, p.tok.kw == kwAll
		if !st.All {
			st.Name = p.ident()
		}
	case kwDeclare:
		st.Kind, st.Name = Declare, p.ident()
	case kwListen:
		st.Kind, st.Name = Listen, p.ident()
	case kwUnlisten:
		st.Kind, st.All = Unlisten, p.tok.kind == tokOp
		st.Name = p.ident()
	case kwDiscard:
		st.Kind = Discard
		if p.tok.kw == kwAll {
			st.Kind = DiscardAll
		}
	case kwCall:
		st.Kind = Call
	case kwDo:
		st.Kind = Do
	case kwCopy:
		st.Kind = Copy
	case kwLoad:
		st.Kind = Load
	}
}
