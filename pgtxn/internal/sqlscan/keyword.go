package sqlscan

import (
	_ "embed"
	"strings"
)

// keyword names the words that the scanner looks for. Most of PostgreSQL's
// keywords have no name here: of those only the class is known.
type keyword uint8

const (
	noKeyword keyword = iota
	kwAbort
	kwAll
	kwAlter
	kwAnalyse
	kwAnalyze
	kwAnd
	kwAs
	kwAtomic
	kwAuthorization
	kwBegin
	kwBy
	kwCall
	kwChain
	kwCharacteristics
	kwCheck
	kwCluster
	kwComment
	kwCommit
	kwCommitted
	kwConflict
	kwConstraints
	kwCopy
	kwCreate
	kwCube
	kwCursor
	kwDeallocate
	kwDeclare
	kwDefault
	kwDeferrable
	kwDelete
	kwDiscard
	kwDistinct
	kwDo
	kwDrop
	kwEnd
	kwExcept
	kwExclude
	kwExecute
	kwExplain
	kwFetch
	kwFirst
	kwFrom
	kwFunction
	kwGlobal
	kwGrant
	kwGroup
	kwGrouping
	kwHold
	kwIlike
	kwImport
	kwInsert
	kwIntersect
	kwInterval
	kwInto
	kwIsolation
	kwJoin
	kwLimit
	kwListen
	kwLoad
	kwLocal
	kwMaterialized
	kwMerge
	kwNames
	kwNext
	kwNo
	kwNot
	kwOffset
	kwOn
	kwOnly
	kwOperator
	kwOption
	kwOr
	kwOrder
	kwOrdinality
	kwPartition
	kwPath // XMLTABLE (… COLUMNS a int PATH expression)
	kwPrepare
	kwPrepared
	kwProcedure
	kwRead
	kwReassign
	kwRecursive
	kwReferences
	kwRefresh
	kwReindex
	kwRelease
	kwRepeatable
	kwReplace
	kwReset
	kwRevoke
	kwRole
	kwRollback
	kwRollup
	kwSavepoint
	kwSchema
	kwSecond
	kwSecurity
	kwSelect
	kwSerializable
	kwSession
	kwSet
	kwSets
	kwStart
	kwTable
	kwTablesample
	kwTemp
	kwTemporary
	kwThen
	kwTime
	kwTo
	kwTransaction
	kwTruncate
	kwUncommitted
	kwUnion
	kwUnique
	kwUnlisten
	kwUnlogged
	kwUpdate
	kwUsing
	kwVacuum
	kwValues
	kwVarying
	kwVerbose
	kwWhere
	kwWith
	kwWork
	kwWrite
	kwXML
	kwZone
)

// named are the words of the constants above, in their order.
const named = `abort all alter analyse analyze and as atomic authorization begin by call chain
characteristics check cluster comment commit committed conflict constraints copy create cube cursor
deallocate declare default deferrable delete discard distinct do drop end except exclude execute
explain fetch first from function global grant group grouping hold ilike import insert intersect interval into
isolation join limit listen load local materialized merge names next no not offset on only operator
option or order ordinality partition path prepare prepared procedure read reassign recursive references refresh
reindex release repeatable replace reset revoke role rollback rollup savepoint schema second security
select serializable session set sets start table tablesample temp temporary then time to transaction
truncate uncommitted union unique unlisten unlogged update using vacuum values varying verbose
where with work write xml zone`

// Classes of keywords, as pg_get_keywords has them; 0 is a name.
const (
	unreserved = 'U'
	columnName = 'C' // may name a column, but no function or type
	typeName   = 'T' // may name a function or type
	reserved   = 'R'
)

// keywordList is a line "word class" for each keyword, written by gen.
//
//go:embed keywords.txt
var keywordList string

type slot struct {
	word  string
	kw    keyword
	class byte
}

const (
	maxKeyword = len("current_timestamp")
	slotCount  = 1024 // a power of two, more than twice the keywords
)

// slots is a hash table of all keywords, with open addressing.
var slots = makeSlots()

func makeSlots() *[slotCount]slot {
	var table [slotCount]slot
	for line := range strings.Lines(keywordList) {
		word, class, _ := strings.Cut(line, " ")
		*find(&table, []byte(word)) = slot{word: word, class: class[0]}
	}
	for i, word := range strings.Fields(named) {
		s := find(&table, []byte(word))
		if s.word == "" {
			*s = slot{word: word, class: unreserved} // path, not a keyword before PostgreSQL 17
		}
		s.kw = keyword(i + 1)
	}
	return &table
}

// hash of a word that is not empty; the case of letters is lost. It looks at
// four bytes only: most words that are scanned are no keywords, and long.
func hash(word []byte) uint32 {
	n := len(word)
	return uint32(word[0]|0x20)*0x9E37 + uint32(word[n-1]|0x20)*0x85EB + uint32(word[n/2]|0x20)*0xC2B2 +
		uint32(word[n/3]|0x20)*0x27D5 + uint32(n)*0x1657
}

// find returns the slot of a word, in upper or lower case, or the free one where it belongs.
func find(table *[slotCount]slot, word []byte) *slot {
	for h := hash(word); ; h++ {
		s := &table[h%slotCount]
		if s.word == "" || equalFold(word, s.word) {
			return s
		}
	}
}

// lookup says which keyword a word is, if it is one.
func lookup(word []byte) (keyword, byte) {
	if len(word) > maxKeyword {
		return noKeyword, 0
	}
	s := find(slots, word)
	return s.kw, s.class
}

// equalFold compares an identifier with a word in lower case. Only letters,
// digits, _ and $ can be in either, so that bit 0x20 is the case and no more.
func equalFold(ident []byte, word string) bool {
	if len(ident) != len(word) {
		return false
	}
	for i := range len(ident) {
		if ident[i]|0x20 != word[i]|0x20 {
			return false
		}
	}
	return true
}
