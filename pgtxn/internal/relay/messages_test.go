package relay

import (
	"encoding/binary"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// Messages of a client, one function each. Parameters and results are text,
// unless said otherwise.

// message is a message of type typ.
func message(typ byte, parts ...[]byte) []byte {
	dst, at := wire.Begin(nil, typ)
	for _, p := range parts {
		dst = append(dst, p...)
	}
	return wire.End(dst, at)
}

func zstring(s string) []byte { return append([]byte(s), 0) }

func int16s(values ...int) (dst []byte) {
	for _, v := range values {
		dst = binary.BigEndian.AppendUint16(dst, uint16(v))
	}
	return dst
}

func int32s(values ...int) (dst []byte) {
	for _, v := range values {
		dst = binary.BigEndian.AppendUint32(dst, uint32(v))
	}
	return dst
}

func query(text string) []byte { return message('Q', zstring(text)) }

func parse(name, text string, types ...int) []byte {
	return message('P', zstring(name), zstring(text), int16s(len(types)), int32s(types...))
}

func bind(portal, stmt string, params ...string) []byte {
	return message('B', zstring(portal), zstring(stmt), int16s(0), int16s(len(params)), counted(params), int16s(0))
}

func counted(params []string) (dst []byte) {
	for _, p := range params {
		dst = append(append(dst, int32s(len(p))...), p...)
	}
	return dst
}

func describeStmt(name string) []byte     { return message('D', []byte("S"), zstring(name)) }
func describePortal(name string) []byte   { return message('D', []byte("P"), zstring(name)) }
func execute(portal string, n int) []byte { return message('E', zstring(portal), int32s(n)) }
func closeStmt(name string) []byte        { return message('C', []byte("S"), zstring(name)) }
func closePortal(name string) []byte      { return message('C', []byte("P"), zstring(name)) }

var (
	syncMsg  = message('S')
	flushMsg = message('H')
)

func copyData(data string) []byte { return message('d', []byte(data)) }
func copyFail(why string) []byte  { return message('f', zstring(why)) }

var copyDone = message('c')

// functionCall calls a function by its OID.
func functionCall(oid int, args ...string) []byte {
	return message('F', int32s(oid), int16s(0), int16s(len(args)), counted(args), int16s(0))
}

// oneShot is a statement in the extended protocol, up to its Execute.
func oneShot(text string, params ...string) (dst []byte) {
	for _, m := range [][]byte{parse("", text), bind("", "", params...), execute("", 0)} {
		dst = append(dst, m...)
	}
	return dst
}

// startupMessage is a StartupMessage; params are names and values.
func startupMessage(version int, params ...string) []byte {
	body := int32s(version)
	for _, p := range params {
		body = append(body, zstring(p)...)
	}
	body = append(body, 0)
	return append(int32s(len(body)+4), body...)
}

func cancelRequest(pid uint32, secret []byte) []byte {
	dst := append(int32s(12+len(secret), 80877102), int32s(int(pid))...)
	return append(dst, secret...)
}
