package pgtxn

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
)

// directory knows the secrets of users: what the users file has of them or the
// auth_query says, and the keys that clients have shown.
type directory struct {
	file    *usersFile         // nil: there is none
	query   *backend.UserQuery // nil: nobody is asked
	timeout time.Duration      // of a question
	keys    *auth.Keyring

	// usual is the last secret that the query found: unknown users look like it.
	usual atomic.Pointer[auth.Secret]
}

// userDirectory reads the users file, if there is one.
func (h *Handler) userDirectory(log *slog.Logger) (*directory, error) {
	if h.Users == "" {
		return &directory{}, nil
	}
	path, err := replaced("users", h.Users)
	if err != nil {
		return nil, err
	}
	file, err := openUsers(path, log)
	if err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	return &directory{file: file}, nil
}

// userQuery makes the query for users whom the file does not have. It connects
// when the first of them comes.
func (h *Handler) userQuery(d *directory, upstream *backend.Config) {
	if h.AuthUser == "" {
		return
	}
	text, database := cmp.Or(h.AuthQuery, backend.DefaultAuthQuery), cmp.Or(h.AuthDBName, defaultAuthDBName)
	d.timeout = cmp.Or(time.Duration(h.ConnectTimeout), defaultConnectTimeout)
	d.query = backend.NewUserQuery(upstream, d.timeout, h.AuthUser, database, text, func(user string) auth.Secret {
		s, _ := d.fromFile(user)
		return s
	})
}

// reload has the file looked at now instead of with the next login.
func (d *directory) reload() error {
	if d.file == nil {
		return nil
	}
	if err := d.file.check(); err != nil {
		return fmt.Errorf("users: %w", err)
	}
	return nil
}

// Lookup returns what a client has to prove that it knows. For a user who is
// not known it is a mock that nothing opens.
func (d *directory) Lookup(ctx context.Context, user string) (s auth.Secret, known bool, err error) {
	if d.file != nil {
		s, known = d.file.current().Lookup(user)
	}
	if known || d.query == nil || !utf8.ValidString(user) { // of which a server's list has none
		return s, known, nil
	}
	ctx, stop := context.WithTimeout(ctx, d.timeout)
	defer stop()
	text, known, err := d.query.Ask(ctx, user)
	if err != nil {
		return auth.Secret{}, false, err
	}
	if known {
		if s, err = auth.ParseSecret(user, text); err != nil {
			return auth.Secret{}, false, fmt.Errorf("auth_query: the user's password: %w", err)
		}
		d.usual.Store(&s)
		return s, true, nil
	}
	var usual auth.Secret
	if last := d.usual.Load(); last != nil {
		usual = *last
	}
	return auth.Unknown(user, usual), false, nil
}

// isMember asks the server who is a member of a role.
func (d *directory) isMember(ctx context.Context, user, role string) (bool, error) {
	if !utf8.ValidString(user) || !utf8.ValidString(role) {
		return false, nil
	}
	ctx, stop := context.WithTimeout(ctx, d.timeout)
	defer stop()
	return d.query.IsMember(ctx, user, role)
}

// forServer returns what a user logs in at a server with. As for clients the file
// goes before the query.
func (d *directory) forServer(user string) auth.Secret {
	s, known := d.fromFile(user)
	if !known && d.query != nil {
		s, _ = d.keys.Last(user) // what the query said of the user then
	}
	return s
}

// fromFile is what the file has of a user, with the key that a client has shown.
func (d *directory) fromFile(user string) (s auth.Secret, known bool) {
	if d.file == nil {
		return auth.Secret{}, false
	}
	if s, known = d.file.current().Lookup(user); known {
		s = d.keys.Complete(user, s)
	}
	return s, known
}
