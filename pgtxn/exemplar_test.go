package pgtxn

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

// One transaction waits. Its id is the same in the session's view while it waits, in the log, and in the exemplar of the
// bucket that it was counted in; the pin that it makes has it too.
func TestTransactionID(t *testing.T) {
	p := prepare(t)
	sql(t, "CREATE ROLE exemplar LOGIN")
	web := freeAddress(t)
	p.loadCaddyfile(t, caddyfileOf(p.addr, p.globals, "upstream UPSTREAM\npool_size 1\nauth trust\nlog_min_wait 0s")+"\nhttp://"+web+" {\nmetrics\n}\n")
	const params = "user=exemplar sslmode=disable"
	holds, waits := p.mustConnect(t, params), p.mustConnect(t, params)
	exec(t, waits, "SELECT 1")
	exec(t, waits, "BEGIN; SELECT 1; COMMIT")
	exec(t, holds, "BEGIN")
	done := make(chan error)
	go func() {
		_, err := waits.PgConn().Exec(t.Context(), "SELECT pg_advisory_lock(1)").ReadAll()
		done <- err
	}()
	var view relay.SessionView
	incaddy.Await(t, "it waits", func() bool { view = p.session(t, waits); return view.State == "waiting" })
	id := view.TransactionID
	if want := view.ID + ".3"; id != want {
		t.Errorf("it waits with the third transaction, %s; not %s", want, id)
	}
	exec(t, holds, "COMMIT")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	var pins []relay.Incident
	incaddy.Await(t, "it is pinned", func() bool {
		pins = get[[]relay.Incident](t, p, "/pgtxn/log?session="+view.ID)
		return len(pins) == 1
	})
	if got := p.session(t, waits).TransactionID; got != id {
		t.Errorf("behind it the last transaction is %s", got)
	}
	if pins[0].Transaction != id {
		t.Errorf("GET /pgtxn/log: %+v", pins)
	}
	for _, message := range []string{"slow wait for a backend", "the session keeps its backend between transactions"} {
		if want := fmt.Sprintf(`"msg":"%s","session":%s,"transaction":"%s"`, message, view.ID, id); strings.Count(p.log(t), want) != 1 {
			t.Errorf("the log has no %s", want)
		}
	}
	exemplar := fmt.Sprintf(`(?m)^caddy_pgtxn_wait_seconds_bucket\{.*user="exemplar".*\} \d+ # \{transaction_id="%s"\} [0-9.e-]+ [0-9.e+]+$`, regexp.QuoteMeta(id))
	if body := openMetrics(t, web); !regexp.MustCompile(exemplar).MatchString(body) {
		t.Errorf("no exemplar %s in\n%s", exemplar, body)
	}
	if _, ok := waits.PgConn().Exec(t.Context(), "BEGIN; SELECT 1/0").ReadAll(); sqlState(ok) != "22012" {
		t.Fatal(ok)
	}
	_ = waits.PgConn().Conn().Close()
	incaddy.Await(t, "the end of the session names the transaction that was open", func() bool {
		return regexp.MustCompile(`"msg":"session ended","session":` + view.ID + `,.*"transaction":"` + view.ID + `\.4"`).MatchString(p.log(t))
	})
}

// openMetrics scrapes as Prometheus does.
func openMetrics(t *testing.T, address string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || !strings.HasSuffix(string(body), "# EOF\n") {
		t.Fatalf("%v %s", err, body)
	}
	return string(body)
}
