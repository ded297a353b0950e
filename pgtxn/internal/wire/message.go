package wire

import (
	"encoding/binary"
	"fmt"
	"io"
)

// MaxSASLMessage is the longest password message that a client may send during SCRAM
// (PG_MAX_SASL_MESSAGE_LENGTH, sasl.h).
const MaxSASLMessage = 1024

// MaxPassword is the longest message with a password or an answer to MD5
// (PG_MAX_AUTH_TOKEN_LENGTH, auth.h).
const MaxPassword = 65535

// ReadMessage reads one typed message and not a byte more. It is for the authentication phase,
// where a message is rare and small. A body of more than limit bytes is refused unread with a *Error.
// io.EOF means that the peer closed between two messages.
func ReadMessage(r io.Reader, limit int) (typ byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := int64(binary.BigEndian.Uint32(head[1:])) - 4
	if size < 0 || size > int64(limit) {
		return 0, nil, ProtocolViolation(fmt.Sprintf("invalid length of message type %q: %d bytes", head[0], size))
	}
	body = make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, notEOF(err)
	}
	return head[0], body, nil
}
