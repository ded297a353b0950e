package wire

import (
	"bytes"
	"encoding/binary"
)

// HeadLen is the length of a typed message's head: the type and the length.
const HeadLen = 5

// Head reads the head of the message that b begins with. Total is the length
// of the whole message, head included; more is set when b is too short for the
// head. A length that no message can have gives total 0.
func Head(b []byte) (typ byte, total int, more bool) {
	if len(b) < HeadLen {
		return 0, 0, true
	}
	size := binary.BigEndian.Uint32(b[1:])
	if size < 4 || size > 1<<30 { // PQ_LARGE_MESSAGE_LIMIT
		return b[0], 0, false
	}
	return b[0], int(size) + 1, false
}

// CString cuts the zero-terminated string that b begins with; ok is false when
// its end is not in b.
func CString(b []byte) (s, rest []byte, ok bool) {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return nil, b, false
	}
	return b[:i], b[i+1:], true
}

// Begin appends the head of a message of type typ; End fills in its length.
func Begin(dst []byte, typ byte) (out []byte, at int) {
	return append(dst, typ, 0, 0, 0, 0), len(dst)
}

// End completes the message that Begin began at at.
func End(dst []byte, at int) []byte {
	binary.BigEndian.PutUint32(dst[at+1:], uint32(len(dst)-at-1))
	return dst
}

// AppendCString appends s and its terminator.
func AppendCString(dst []byte, s string) []byte { return append(append(dst, s...), 0) }

// AppendReady appends ReadyForQuery.
func AppendReady(dst []byte, status byte) []byte { return append(dst, 'Z', 0, 0, 0, 5, status) }

// AppendStatus appends a ParameterStatus.
func AppendStatus(dst []byte, name, value string) []byte {
	dst, at := Begin(dst, 'S')
	return End(AppendCString(AppendCString(dst, name), value), at)
}

// AppendSync appends a Sync.
func AppendSync(dst []byte) []byte { return append(dst, 'S', 0, 0, 0, 4) }

// AppendQuery appends a simple Query.
func AppendQuery(dst []byte, sql string) []byte {
	dst, at := Begin(dst, 'Q')
	return End(AppendCString(dst, sql), at)
}

// AppendParse appends a Parse of sql as name, parameter types left to the server.
func AppendParse(dst []byte, name, sql string) []byte {
	dst, at := Begin(dst, 'P')
	return End(append(AppendCString(AppendCString(dst, name), sql), 0, 0), at)
}

// AppendExecute appends an Execute of portal, without a row limit.
func AppendExecute(dst []byte, portal string) []byte {
	dst, at := Begin(dst, 'E')
	return End(append(AppendCString(dst, portal), 0, 0, 0, 0), at)
}

// AppendClosePortal appends a Close of portal.
func AppendClosePortal(dst []byte, portal string) []byte {
	dst, at := Begin(dst, 'C')
	return End(AppendCString(append(dst, 'P'), portal), at)
}

// AppendClose appends a Close of the prepared statement name.
func AppendClose(dst []byte, name string) []byte {
	dst, at := Begin(dst, 'C')
	return End(AppendCString(append(dst, 'S'), name), at)
}

// AppendDescribe appends a Describe of the prepared statement name.
func AppendDescribe(dst []byte, name string) []byte {
	dst, at := Begin(dst, 'D')
	return End(AppendCString(append(dst, 'S'), name), at)
}

// AppendBindText appends a Bind of portal to the statement name, its parameters being arrays of text in binary form (array_recv), which needs
// no quoting. A nil element is NULL. Results come as text.
func AppendBindText(dst []byte, portal, name string, params ...[]*string) []byte {
	dst, at := Begin(dst, 'B')
	dst = AppendCString(AppendCString(dst, portal), name)
	dst = append(dst, 0, 1, 0, 1) // one format for all parameters: binary
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(params)))
	for _, array := range params {
		dst = appendTextArray(dst, array)
	}
	return End(append(dst, 0, 0), at)
}

func appendTextArray(dst []byte, elems []*string) []byte {
	const textOID = 25
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	for _, word := range [...]uint32{1, 1, textOID, uint32(len(elems)), 1} { // dimensions, may hold NULL, type, length, lower bound
		dst = binary.BigEndian.AppendUint32(dst, word)
	}
	for _, e := range elems {
		if e == nil {
			dst = binary.BigEndian.AppendUint32(dst, ^uint32(0))
			continue
		}
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(*e)))
		dst = append(dst, *e...)
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}
