package pgtxn

import (
	"context"
	"errors"
	"io/fs"

	"github.com/caddyserver/certmagic"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
)

// saltSecretKey is where Caddy's storage has the secret that the salts of unknown users
// are made of: they are the same after a restart, and for all instances with one storage.
const saltSecretKey = "pgtxn/salt_secret"

// loadSaltSecret takes the secret that was kept. Without one, that of the process is as good
// until its end.
func loadSaltSecret(ctx context.Context, storage certmagic.Storage) error {
	kept, err := storage.Load(ctx, saltSecretKey)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && len(kept) < len(auth.SaltSecret()) {
		err = errors.New("it is too short; delete it")
	}
	if err == nil {
		auth.SetSaltSecret(kept)
	}
	return err
}

// keepSaltSecret stores the secret, unless one is there.
func keepSaltSecret(ctx context.Context, storage certmagic.Storage) error {
	if storage.Exists(ctx, saltSecretKey) {
		return nil
	}
	return storage.Store(ctx, saltSecretKey, auth.SaltSecret())
}
