package sqlscan

// reading is what is known of a statement while its tokens pass, one by one.
// It looks back, never ahead: it finds the end of the statement and its traits.
type reading struct {
	sql    []byte
	traits Traits

	mode      mode
	awaitVerb bool    // the next word outside parentheses says what the statement does
	explain   bool    // EXPLAIN was read, its own words may come before the verb
	expr      bool    // a name in front of a parenthesis may be a function here
	object    keyword // what CREATE makes

	depth  int    // of parentheses
	atomic int    // of BEGIN ATOMIC bodies
	ctes   bitset // per level of parentheses: in the list of a WITH
	infix  bitset // per level: what follows the closing parenthesis is an operand

	prev  token  // the token before the one at hand
	prev2 mark   // the one before that
	name  dotted // the name that prev ends or may go on with
}

// mode tells where in a statement expressions are that it evaluates.
type mode uint8

const (
	modeQuery   mode = iota // everywhere
	modeUtility             // nowhere
	modeCopy                // in COPY (query) and behind WHERE
	modeCreate              // in the query of CREATE TABLE AS, in the bounds of a partition
	modeAlter               // behind DEFAULT, CHECK, USING, AS, VALUES
	modePrepare             // behind AS
)

// dotted is a name of one or more parts, as in schema.function.
type dotted struct {
	parts  int
	head   token // the first part
	before mark  // what stands in front of it
}

// bitset has one bit for each level of parentheses, the current one lowest.
// Levels beyond the 64th are forgotten; maxDepth sees to it that none is missed.
type bitset uint64

const maxDepth = 64

// inside says that a semicolon does not end the statement here: in parentheses
// (CREATE RULE … DO (a; b)) and in a routine's BEGIN ATOMIC body.
func (r *reading) inside() bool { return r.depth > 0 || r.atomic > 0 }

// step takes the next token.
func (r *reading) step(t token) {
	switch t.kind {
	case '(':
		r.open()
	case ')':
		t.kind = r.close()
	case ',':
		if r.mode == modeAlter && r.depth == 0 {
			r.expr = false
		}
	case tokWord:
		if r.prev.kind == '.' {
			t.kw, t.class = noKeyword, 0 // a name, whatever the word
		}
		if t.kw != noKeyword || r.awaitVerb {
			r.word(t)
		}
		r.identifier(t)
	case tokQuoted:
		r.identifier(t)
	}
	if t.kind != '.' && !isName(t) {
		r.name.parts = 0
	}
	r.prev2, r.prev = r.prev.mark, t
}

// identifier takes a word or quoted name as part of a dotted name.
func (r *reading) identifier(t token) {
	if r.prev.kind == '.' && r.name.parts > 0 {
		r.name.parts++
	} else {
		// Field by field: a dotted{…} would be made in memory and copied.
		r.name.parts, r.name.head, r.name.before = 1, t, r.prev.mark
		r.afterWith(t)
	}
	switch {
	case r.prev.kw == kwUpdate && (r.prev2.kind == '(' || r.prev2.kind == ')') && (t.class != reserved || t.kw == kwOnly):
		r.traits |= Writes // a CTE or what follows the CTEs; at the start it is the verb
	case r.expr && r.prev.kind == '(' && r.prev2.kw == kwOperator && !r.isText(t, "pg_catalog"):
		r.traits |= Calls // OPERATOR(schema.+)
	}
	switch {
	case r.isText(t, "pg_temp"):
		r.traits |= Temp
	case r.name.before.kw == kwUpdate && r.isText(t, "pg_settings"):
		r.traits |= SetConfig // the view's rule turns UPDATE into set_config
	case r.isText(t, "pg_prepared_statements"), r.isText(t, "pg_prepared_statement"): // the view, and the function behind it
		r.traits |= Prepared
	}
}

// isText compares an identifier, in quotes or not, with one in lower case.
func (r *reading) isText(t token, name string) bool {
	text := r.sql[t.start:t.end]
	if t.kind == tokQuoted {
		return len(text) == len(name)+2 && text[0] == '"' && string(text[1:len(text)-1]) == name
	}
	return equalFold(text, name)
}
