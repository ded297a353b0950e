package wire

import "encoding/binary"

// NewestMinor is the newest minor version of protocol 3 that we speak.
const NewestMinor = 2

// CancelSecretLen is how long a secret the key for cancel requests has towards a client of this minor
// version: 4 bytes, or as many as PostgreSQL 18 gives (MAX_CANCEL_KEY_LENGTH).
func CancelSecretLen(minor uint16) int {
	if minor >= 2 {
		return 32
	}
	return 4
}

// AppendNegotiation appends a NegotiateProtocolVersion if the client asked for a newer protocol
// or for an option that we do not know, and nothing otherwise. It goes before the first
// Authentication message; the client goes on with what it names or closes.
func (s *Startup) AppendNegotiation(dst []byte) []byte {
	if s.Minor <= NewestMinor && len(s.Unknown) == 0 {
		return dst
	}
	dst, at := Begin(dst, 'v')
	// The documentation says minor version; the server sends, and libpq reads, the whole word.
	dst = binary.BigEndian.AppendUint32(dst, 3<<16|uint32(min(s.Minor, NewestMinor)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s.Unknown)))
	for _, name := range s.Unknown {
		dst = AppendCString(dst, name)
	}
	return End(dst, at)
}
