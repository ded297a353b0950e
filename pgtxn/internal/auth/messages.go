package auth

import (
	"bytes"
	"encoding/binary"
)

// The codes of Authentication messages (protocol.h).
const (
	authOK           = 0
	authCleartext    = 3
	authMD5          = 5
	authSASL         = 10
	authSASLContinue = 11
	authSASLFinal    = 12
)

// AppendOK appends AuthenticationOk, for a client that needs no password.
func AppendOK(dst []byte) []byte { return appendAuthentication(dst, authOK, "") }

// appendAuthentication appends one message of the server.
func appendAuthentication(dst []byte, code uint32, data string) []byte {
	dst = append(dst, 'R')
	dst = binary.BigEndian.AppendUint32(dst, uint32(8+len(data)))
	dst = binary.BigEndian.AppendUint32(dst, code)
	return append(dst, data...)
}

// passwordMessage is any answer of the client: PostgreSQL tells its four kinds apart by what it asked.
func passwordMessage(data string) []byte {
	msg := binary.BigEndian.AppendUint32([]byte{'p'}, uint32(4+len(data)))
	return append(msg, data...)
}

// initialResponse is what SASLInitialResponse holds.
func initialResponse(mechanism, data string) string {
	body := append([]byte(mechanism), 0)
	body = binary.BigEndian.AppendUint32(body, uint32(len(data)))
	return string(append(body, data...))
}

// parseInitialResponse reads a SASLInitialResponse as CheckSASLAuth does. Its data is optional.
func parseInitialResponse(body []byte) (mechanism string, data []byte, present bool, err error) {
	name, rest, ok := bytes.Cut(body, []byte{0})
	if !ok {
		return "", nil, false, violation("invalid string in message")
	}
	if len(rest) < 4 {
		return "", nil, false, violation("insufficient data left in message")
	}
	size, data := int64(int32(binary.BigEndian.Uint32(rest))), rest[4:]
	present = size != -1
	switch {
	case !present:
		size = 0
	case size < 0 || size > int64(len(data)):
		return "", nil, false, violation("insufficient data left in message")
	}
	if int64(len(data)) != size {
		return "", nil, false, violation("invalid message format")
	}
	return string(name), data, present, nil
}
