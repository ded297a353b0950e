package pgtxn

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// How long a refused login takes: of a user whom nobody knows, and of one with a wrong
// password, by turns. If the medians differ by more than those of two runs do, strangers
// can find out who is a user. It measures, so it runs when asked for:
//
//	PGTXN_LOGIN_TIMES=1000 go test -v -run TestLoginTimes ./pgtxn
func TestLoginTimes(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("PGTXN_LOGIN_TIMES"))
	if rounds == 0 {
		t.Skip("it measures; PGTXN_LOGIN_TIMES says how often")
	}
	startPostgres(t)
	s := loginServer(t, []string{"host all asker 127.0.0.1/32 trust", "host all all 127.0.0.1/32 scram-sha-256"})
	serverSQL(t, s, "CREATE ROLE asker SUPERUSER LOGIN")
	p := prepare(t)
	for _, source := range []string{"users " + newUsers(t, "app", rolpassword(t, s, "app")), "auth_user asker"} {
		p.load(t, "upstream "+s.Addr+"\nmax_failed_logins 0\n"+source)
		if got := psql(t, p.addr, "user=app password=pencil"); got != "app" { // the query has answered once
			t.Fatal(got)
		}
		name, _, _ := strings.Cut(source, " ")
		var unknown, wrong, again []time.Duration
		for range rounds {
			unknown = append(unknown, refusedLogin(t, p.addr, "stranger", "pen"))
			wrong = append(wrong, refusedLogin(t, p.addr, "app", "pen"))
			again = append(again, refusedLogin(t, p.addr, "stranger", "pen"))
		}
		t.Logf("%s: unknown user %v, known user %v, unknown user again %v (median, 90th percentile of %d)",
			name, spread(unknown), spread(wrong), spread(again), rounds)
	}
}

// refusedLogin logs in and returns how long it took until the login was refused.
func refusedLogin(t *testing.T, addr, user, password string) time.Duration {
	t.Helper()
	began := time.Now()
	conn, err := pgx.Connect(t.Context(), "postgres://"+user+":"+password+"@"+addr+"/postgres?sslmode=disable")
	took := time.Since(began)
	if err == nil {
		_ = conn.Close(context.Background())
	}
	if sqlState(err) != "28P01" {
		t.Fatalf("%s: %v", user, err)
	}
	return took
}

func spread(times []time.Duration) [2]time.Duration {
	slices.SortFunc(times, cmp.Compare[time.Duration])
	return [2]time.Duration{times[len(times)/2].Round(time.Microsecond), times[len(times)*9/10].Round(time.Microsecond)}
}
