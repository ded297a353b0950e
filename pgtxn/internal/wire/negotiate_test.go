package wire

import "testing"

// The messages are what PostgreSQL 18 answers to the same packets.
func TestAppendNegotiation(t *testing.T) {
	tests := []struct {
		startup Startup
		want    string
	}{
		{Startup{}, ""},
		{Startup{Minor: 2}, ""},
		{Startup{Minor: 3}, "v\x00\x00\x00\x0c\x00\x03\x00\x02\x00\x00\x00\x00"},
		{Startup{Unknown: []string{"_pq_.foo"}}, "v\x00\x00\x00\x15\x00\x03\x00\x00\x00\x00\x00\x01_pq_.foo\x00"},
		{Startup{Minor: 2, Unknown: []string{"_pq_.foo", "_pq_.bar"}}, "v\x00\x00\x00\x1e\x00\x03\x00\x02\x00\x00\x00\x02_pq_.foo\x00_pq_.bar\x00"},
	}
	for _, tt := range tests {
		if got := tt.startup.AppendNegotiation([]byte("before")); string(got) != "before"+tt.want {
			t.Errorf("%+v: got %q, want %q", tt.startup, got, tt.want)
		}
	}
}
