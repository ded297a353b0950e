package relay

// SQLStateClasses are the first two letters of the SQLSTATEs that PostgreSQL has (errcodes.txt), and "other": a
// function can raise what it likes, and labels of metrics are to be few.
var SQLStateClasses = [...]string{
	"other",
	"03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20", "21", "22", "23", "24", "25", "26", "27", "28",
	"2B", "2D", "2F", "34", "38", "39", "3B", "3D", "3F", "40", "42", "44", "53", "54", "55", "57", "58", "72",
	"F0", "HV", "P0", "XX",
}

// NumSQLStateClasses is their number.
const NumSQLStateClasses = len(SQLStateClasses)

// sqlStateClass is the place of a SQLSTATE's class.
func sqlStateClass(code []byte) int {
	for i, class := range SQLStateClasses {
		if len(code) == 5 && class == string(code[:2]) {
			return i
		}
	}
	return 0
}
