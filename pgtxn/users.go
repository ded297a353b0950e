package pgtxn

import (
	"fmt"
	"log/slog"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
)

// directory knows the secrets of users: what the users file has of them, and
// the keys that clients have shown.
type directory struct {
	file *usersFile // nil: there is none
	keys *auth.Keyring
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

// Lookup returns what a client has to prove that it knows. For a user who is
// not known it is a mock that nothing opens.
func (d *directory) Lookup(user string) (s auth.Secret, known bool) {
	return d.file.current().Lookup(user)
}

// forServer returns what a user logs in at a server with.
func (d *directory) forServer(user string) auth.Secret {
	if d.file == nil {
		return auth.Secret{}
	}
	s, _ := d.file.current().Lookup(user)
	return d.keys.Complete(user, s)
}
