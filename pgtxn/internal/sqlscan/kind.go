package sqlscan

// Kind is what a statement is, as far as it matters to the session's state.
// The names are PostgreSQL's own; String gives them as they are written.
type Kind uint8

// The kinds, each with the fields of Statement that it fills in.
const (
	Other              Kind = iota // any statement of no interest: only its Traits tell
	Begin                          // BEGIN, START TRANSACTION
	Commit                         // COMMIT, END; Chain
	Rollback                       // ROLLBACK, ABORT; Chain
	Savepoint                      // Name
	Release                        // Name
	RollbackTo                     // Name
	PrepareTransaction             // PREPARE TRANSACTION
	CommitPrepared                 // COMMIT PREPARED
	RollbackPrepared               // ROLLBACK PREPARED
	Set                            // Name, Value or Default, Local
	Reset                          // RESET name: as a Set with Default, but its tag is RESET
	ResetAll                       // RESET ALL
	SetCharacteristics             // SET SESSION CHARACTERISTICS AS TRANSACTION: Modes, Local
	SetTransaction                 // SET TRANSACTION, SET CONSTRAINTS: end with the transaction
	DiscardAll                     // DISCARD ALL
	Discard                        // DISCARD PLANS, TEMP, TEMPORARY, SEQUENCES
	Listen                         // Name
	Unlisten                       // Name, or All for *
	Prepare                        // SQL PREPARE: Name
	Execute                        // SQL EXECUTE: Name
	Deallocate                     // Name, or All
	Declare                        // DECLARE … CURSOR: Name
	Call                           // CALL
	Do                             // DO
	Copy                           // COPY, either way
	Load                           // LOAD; the last kind
)

var kindNames = [...]string{
	Other: "OTHER", Begin: "BEGIN", Commit: "COMMIT", Rollback: "ROLLBACK",
	Savepoint: "SAVEPOINT", Release: "RELEASE", RollbackTo: "ROLLBACK TO",
	PrepareTransaction: "PREPARE TRANSACTION", CommitPrepared: "COMMIT PREPARED",
	RollbackPrepared: "ROLLBACK PREPARED", Set: "SET", Reset: "RESET", ResetAll: "RESET ALL",
	SetCharacteristics: "SET SESSION CHARACTERISTICS", SetTransaction: "SET TRANSACTION",
	DiscardAll: "DISCARD ALL", Discard: "DISCARD", Listen: "LISTEN", Unlisten: "UNLISTEN",
	Prepare: "PREPARE", Execute: "EXECUTE", Deallocate: "DEALLOCATE", Declare: "DECLARE",
	Call: "CALL", Do: "DO", Copy: "COPY", Load: "LOAD",
}

// RunsQueries reports whether a statement of this kind may run expressions,
// and so functions: those that only manage the session don't.
func (k Kind) RunsQueries() bool {
	switch k {
	case Other, Prepare, Execute, Declare, Call, Do, Copy:
		return true
	}
	return false
}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "?"
}

// Traits is what a statement may do besides what its Kind says.
type Traits uint16

// The traits.
const (
	Temp         Traits = 1 << iota // makes a temporary object, or names pg_temp
	HoldCursor                      // DECLARE … WITH HOLD
	AdvisoryLock                    // takes a session-level advisory lock
	SetConfig                       // calls set_config
	Sequence                        // calls currval or lastval, or defines what does
	Seed                            // calls setseed, or SET seed
	Calls                           // calls what is not known to be harmless: a function, DO, CALL, EXECUTE
	Writes                          // changes tables or schema, so triggers may run
	Draws                           // calls nextval or setval
	Prepared                        // reads pg_prepared_statements, or runs a prepared statement by its name
)

var traitNames = [...]string{"temp", "hold", "advisory-lock", "set_config", "sequence", "seed", "calls", "writes", "draws", "prepared"}

// String lists the traits in a fixed order, separated by blanks.
func (t Traits) String() string {
	var s string
	for i, name := range traitNames {
		if t&(1<<i) == 0 {
			continue
		}
		if s != "" {
			s += " "
		}
		s += name
	}
	return s
}

// Modes are the transaction modes that SET SESSION CHARACTERISTICS names. The
// zero value of a field says that it was not named.
type Modes struct {
	Isolation  uint8 // index into the isolation levels, from 1
	ReadOnly   uint8 // 1 off, 2 on
	Deferrable uint8 // 1 off, 2 on
}

var (
	isolationLevels = [...]string{"", "serializable", "repeatable read", "read committed", "read uncommitted"}
	switches        = [...]string{"", "off", "on"}
)

// All calls yield with each variable that the modes set and its value as SHOW prints it.
func (m Modes) All(yield func(name, value string) bool) {
	if m.Isolation != 0 && !yield("default_transaction_isolation", isolationLevels[m.Isolation]) {
		return
	}
	if m.ReadOnly != 0 && !yield("default_transaction_read_only", switches[m.ReadOnly]) {
		return
	}
	if m.Deferrable != 0 {
		yield("default_transaction_deferrable", switches[m.Deferrable])
	}
}

// Statement is one statement of the text. Name and Value are copies, made only
// for the kinds that have them.
type Statement struct {
	Kind    Kind
	Traits  Traits
	Modes   Modes  // SetCharacteristics
	Chain   bool   // AND CHAIN
	Local   bool   // SET LOCAL
	Default bool   // TO DEFAULT, = DEFAULT, TIME ZONE LOCAL, NAMES, RESET name
	All     bool   // DEALLOCATE ALL, UNLISTEN *
	Name    string // identifier as the server sees it; of a variable: in lower case
	Value   string // Set: what was asked, for people; the contents of a lone literal, else the text; "" with Default
}
