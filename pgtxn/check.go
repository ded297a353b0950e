package pgtxn

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
)

// The results of a check.
const (
	checkOK      = "ok"
	checkWarning = "warning"
	checkError   = "ERROR"
)

// oldestVersion of PostgreSQL is the first that reports changed variables ahead of ReadyForQuery.
const oldestVersion = 140000

// finding is one line of caddy pgtxn check.
type finding struct {
	Handler  int    `json:"handler"` // the how manieth of the configuration, from 1
	Upstream string `json:"upstream,omitempty"`
	User     string `json:"user,omitempty"` // who logs in
	Check    string `json:"check"`          // configuration, users, connect, tls, login, version, role or limits
	Result   string `json:"result"`
	Detail   string `json:"detail"`
}

// handlersIn returns the handlers of a configuration, wherever in it they are.
func handlersIn(config []byte) ([]*Handler, error) {
	var tree any
	if err := json.Unmarshal(config, &tree); err != nil {
		return nil, err
	}
	var found []*Handler
	var walk func(any) error
	walk = func(node any) error {
		switch node := node.(type) {
		case []any:
			for _, child := range node {
				if err := walk(child); err != nil {
					return err
				}
			}
		case map[string]any:
			if node["handler"] == "pgtxn" {
				delete(node, "handler")
				text, err := json.Marshal(node)
				if err != nil {
					return err
				}
				h := new(Handler)
				found = append(found, h)
				return caddy.StrictUnmarshalJSON(text, h)
			}
			names := make([]string, 0, len(node))
			for name := range node {
				names = append(names, name)
			}
			slices.Sort(names)
			for _, name := range names {
				if err := walk(node[name]); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return found, walk(tree)
}

// checker checks one handler.
type checker struct {
	*Handler
	number         int
	user, database string // with which to log in where the configuration does not say
	// stranger: nobody of the users file can be tried without its client, so user is, and may be refused.
	stranger bool
	findings []finding
}

func (c *checker) found(result, upstream, user, check, format string, args ...any) {
	c.findings = append(c.findings, finding{c.number, upstream, user, check, result, fmt.Sprintf(format, args...)})
}

// run checks the options, then each server as each user.
func (c *checker) run(ctx context.Context) []finding {
	if err := c.Validate(); err != nil {
		c.found(checkError, "", "", "configuration", "%v", err)
		return c.findings
	}
	users, err := c.userDirectory(slog.New(slog.DiscardHandler))
	if err != nil {
		c.found(checkError, "", "", "users", "%v", err)
		return c.findings
	}
	users.keys = new(auth.Keyring)
	cfg, _, err := c.upstream(users)
	if err != nil {
		c.found(checkError, "", "", "configuration", "%v", err)
		return c.findings
	}
	if c.SSLSet != "" {
		c.found(checkWarning, "", "", "tls", "sslset %s: servers' certificates are not verified by this check, the set is in a running Caddy: see caddy tlsreload status", c.SSLSet)
		cfg.TLS = func() (*tls.Config, error) { return new(tls.Config), nil }
		if strings.HasPrefix(c.SSLMode, "verify-") {
			cfg.SSLMode = backend.Require
		}
	}
	logins, pools := c.logins(cfg, users)
	for _, address := range cfg.Addresses {
		one := cfg.At(address)
		one.Attrs = backend.Any
		for _, user := range logins {
			c.checkLogin(ctx, one, user, pools)
		}
	}
	return c.findings
}

// logins are the users that can be logged in as at the servers. Pools is how many users have a pool in a database.
func (c *checker) logins(cfg *backend.Config, users *directory) (names []string, pools int) {
	switch {
	case cfg.User != "":
		return []string{cfg.User}, 1
	case users.file == nil || users.file.current().Len() == 0:
		return []string{c.user}, 1
	}
	list := users.file.current()
	for _, name := range list.Names() {
		switch secret, _ := list.Lookup(name); {
		case secret.HasPassword(), secret.HasMD5():
			names = append(names, name)
		case secret.Empty():
			c.found(checkWarning, "", name, "users", "not tried: the file has an empty password, with which nobody gets in")
		default:
			c.found(checkWarning, "", name, "users", "not tried: the file has a verifier and no password, and only the client's own login shows the key")
		}
	}
	if names == nil {
		c.stranger = true
		names = []string{c.user}
	}
	return names, list.Len()
}

func (c *checker) checkLogin(ctx context.Context, cfg *backend.Config, user string, pools int) {
	address := cfg.Addresses[0]
	probe, err := backend.Ask(ctx, cfg, cmp.Or(time.Duration(c.ConnectTimeout), defaultConnectTimeout), user, c.database)
	if c.stranger && isRefusal(err) {
		c.found(checkWarning, address, user, "login", "the server can be reached; TLS, version, role and limits are not checked, they take a --user whom it lets in: %v", err)
		return
	}
	if err != nil {
		c.found(checkError, address, user, failedStep(err), "%v", err)
		return
	}
	c.found(checkOK, address, user, "login", "to database %s", c.database)
	c.checkTLS(cfg, user, probe)
	c.checkServer(address, user, probe)
	c.checkLimits(address, user, probe, pools)
}

// isRefusal says whether a server wants another user, or a password that is not known.
func isRefusal(err error) bool {
	var refusal *backend.ServerError
	return errors.As(err, &refusal) && strings.HasPrefix(refusal.SQLState(), "28") || errors.Is(err, auth.ErrNoPassword)
}

// failedStep names what an error of a login is about.
func failedStep(err error) string {
	var refusal *backend.ServerError
	switch {
	case errors.As(err, &refusal):
		return "login"
	case strings.Contains(err.Error(), ": TLS: "):
		return "tls"
	case errors.Is(err, context.DeadlineExceeded), strings.Contains(err.Error(), "dial "):
		return "connect"
	}
	return "login"
}

func (c *checker) checkTLS(cfg *backend.Config, user string, probe *backend.Probe) {
	address := cfg.Addresses[0]
	socket := strings.HasPrefix(address, "/") || strings.HasPrefix(address, "@")
	switch mode := cfg.SSLMode; {
	case socket:
	case probe.TLS == "":
		c.found(checkWarning, address, user, "tls", "none, with sslmode %s", mode)
	case mode != backend.VerifyFull && c.SSLSet == "":
		c.found(checkWarning, address, user, "tls", "%s; sslmode %s does not protect against a false server, verify-full does", probe.TLS, mode)
	default:
		c.found(checkOK, address, user, "tls", "%s, sslmode %s", probe.TLS, cmp.Or(c.SSLMode, defaultSSLMode))
	}
}

func (c *checker) checkServer(address, user string, probe *backend.Probe) {
	if probe.VersionNumber < oldestVersion {
		c.found(checkError, address, user, "version", "PostgreSQL %s; it takes 14 or newer", probe.Version)
	} else {
		c.found(checkOK, address, user, "version", "PostgreSQL %s", probe.Version)
	}
	if probe.Standby {
		c.found(checkWarning, address, user, "role", "a standby: it is read-only")
	}
}

// checkLimits compares the pool with the connections that the server allows.
func (c *checker) checkLimits(address, user string, probe *backend.Probe, pools int) {
	size := cmp.Or(c.PoolSize, defaultPoolSize)
	for _, limit := range []struct {
		name string
		n    int
	}{{"max_connections without those reserved", probe.MaxConnections}, {"the role's CONNECTION LIMIT", probe.RoleLimit}, {"the database's CONNECTION LIMIT", probe.DatabaseLimit}} {
		if limit.n >= 0 && size > limit.n {
			c.found(checkError, address, user, "limits", "pool_size %d is more than %s, %d", size, limit.name, limit.n)
			return
		}
	}
	if all := size * pools; all > probe.MaxConnections {
		c.found(checkWarning, address, user, "limits", "pool_size %d for each of %d users is %d in one database; the server has %d (max_connections without those reserved)",
			size, pools, all, probe.MaxConnections)
		return
	}
	c.found(checkOK, address, user, "limits", "pool_size %d of %d connections, %d in use now", size, probe.MaxConnections, probe.InUse)
}
