package sqlscan

// word takes a keyword that has a name, or the verb whatever it is.
func (r *reading) word(t token) {
	if r.awaitVerb && r.depth == 0 {
		r.verb(t.kw)
		return
	}
	switch r.mode {
	case modeQuery:
		r.queryWord(t.kw)
	case modeCreate:
		r.createWord(t.kw)
	case modeAlter:
		r.alterWord(t.kw)
	case modeCopy:
		r.copyWord(t.kw)
	case modePrepare:
		if t.kw == kwAs && r.depth == 0 {
			r.query()
		}
	}
}

// query says that a whole statement follows, of which only what it may do counts.
func (r *reading) query() { r.mode, r.expr, r.awaitVerb = modeQuery, true, true }

// verb takes the first word of a statement, or of the one in EXPLAIN, PREPARE
// or CREATE TABLE AS: it says where to look for calls, and what is changed.
func (r *reading) verb(kw keyword) {
	r.awaitVerb, r.mode, r.expr = false, modeQuery, true
	switch kw {
	case kwExplain:
		r.awaitVerb, r.explain = true, true
	case kwAnalyze, kwAnalyse, kwVerbose:
		if r.explain {
			r.awaitVerb = true
		} else {
			r.utility(0)
		}
	case kwInsert, kwUpdate, kwDelete, kwMerge:
		r.traits |= Writes
	case kwCall:
		r.traits |= Calls
	case kwExecute:
		r.traits |= Calls | Prepared
	case kwDo:
		r.utility(Calls)
	case kwCopy:
		r.mode, r.expr = modeCopy, false
	case kwPrepare:
		r.mode, r.expr = modePrepare, false
	case kwCreate:
		r.mode, r.expr, r.traits = modeCreate, false, r.traits|Writes
	case kwAlter:
		r.mode, r.expr, r.traits = modeAlter, false, r.traits|Writes
	case kwComment, kwDrop, kwGrant, kwImport, kwReassign, kwRefresh, kwReindex, kwRevoke, kwSecurity, kwTruncate:
		r.utility(Writes) // event triggers may run
	case kwAbort, kwBegin, kwCluster, kwCommit, kwDeallocate, kwDiscard, kwEnd, kwFetch, kwListen, kwLoad,
		kwRelease, kwReset, kwRollback, kwSavepoint, kwSet, kwStart, kwUnlisten, kwVacuum:
		r.utility(0)
	}
}

// utility is for statements that evaluate no expressions of their own.
func (r *reading) utility(t Traits) {
	r.mode, r.expr = modeUtility, false
	r.traits |= t
}

// queryWord takes a keyword of SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES, DECLARE.
func (r *reading) queryWord(kw keyword) {
	switch kw {
	case kwInto:
		r.traits |= Writes // INSERT INTO, MERGE INTO, SELECT INTO
	case kwTemp, kwTemporary:
		switch r.prev.kw {
		case kwInto:
			if r.prev2.kw == kwInsert || r.prev2.kw == kwMerge {
				return // a table called temp
			}
			r.traits |= Temp
		case kwLocal, kwGlobal:
			r.traits |= Temp
		}
	case kwFrom:
		if r.prev.kw == kwDelete && (r.prev2.kind == '(' || r.prev2.kind == ')') {
			r.traits |= Writes
		}
	case kwHold:
		if r.prev.kw == kwWith && r.prev2.kw == kwCursor {
			r.traits |= HoldCursor
		}
	case kwSelect, kwInsert, kwUpdate, kwDelete, kwMerge, kwValues, kwTable, kwUnion, kwIntersect, kwExcept,
		kwOrder, kwLimit, kwOffset, kwFetch:
		r.ctes &^= 1 // the list of the WITH is over
	}
}

// createWord takes a keyword of CREATE.
func (r *reading) createWord(kw keyword) {
	switch kw {
	case kwTemp, kwTemporary:
		switch r.prev.kw {
		case kwCreate, kwReplace, kwLocal, kwGlobal:
			r.traits |= Temp
		}
	case kwTable, kwMaterialized, kwFunction, kwProcedure:
		switch r.prev.kw {
		case kwCreate, kwReplace, kwGlobal, kwLocal, kwTemp, kwTemporary, kwUnlogged:
			r.object = kw
		}
	case kwAs:
		if r.depth == 0 && (r.object == kwTable || r.object == kwMaterialized) {
			r.query()
		}
	case kwValues: // PARTITION OF … FOR VALUES
		r.expr = r.expr || r.depth == 0 && r.object == kwTable
	case kwBy: // PARTITION BY RANGE (…)
		r.expr = false
	case kwAtomic:
		if r.prev.kw == kwBegin && (r.object == kwFunction || r.object == kwProcedure) {
			r.atomic++
		}
	case kwEnd:
		// Every statement of the body ends with a semicolon, which END of CASE never follows.
		if r.atomic > 0 && (r.prev.kind == ';' || r.prev.kw == kwAtomic) {
			r.atomic--
		}
	}
}

// alterWord takes a keyword of ALTER, which may evaluate an expression for every row.
func (r *reading) alterWord(kw keyword) {
	if r.depth > 0 {
		return
	}
	switch kw {
	case kwDefault, kwCheck, kwAs, kwValues:
		r.expr = true
	case kwUsing:
		r.expr = r.prev.kw != kwExclude
	case kwReferences:
		r.expr = false
	}
}

// copyWord takes a keyword of COPY.
func (r *reading) copyWord(kw keyword) {
	switch {
	case r.depth > 0:
		if r.expr {
			r.queryWord(kw)
		}
	case kw == kwFrom:
		r.traits |= Writes
	case kw == kwWhere:
		r.mode, r.expr = modeQuery, true
	}
}
