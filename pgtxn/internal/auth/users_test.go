package auth

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

func TestParseUsers(t *testing.T) {
	const list = "\n" +
		`; a comment` + "\r\n" +
		`  # another "one` + "\n" +
		`"plain" "pa""ss wörd"` + "\r\n" +
		"\t" + `"a ""b"" c"` + "\t\t" + `"x" and what follows` + "\n" +
		`"verifier""" "` + pencilVerifier + `" ""` + "\n" +
		`"nobody" ""` + "\n" +
		`"last""one"""""""` // no: the last field's quotes
	if _, err := ParseUsers(strings.NewReader(list)); err == nil || !strings.HasPrefix(err.Error(), "line 8: ") {
		t.Fatalf("got %v, want an error in line 8", err)
	}
	users, err := ParseUsers(strings.NewReader(list[:strings.LastIndex(list, "\n")]))
	if err != nil {
		t.Fatal(err)
	}
	if users.Len() != 4 {
		t.Errorf("%d users, want 4", users.Len())
	}
	for name, password := range map[string]string{"plain": `pa"ss wörd`, `a "b" c`: "x", `verifier"`: "pencil", "nobody": "", "PLAIN": ""} {
		s, known := users.Lookup(name)
		if known != (name != "PLAIN") {
			t.Errorf("%q: known %v", name, known)
		}
		client := NewClient(name, mustSecret(t, name, password+"?"), false)
		if _, err := converse(t, client, NewServer(s)); err != ErrRejected {
			t.Errorf("%q: a wrong password gives %v", name, err)
		}
		if password == "" {
			continue
		}
		client = NewClient(name, mustSecret(t, name, password), false)
		if clientErr, err := converse(t, client, NewServer(s)); err != nil || clientErr != nil {
			t.Errorf("%q: %v, %v", name, clientErr, err)
		}
	}
}

func TestParseUsersErrors(t *testing.T) {
	for list, want := range map[string]string{
		"\n\nuser secret":                       "line 3: want two fields",
		`"user"`:                                "line 1: want two fields",
		`"user" secret`:                         "line 1: want two fields",
		`"user`:                                 "line 1: a double quote is missing",
		`"user" "secret`:                        "line 1: a double quote is missing",
		`"user" "secret""`:                      "line 1: a double quote is missing",
		"\"user\" \"sec\nret\"":                 "line 1: a double quote is missing",
		`"user" "sec"ret"`:                      "line 1: want white space",
		`"user""secret"`:                        "line 1: want two fields",
		`"user"x "secret"`:                      "line 1: want white space",
		`"" "secret"`:                           "line 1: the user name is empty",
		"\"u\" \"secret\"\n;\n\"u\" \"secret\"": "line 3: the user is in the list twice",
		`"u" "SCRAM-SHA-256$secret"`:            "line 1: malformed",
	} {
		users, err := ParseUsers(strings.NewReader(list))
		if users != nil || err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", list, err, want)
		} else if strings.Contains(strings.ReplaceAll(err.Error(), `"secret"`, ""), "ret") {
			t.Errorf("%q: the error tells the secret: %v", list, err)
		}
	}
	broken := errors.New("broken disk")
	if _, err := ParseUsers(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// serverFirst is what a client gets to see before it has proved anything.
func serverFirst(t *testing.T, s Secret) string {
	t.Helper()
	server := NewServer(s)
	server.nonce = func() string { return "x" }
	reply, _, err := server.Step([]byte(initialResponse(mechanism, "n,,n=,r=a")))
	if err != nil {
		t.Fatal(err)
	}
	return string(body(t, reply, 'R'))
}

func TestUnknownUserLooksKnown(t *testing.T) {
	const more = "SCRAM-SHA-256$10000:"
	strong := strings.Replace(pencilVerifier, "SCRAM-SHA-256$4096:", more, 1)
	before, err := ParseUsers(strings.NewReader(`"a" "` + pencilVerifier + `"` + "\n" + `"b" "` + strong + `"` + "\n" + `"c" "` + strong + `"`))
	if err != nil {
		t.Fatal(err)
	}
	after, err := ParseUsers(strings.NewReader(`"b" "` + strong + `"` + "\n" + `"who" "pencil"` + "\n" + `"none" ""`))
	if err != nil {
		t.Fatal(err)
	}
	unknown, known := before.Lookup("who")
	if known {
		t.Fatal("known")
	}
	first := serverFirst(t, unknown)
	if first != serverFirst(t, unknown) {
		t.Error("an unknown user's salt changes")
	}
	if !strings.HasSuffix(first, ",i=10000") {
		t.Errorf("%q does not have the iterations of the others", first)
	}
	if len(first) != len(serverFirst(t, before.secrets["b"])) {
		t.Errorf("%q is not as long as that of a known user", first)
	}
	plain, known := after.Lookup("who")
	if !known || serverFirst(t, plain) != first {
		t.Errorf("%q became %q when the user got a password", first, serverFirst(t, plain))
	}
	empty, _ := after.Lookup("none")
	other, _ := before.Lookup("none")
	if serverFirst(t, empty) != serverFirst(t, other) {
		t.Error("a user without a password can be told from an unknown one")
	}
	if s, _ := (&Users{}).Lookup("x"); !bytes.Equal(s.reveal().verifier.salt, saltFor("x")) {
		t.Error("an empty list has no mock")
	}
}

// What has not changed is not computed again, and has the same salt.
func TestUpdate(t *testing.T) {
	before, err := ParseUsers(strings.NewReader(`"same" "1"` + "\n" + `"other" "2"` + "\n" + `"gone" "3"`))
	if err != nil {
		t.Fatal(err)
	}
	after, err := before.Update(strings.NewReader(`"same" "1"` + "\n" + `"other" "4"`))
	if err != nil {
		t.Fatal(err)
	}
	secretOf := func(u *Users, name string) *secret {
		s, _ := u.Lookup(name)
		return s.reveal()
	}
	if secretOf(before, "same") != secretOf(after, "same") {
		t.Error("computed again")
	}
	if _, known := after.Lookup("gone"); known || secretOf(after, "other").password != "4" || after.Len() != 2 {
		t.Error("not the new list")
	}
	// With another count of iterations, all are.
	again, err := after.Update(strings.NewReader(`"same" "1"` + "\n" + `"v" "` + strings.Replace(pencilVerifier, "4096", "4097", 1) + `"`))
	if err != nil || secretOf(again, "same").verifier.iterations != 4097 {
		t.Error(err, "the iterations show who has a verifier")
	}
}
