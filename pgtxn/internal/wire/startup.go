package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Limits of the start-up phase, in bytes.
const (
	// maxStartupPacket is MAX_STARTUP_PACKET_LENGTH (pqcomm.h): the length word not counted.
	maxStartupPacket = 10000
	// The secret of a CancelRequest: 4 bytes in protocol 3.0, up to 256 in 3.2.
	minCancelSecret, maxCancelSecret = 4, 256
)

// Request codes: the version word of a packet that is no StartupMessage (pqcomm.h).
const (
	codeCancel = 1234<<16 | 5678
	codeSSL    = 1234<<16 | 5679
	codeGSSENC = 1234<<16 | 5680
)

// Packet is what a client may send before authentication: SSLRequest, GSSENCRequest,
// *CancelRequest or *Startup.
type Packet interface{ packet() }

// SSLRequest asks for TLS. The answer is the byte 'S' or 'N'.
type SSLRequest struct{}

// GSSENCRequest asks for GSSAPI encryption. The answer is the byte 'G' or 'N'.
type GSSENCRequest struct{}

// CancelRequest asks to cancel the query of another connection. It gets no answer.
type CancelRequest struct {
	PID    uint32
	Secret []byte // 4 bytes, longer from protocol 3.2 on
}

// Startup is the StartupMessage of protocol 3.
type Startup struct {
	Minor   uint16   // the minor version the client speaks
	Params  []Param  // all name/value pairs, _pq_. options included, in the order of the packet
	Unknown []string // names of the _pq_. options, none of which we know
}

// Param is one parameter of a StartupMessage.
type Param struct{ Name, Value string }

func (SSLRequest) packet()     {}
func (GSSENCRequest) packet()  {}
func (*CancelRequest) packet() {}
func (*Startup) packet()       {}

// ReadStartup reads one packet and not a byte more. A client that closes without sending
// anything gives io.EOF; one that stops in the middle io.ErrUnexpectedEOF. A *Error is for the
// client to see; any other error means that PostgreSQL would close without a word.
func ReadStartup(r io.Reader) (Packet, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	size := int64(binary.BigEndian.Uint32(length[:])) - 4
	if size < 4 || size > maxStartupPacket {
		return nil, fmt.Errorf("wire: invalid length of startup packet: %d bytes", size)
	}
	packet := make([]byte, size)
	if _, err := io.ReadFull(r, packet); err != nil {
		return nil, notEOF(err)
	}
	code, body := binary.BigEndian.Uint32(packet), packet[4:]
	switch code {
	case codeSSL:
		return SSLRequest{}, emptyRequest(body)
	case codeGSSENC:
		return GSSENCRequest{}, emptyRequest(body)
	case codeCancel:
		return parseCancel(body)
	default:
		return parseStartup(uint16(code>>16), uint16(code), body)
	}
}

func emptyRequest(body []byte) error {
	if len(body) != 0 {
		return errors.New("wire: an encryption request has no body")
	}
	return nil
}

func parseCancel(body []byte) (Packet, error) {
	secret := len(body) - 4
	if secret < minCancelSecret || secret > maxCancelSecret {
		return nil, errors.New("wire: invalid length of cancel request packet")
	}
	return &CancelRequest{PID: binary.BigEndian.Uint32(body), Secret: body[4:]}, nil
}

// AppendSSLRequest asks a server for TLS.
func AppendSSLRequest(dst []byte) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(dst, 8), codeSSL)
}

// AppendCancel is a CancelRequest.
func AppendCancel(dst []byte, pid uint32, secret []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(12+len(secret)))
	dst = binary.BigEndian.AppendUint32(dst, codeCancel)
	return append(binary.BigEndian.AppendUint32(dst, pid), secret...)
}

// parseStartup follows ProcessStartupPacket (backend_startup.c): pairs of strings up to an
// empty name, which has to be the last byte.
func parseStartup(major, minor uint16, body []byte) (Packet, error) {
	if major != 3 {
		return nil, UnsupportedProtocol(major, minor)
	}
	s := &Startup{Minor: minor}
	rest := string(body)
	for {
		name, after, ok := strings.Cut(rest, "\x00")
		if !ok {
			return nil, BadStartupLayout()
		}
		if name == "" {
			rest = after
			break
		}
		value, after, ok := strings.Cut(after, "\x00")
		if !ok {
			return nil, BadStartupLayout()
		}
		s.Params = append(s.Params, Param{name, value})
		if strings.HasPrefix(name, "_pq_.") {
			s.Unknown = append(s.Unknown, name)
		}
		rest = after
	}
	if rest != "" {
		return nil, BadStartupLayout()
	}
	if s.User() == "" {
		return nil, NoUserName()
	}
	return s, nil
}

// notEOF turns the end of the stream into an error: it came in the middle of a packet.
func notEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// User is the role to log in as. It is never empty.
func (s *Startup) User() string { return s.last("user") }

// Database is the database to connect to: that of the user's name unless the client names one.
func (s *Startup) Database() string {
	if name := s.last("database"); name != "" {
		return name
	}
	return s.User()
}

// Replication reports whether the client asks for a walsender, physical or logical. A value that
// PostgreSQL would not accept counts as yes: the server will refuse it.
func (s *Startup) Replication() bool {
	switch strings.ToLower(s.last("replication")) {
	case "", "0", "f", "fa", "fal", "fals", "false", "n", "no", "of", "off":
		return false
	}
	return true
}

// PhysicalReplication is Replication of the whole cluster, and of no database.
func (s *Startup) PhysicalReplication() bool {
	return s.Replication() && s.last("replication") != "database"
}

// Settings are the variables that the client sets at start-up, in the order in which PostgreSQL
// applies them (process_startup_options, postinit.c): the options parameter first, then the
// parameters of their own. A later one wins. unknown is what SplitOptions made nothing of.
func (s *Startup) Settings() (settings []Setting, unknown []string) {
	settings, unknown = SplitOptions(s.last("options"))
	for _, p := range s.Params {
		switch {
		case p.Name == "user", p.Name == "database", p.Name == "options", p.Name == "replication":
		case strings.HasPrefix(p.Name, "_pq_."):
		default:
			settings = append(settings, Setting{Name: foldName(p.Name), Value: p.Value})
		}
	}
	return settings, unknown
}

// last returns the last value of a parameter, the one that counts, or "".
func (s *Startup) last(name string) string {
	for _, p := range slices.Backward(s.Params) {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}
