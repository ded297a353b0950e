package relay

import "testing"

// FunctionCall: by OIDs, which pg_proc.dat fixes.
const (
	oidInt4Inc      = 766  // int4inc(int4)
	oidVersion      = 89   // version()
	oidInt4Div      = 154  // int4div(int4, int4)
	oidSetConfig    = 2078 // set_config(text, text, bool)
	oidAdvisoryLock = 2880 // pg_advisory_lock(int8)
)

func TestFunctionCall(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c := p.connect(t)
		steps := []struct {
			send [][]byte
			want []string
		}{
			{[][]byte{functionCall(oidInt4Inc, "41")}, []string{"V 42", "Z I"}},
			{[][]byte{functionCall(oidInt4Inc, "1"), functionCall(oidInt4Inc, "2"), query("SELECT 1"), functionCall(oidInt4Inc, "3")},
				[]string{"V 2", "Z I", "V 3", "Z I", "T", "D 1", "C SELECT 1", "Z I", "V 4", "Z I"}},
			{[][]byte{functionCall(oidInt4Div, "1", "0"), functionCall(oidInt4Inc, "2")}, []string{"E ERROR 22012 division by zero", "Z I", "V 3", "Z I"}},
			{[][]byte{functionCall(1)}, []string{"E ERROR 42883 function with OID 1 does not exist", "Z I"}},
			{[][]byte{query("BEGIN"), functionCall(oidInt4Inc, "1"), functionCall(oidInt4Div, "1", "0"), functionCall(oidInt4Inc, "1"), query("ROLLBACK")},
				[]string{"C BEGIN", "Z T", "V 2", "Z T", "E ERROR 22012 division by zero", "Z E",
					"E ERROR 25P02 current transaction is aborted, commands ignored until end of transaction block", "Z E", "C ROLLBACK", "Z I"}},
		}
		for _, s := range steps {
			c.send(s.send...)
			c.expect(s.want...)
		}
		atRest(t, p)
	})
}

// A function can leave anything behind, and nobody else may meet it.
func TestFunctionCallLeavesNothingToOthers(t *testing.T) {
	p := database(t).behind(t, 2)
	one := p.connect(t)
	one.send(functionCall(oidSetConfig, "my.x", "secret", "f"), functionCall(oidAdvisoryLock, "77"))
	one.expect("V secret", "Z I", "V ", "Z I")
	for range 3 {
		two := p.connect(t)
		if got := two.ask("SELECT current_setting('my.x', true), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())"); got != "D NULL|0, C SELECT 1, Z I" && got != "D |0, C SELECT 1, Z I" {
			t.Error("another client sees", got)
		}
		two.leave()
	}
	if got := one.value("SHOW my.x"); got != "secret" {
		t.Error("its owner sees", got)
	}
	one.leave()
	last := p.connect(t)
	eventually(t, "the lock is released", func() bool { return last.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0" })
}
