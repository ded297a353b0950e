package pgtxn

import (
	"os"
	"strings"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

// Lists between commas: what a server refuses in its files is refused here, in its words, and nothing else is.
func TestListsInLines(t *testing.T) {
	startPostgres(t)
	cert, key := testca.SelfSigned(t)
	s := loginServer(t, []string{"local all all trust"}, pgtest.TLS(cert, key, cert))
	rules := []string{
		"host,hostssl all all all trust",
		"host all all 10.0.0.0/8,192.168.0.0/16 reject",
		"host all all 10.0.0.0/8, 192.168.0.0/16 reject",
		"host all all all,all reject",
		"host all all 10.0.0.1,10.0.0.2 255.255.255.255 reject",
		"host all all 10.0.0.1 255.255.255.255,255.0.0.0 reject",
		"host all all all md5,reject",
		"local all all trust,reject",
		"host a,b u,v all trust",
		"host all , all all trust",
		"host all all , all trust",
		"host all all all trust ,",
		"hostssl all all all scram-sha-256 clientname=DN,clientcert=verify-full",
		"hostssl all all all scram-sha-256 clientname=DN, clientcert=verify-full",
		"hostssl all all all cert map=m,",
	}
	compareWords(t, s, "hba", "hba_file_rules", rules, checkRule)
	compareWords(t, s, "ident", "ident_file_mappings", []string{"m,n a b", "m a,c b", "m a b,c", "m a b,", "m , a b"}, checkMapping)
}

// compareWords has a server judge each line of one of its files, and ours.
func compareWords(t *testing.T, s *pgtest.Server, file, view string, lines []string, ours func(string) error) {
	t.Helper()
	path := serverSQL(t, s, "SHOW "+file+"_file")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		want := serverSQL(t, s, "SELECT coalesce(error, '') FROM pg_"+view)
		got := ""
		if err := ours(line); err != nil {
			got = err.Error()
		}
		if (got == "") != (want == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%s\n   got %q\nserver %q", line, got, want)
		}
	}
	if err := os.WriteFile(path, before, 0o600); err != nil {
		t.Fatal(err)
	}
}
