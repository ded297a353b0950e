package relay

import (
	"strings"
	"testing"
)

// The way in: versions, options, parameters that PostgreSQL refuses.

// What PostgreSQL 18 answers, which has protocol 3.2.
func TestStartupNegotiation(t *testing.T) {
	tests := []struct {
		name    string
		version int
		params  []string
		want    string // the first line
	}{
		{"3.0", 3 << 16, nil, "R 0"},
		{"3.1", 3<<16 | 1, nil, "R 0"},
		{"3.2", 3<<16 | 2, nil, "R 0"},
		{"a version to come", 3<<16 | 9999, nil, `v 00030002 [""]`},
		{"an option", 3 << 16, []string{"_pq_.test_protocol_negotiation", "x"}, `v 00030000 ["_pq_.test_protocol_negotiation"]`},
		{"options and a version", 3<<16 | 2, []string{"_pq_.a", "1", "application_name", "me", "_pq_.b", "2"}, `v 00030002 ["_pq_.a" "_pq_.b"]`},
		{"4.0", 4 << 16, nil, "E FATAL 0A000 unsupported frontend protocol 4.0: server supports 3.0 to 3.2"},
	}
	both(t, func(t *testing.T, p place) {
		if p.proxy == nil && sql(t, "postgres", "SELECT current_setting('server_version_num')::int < 180000") == "t" {
			t.Skip("the server is older")
		}
		for _, test := range tests {
			c := p.dial(t)
			c.send(startupMessage(test.version, append([]string{"user", p.user, "database", p.database}, test.params...)...))
			got := c.line()
			if got != test.want {
				t.Errorf("%s: %s, want %s", test.name, got, test.want)
				continue
			}
			if got[0] == 'E' {
				c.expect(closedLine)
				continue
			}
			c.until("Z I")
			if want := map[bool]int{false: 4, true: 32}[test.version&0xffff >= 2]; len(c.secret) != want {
				t.Errorf("%s: the key for cancel requests has %d bytes, want %d", test.name, len(c.secret), want)
			}
			if got := c.ask("SELECT 1"); got != "D 1, C SELECT 1, Z I" {
				t.Errorf("%s: %s", test.name, got)
			}
			c.leave()
		}
	})
}

// What a server says at login is said by the proxy: all of it, and as it is now.
func TestStartupReports(t *testing.T) {
	p := database(t)
	direct := p.connect(t, "application_name", "me", "client_encoding", "LATIN1", "options", "-c DateStyle=German -c TimeZone=Asia/Tokyo")
	through := p.behind(t, 1)
	for range 2 { // the first makes the backend, the second comes to it
		c := through.connect(t, "application_name", "me", "client_encoding", "LATIN1", "options", "-c DateStyle=German -c TimeZone=Asia/Tokyo")
		if len(c.reported) != len(direct.reported) || c.pid == 0 || len(c.secret) != 4 {
			t.Errorf("%d values are reported, key %d %x", len(c.reported), c.pid, c.secret)
		}
		for name, want := range direct.reported {
			if got := c.reported[name]; got != want {
				t.Errorf("%s is %q, directly %q", name, got, want)
			}
		}
		for _, name := range []string{"application_name", "client_encoding", "DateStyle", "TimeZone"} {
			if got, want := c.value("SHOW "+name), direct.value("SHOW "+name); got != want {
				t.Errorf("%s is %q, directly %q", name, got, want)
			}
		}
		c.leave()
	}
}

// The server's refusals are passed on in its own words.
func TestStartupRefused(t *testing.T) {
	tests := []struct {
		name   string
		params []string
	}{
		{"no such database", []string{"user", "postgres", "database", "missing"}},
		{"no such role", []string{"user", "missing", "database", "postgres"}},
		{"no such parameter", []string{"user", "postgres", "database", "postgres", "missing", "1"}},
		{"bad value", []string{"user", "postgres", "database", "postgres", "DateStyle", "bad"}},
		{"bad option", []string{"user", "postgres", "database", "postgres", "options", "-c work_mem=much"}},
		{"too late an option", []string{"user", "postgres", "database", "postgres", "options", "-c shared_buffers=1GB"}},
		{"no user", []string{"database", "postgres"}},
	}
	p := database(t)
	through := p.behind(t, 1)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var lines []string
			for _, p := range []place{p, through} {
				c := p.dial(t)
				c.send(startupMessage(3<<16, test.params...))
				line := c.line()
				for line == "R 0" || line[0] == 'S' {
					line = c.line()
				}
				lines = append(lines, line)
				c.expect(closedLine)
			}
			if !strings.HasPrefix(lines[0], "E FATAL") || lines[0] != lines[1] && !proxysOwnMatter(lines[1]) {
				t.Errorf("directly %s, through the proxy %s", lines[0], lines[1])
			}
		})
	}
}

// proxysOwnMatter: that the role can't log in is between the proxy and the server.
func proxysOwnMatter(line string) bool {
	return strings.HasPrefix(line, "E FATAL 08004 the upstream server refused the connection pool")
}
