package auth

import (
	"bytes"
	"sync"
)

// A proof of SCRAM yields the ClientKey, to whoever has the verifier (RFC 5802, section 9). With it
// we are to a server with the same verifier what the client is to us, and nobody keeps a password.

// with returns s with a key that a client has shown.
func (s Secret) with(clientKey key) Secret {
	known := *s.reveal()
	known.clientKey = &clientKey
	return conceal(known)
}

// keysFor returns the keys to log in with at a server whose verifier has this salt.
func (s *secret) keysFor(salt []byte, iterations int) (keys, error) {
	switch v := &s.verifier; {
	case s.password != "":
		return deriveKeys(s.password, salt, iterations)
	case s.clientKey == nil:
		return keys{}, ErrNoPassword
	case v.iterations != iterations || !bytes.Equal(v.salt, salt):
		return keys{}, ErrOtherVerifier
	default:
		return keys{client: *s.clientKey, server: v.serverKey}, nil
	}
}

// Keyring keeps what each user's last proof has shown, a key or the MD5 hash that was right, in memory,
// so that connections can be made while no client is there. Any goroutine may use it.
type Keyring struct {
	hidden
	mu      sync.Mutex
	secrets map[string]Secret
}

// Add keeps what a client has shown (Server.Proven).
func (r *Keyring) Add(user string, s Secret) {
	if s.reveal().clientKey == nil && !s.HasMD5() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.secrets == nil {
		r.secrets = make(map[string]Secret)
	}
	r.secrets[user] = s
}

// Complete returns what is known about a user with the key of its last proof. A key of another
// verifier than that of s is no longer of use, and forgotten.
func (r *Keyring) Complete(user string, s Secret) Secret {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, known := r.secrets[user]
	if !known || s.HasPassword() || s.HasMD5() {
		return s
	}
	k := last.reveal().clientKey
	if v := &s.reveal().verifier; k == nil || !v.opens(*k) {
		delete(r.secrets, user)
		return s
	}
	return s.with(*k)
}

// Last returns the secret of a user's last proof, with its key if it has one.
func (r *Keyring) Last(user string) (s Secret, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, known = r.secrets[user]
	return s, known
}
