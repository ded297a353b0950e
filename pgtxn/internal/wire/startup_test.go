package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// packet puts the length word and the version before a body.
func packet(version uint32, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
	b = binary.BigEndian.AppendUint32(b, version)
	return append(b, body...)
}

func TestReadStartup(t *testing.T) {
	const v30 = 3 << 16
	long := strings.Repeat("s", 256)
	tests := []struct {
		name  string
		bytes []byte
		want  Packet
	}{
		{"ssl", packet(codeSSL, ""), SSLRequest{}},
		{"gssenc", packet(codeGSSENC, ""), GSSENCRequest{}},
		{"cancel 3.0", packet(codeCancel, "\x00\x00\x01\x02abcd"), &CancelRequest{PID: 258, Secret: []byte("abcd")}},
		{"cancel 3.2", packet(codeCancel, "\xff\xff\xff\xff"+long), &CancelRequest{PID: 1<<32 - 1, Secret: []byte(long)}},
		{"smallest", packet(v30, "user\x00u\x00\x00"), &Startup{Params: []Param{{"user", "u"}}}},
		{
			"3.2 with options unknown to us", packet(v30+2, "_pq_.a\x00\x00user\x00u\x00_pq_.b\x001\x00database\x00\x00\x00"),
			&Startup{
				Minor:   2,
				Params:  []Param{{"_pq_.a", ""}, {"user", "u"}, {"_pq_.b", "1"}, {"database", ""}},
				Unknown: []string{"_pq_.a", "_pq_.b"},
			},
		},
		{"grease", packet(v30+9999, "user\x00u\x00\x00"), &Startup{Minor: 9999, Params: []Param{{"user", "u"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := bytes.NewReader(append(tt.bytes, "next"...))
			got, err := ReadStartup(iotest.OneByteReader(r))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %#v, %v; want %#v", got, err, tt.want)
			}
			if rest, _ := io.ReadAll(r); string(rest) != "next" {
				t.Errorf("read beyond the packet: %q is left", rest)
			}
			for n := range len(tt.bytes) {
				want := io.ErrUnexpectedEOF
				if n == 0 {
					want = io.EOF
				}
				if _, err := ReadStartup(bytes.NewReader(tt.bytes[:n])); err != want {
					t.Errorf("%d bytes of %d: %v, want %v", n, len(tt.bytes), err, want)
				}
			}
		})
	}
}

// What is asked of servers is what clients ask.
func TestAppendRequests(t *testing.T) {
	asked := AppendCancel(AppendSSLRequest(nil), 7, []byte("secret"))
	if want := "\x00\x00\x00\x08\x04\xd2\x16\x2f\x00\x00\x00\x12\x04\xd2\x16\x2e\x00\x00\x00\x07secret"; string(asked) != want {
		t.Errorf("got %q, want %q", asked, want)
	}
}

func TestReadStartupRefuses(t *testing.T) {
	const v30 = 3 << 16
	length := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	tests := []struct {
		name  string
		bytes []byte
		code  string // of the *Error, or "" if the client gets none
	}{
		// Nothing behind the length word: a bad length must be refused before more is read.
		{"length 0", length(0), ""},
		{"length 7", length(7), ""},
		{"too long", length(10005), ""},
		{"HTTP", []byte("GET / HTTP/1.1\r\n"), ""},
		{"negative length", length(1<<32 - 1), ""},
		{"ssl with body", packet(codeSSL, "x"), ""},
		{"cancel without secret", packet(codeCancel, "\x00\x00\x00\x01"), ""},
		{"cancel, empty", packet(codeCancel, ""), ""},
		{"cancel, short secret", packet(codeCancel, "\x00\x00\x00\x01abc"), ""},
		{"cancel, long secret", packet(codeCancel, "\x00\x00\x00\x01"+strings.Repeat("x", 257)), ""},
		{"protocol 2", packet(2<<16, "user\x00u\x00\x00"), "0A000"},
		{"protocol 4", packet(4<<16, "user\x00u\x00\x00"), "0A000"},
		{"no parameters at all", packet(v30, ""), "08P01"},
		{"no terminator", packet(v30, "user\x00u\x00"), "08P01"},
		{"unterminated value", packet(v30, "user\x00u"), "08P01"},
		{"unterminated name", packet(v30, "user\x00u\x00x"), "08P01"},
		{"bytes behind the terminator", packet(v30, "user\x00u\x00\x00\x00"), "08P01"},
		{"no user", packet(v30, "database\x00d\x00\x00"), "28000"},
		{"empty user", packet(v30, "user\x00\x00\x00"), "28000"},
		{"user in upper case", packet(v30, "USER\x00u\x00\x00"), "28000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ReadStartup(bytes.NewReader(tt.bytes))
			if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("got %#v, %v", p, err)
			}
			var e *Error
			if errors.As(err, &e); e == nil && tt.code != "" || e != nil && (e.Code != tt.code || e.Severity != SeverityFatal) {
				t.Errorf("got %v, want code %q", err, tt.code)
			}
		})
	}
}

func TestReadStartupLongest(t *testing.T) {
	body := "user\x00u\x00x\x00" + strings.Repeat("y", 10000-4-len("user_u_x___")) + "\x00\x00"
	p, err := ReadStartup(bytes.NewReader(packet(3<<16, body)))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(p.(*Startup).Params); got != 2 {
		t.Errorf("got %d parameters, want 2", got)
	}
}

// What PostgreSQL 15 makes of the same parameters was asked of it.
func TestStartupAccessors(t *testing.T) {
	tests := []struct {
		name           string
		params         []Param
		user, database string
		replication    bool
		settings       []Setting
	}{
		{name: "database is the user's name", params: []Param{{"user", "u"}}, user: "u", database: "u"},
		{name: "empty database", params: []Param{{"user", "u"}, {"database", "d"}, {"database", ""}}, user: "u", database: "u"},
		{name: "the last one counts", params: []Param{{"user", "a"}, {"user", "b"}, {"database", "c"}, {"database", "d"}}, user: "b", database: "d"},
		{
			name:   "options come first, names fold, order stays",
			params: []Param{{"user", "u"}, {"DateStyle", "sql"}, {"datestyle", "german"}, {"options", "-c Work-Mem=5MB"}, {"_pq_.x", "1"}},
			user:   "u", database: "u",
			settings: []Setting{{"work_mem", "5MB"}, {"datestyle", "sql"}, {"datestyle", "german"}},
		},
		{
			name:   "only the last options",
			params: []Param{{"user", "u"}, {"options", "-c a.b=1"}, {"options", "-c a.c=2"}},
			user:   "u", database: "u", settings: []Setting{{"a.c", "2"}},
		},
		{name: "logical replication", params: []Param{{"user", "u"}, {"replication", "database"}}, user: "u", database: "u", replication: true},
		{name: "physical replication", params: []Param{{"user", "u"}, {"replication", "tRu"}}, user: "u", database: "u", replication: true},
		{name: "nonsense is for the server", params: []Param{{"user", "u"}, {"replication", "o"}}, user: "u", database: "u", replication: true},
		{name: "no replication", params: []Param{{"user", "u"}, {"replication", "oFF"}}, user: "u", database: "u"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &Startup{Params: tt.params}
			if s.User() != tt.user || s.Database() != tt.database || s.Replication() != tt.replication {
				t.Errorf("got %q, %q, %v", s.User(), s.Database(), s.Replication())
			}
			settings, unknown := s.Settings()
			if !reflect.DeepEqual(settings, tt.settings) || unknown != nil {
				t.Errorf("settings %q, unknown %q", settings, unknown)
			}
		})
	}
}

func FuzzReadStartup(f *testing.F) {
	f.Add(packet(codeSSL, ""))
	f.Add(packet(codeCancel, "\x00\x00\x01\x02abcd"))
	f.Add(packet(3<<16+2, "user\x00u\x00_pq_.x\x00\x00options\x00-c a\\ b=c --d-e=f -fs\x00\x00"))
	f.Add(packet(3<<16, "user\x00u"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		p, err := ReadStartup(r)
		if len(data) >= 4 {
			if size := int64(binary.BigEndian.Uint32(data)); int64(len(data)-r.Len()) > max(size, 4) {
				t.Fatalf("read %d bytes of a packet of %d", len(data)-r.Len(), size)
			}
		}
		s, ok := p.(*Startup)
		if err != nil || !ok {
			return
		}
		if s.User() == "" || s.Database() == "" {
			t.Fatal("no user or database")
		}
		settings, _ := s.Settings()
		for _, set := range settings {
			if set.Name != foldName(set.Name) {
				t.Fatalf("name %q is not folded", set.Name)
			}
		}
		s.AppendNegotiation(nil)
		// What was read is what was sent.
		var body strings.Builder
		for _, p := range s.Params {
			body.WriteString(p.Name + "\x00" + p.Value + "\x00")
		}
		if again := packet(3<<16|uint32(s.Minor), body.String()+"\x00"); !bytes.HasPrefix(data, again) {
			t.Fatalf("%q gave %q", data, again)
		}
	})
}
