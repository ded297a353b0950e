package sqlscan

import (
	_ "embed"
	"strings"
)

// open takes an opening parenthesis, which may be that of a call.
func (r *reading) open() {
	infix := false
	switch {
	case r.prev.kw == kwOperator, r.prev.kw == kwOn && r.prev2.kw == kwDistinct:
		infix = true // OPERATOR(…) and DISTINCT ON (…): an expression follows
	case r.mode == modeCopy && r.prev.kw == kwCopy:
		r.expr = true
	case r.expr && isName(r.prev) && r.isCall():
		r.traits |= r.callTraits()
	case r.mode == modeCreate && isName(r.prev) && r.isCall(): // to be called later: a default, a view
		r.traits |= r.callTraits() & Sequence
	}
	if r.prev.kw != kwExplain { // behind which options may be, then the verb
		r.awaitVerb = false
	}
	r.depth++
	r.ctes <<= 1
	r.infix <<= 1
	if infix {
		r.infix |= 1
	}
	if r.expr && r.depth > maxDepth {
		r.traits |= Calls
	}
}

// close takes a closing parenthesis and returns the kind of token to remember it as.
func (r *reading) close() byte {
	kind := byte(')')
	if r.infix&1 != 0 {
		kind = tokOp
	}
	if r.depth > 0 {
		r.depth--
		r.ctes >>= 1
		r.infix >>= 1
	}
	if r.mode == modeCopy && r.depth == 0 {
		r.expr = false
	}
	return kind
}

// afterWith notes that a list of common table expressions starts with the name t.
func (r *reading) afterWith(t token) {
	if r.prev.kw != kwWith || t.class == reserved && t.kw != kwRecursive {
		return
	}
	switch t.kw {
	case kwOrdinality, kwTime: // FROM f() WITH ORDINALITY, TIMESTAMP WITH TIME ZONE
	default:
		r.ctes |= 1
	}
}

// isCall says whether r.name, with a parenthesis behind it, is a function's.
// It is one where an operand can stand: at the start of an expression, behind
// an operator or a keyword. Behind an operand it is an alias, t(a, b), or a
// keyword that goes on, as in sum(x) OVER (…).
func (r *reading) isCall() bool {
	w, before := r.prev, r.name.before
	if r.name.parts == 1 && w.kind == tokWord &&
		(w.class == reserved || w.class == columnName || isSyntax(w.kw, before)) {
		return false
	}
	switch before.kind {
	case tokEOF, ')', ']', tokString, tokNumber, tokParam, tokQuoted, tokCast:
		return false
	case ',':
		return r.ctes&1 == 0 // WITH a(x) AS (…), b(y) AS (…)
	case tokWord:
		return before.class != 0 && !namesFollow(before.kw)
	}
	return true
}

// namesFollow lists the keywords behind which a name with a parenthesis is no call.
func namesFollow(before keyword) bool {
	switch before {
	case kwAs, kwInto, kwTable, kwTablesample, kwWith, kwRecursive, kwOrdinality:
		return true
	}
	return false
}

// isSyntax says that a keyword which could name a function is part of the
// grammar instead, with what stands in front of it.
func isSyntax(w keyword, before mark) bool {
	switch w {
	case kwBy:
		return before.kw == kwGroup || before.kw == kwOrder || before.kw == kwPartition
	case kwConflict:
		return before.kw == kwOn
	case kwCube, kwRollup: // GROUP BY DISTINCT a, ROLLUP (b), or in GROUPING SETS (…)
		return before.kw == kwBy || before.kw == kwDistinct || before.kw == kwAll ||
			before.kind == ',' || before.kind == '('
	case kwFirst, kwNext:
		return before.kw == kwFetch
	case kwInsert: // MERGE … WHEN NOT MATCHED THEN INSERT (…)
		return before.kw == kwThen
	case kwIlike, kwMaterialized:
		return before.kw == kwNot || before.kind == tokWord && before.class != reserved
	case kwJoin, kwSet: // behind a table whose name is a keyword
		return before.kind == tokWord && before.class != reserved
	case kwSecond: // INTERVAL DAY TO SECOND (3)
		return before.kw == kwInterval || before.kw == kwTo
	case kwSets:
		return before.kw == kwGrouping
	case kwVarying: // CHARACTER VARYING (3), BIT VARYING (3)
		return before.class == columnName
	case kwVerbose:
		return before.kw == kwExplain || before.kw == kwAnalyze || before.kw == kwAnalyse
	case kwZone:
		return before.kw == kwTime
	}
	return false
}

// callTraits says what the call of the function r.name may do.
func (r *reading) callTraits() Traits {
	w, name := r.prev, r.sql[r.prev.start:r.prev.end]
	if r.name.parts > 2 || r.name.parts == 2 && !r.isText(r.name.head, "pg_catalog") {
		return Calls
	}
	if w.kind == tokQuoted {
		if name[0] != '"' || len(name) < 2 {
			return Calls
		}
		return functionTraits(name[1:len(name)-1]) | Calls
	}
	var buf [maxIdentifier]byte
	if len(name) > len(buf) {
		return Calls
	}
	return functionTraits(fold(buf[:0], name))
}

// functionTraits says what the call of one of pg_catalog's functions does.
// Advisory locks of the transaction (_xact_) end with it and are harmless.
func functionTraits(name []byte) Traits {
	switch string(name) {
	case "set_config":
		return SetConfig
	case "setseed":
		return Seed
	case "currval", "lastval":
		return Sequence
	case "nextval", "setval":
		return Draws
	case "pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared":
		return AdvisoryLock
	}
	if isHarmless(name) {
		return 0
	}
	return Calls
}

// harmless lists, one a line and in the order of their bytes, the functions
// whose call leaves no trace in the session. Package gen writes it and says
// how it is chosen.
//
//go:generate go run ./gen
//go:embed functions.txt
var harmless string

// isHarmless looks a name up in the list, by bisection.
func isHarmless(name []byte) bool {
	for list := harmless; list != ""; {
		start := strings.LastIndexByte(list[:len(list)/2], '\n') + 1
		end := start + strings.IndexByte(list[start:], '\n')
		switch line := list[start:end]; {
		case string(name) == line:
			return true
		case string(name) < line:
			list = list[:start]
		default:
			list = list[end+1:]
		}
	}
	return false
}
