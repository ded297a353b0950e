package pgtxn

import (
	"net"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
	"github.com/mholt/caddy-l4/layer4"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

func init() {
	caddy.RegisterModule(&Handler{})
}

// Handler takes PostgreSQL clients and has them share a pool of server
// connections for each user and database. A client has a server connection
// for the length of a transaction, and finds its session's variables on
// whichever it gets. A session with state that can't be moved, such as a
// temporary table, keeps its server connection; the admin API shows why.
//
// Handlers with the same upstreams, TLS towards them and credentials share
// their pools, also across configuration reloads, during which sessions go on.
//
// Placeholders such as {env.NAME} and {file./path} are replaced in upstreams,
// file names, upstream_user and upstream_password when the configuration is
// loaded.
type Handler struct {
	// The servers, tried in order: the first that can be reached is used. Each
	// is host:port, or the path of a Unix socket: unix//path or /path, with the
	// socket's own name, such as /var/run/postgresql/.s.PGSQL.5432. The port is
	// 5432 if there is none. At least one is needed.
	Upstreams []string `json:"upstreams,omitempty"`

	// How TLS is used towards the servers, as libpq's sslmode: disable, prefer,
	// require, verify-ca or verify-full. Only the last two protect against a
	// false server. Unix sockets never use TLS. Default: prefer.
	SSLMode string `json:"sslmode,omitempty"`

	// A PEM file with the certificate authorities that server certificates are
	// checked against; it takes sslmode verify-ca or verify-full. Default: the
	// authorities of the system.
	SSLRootCert string `json:"sslrootcert,omitempty"`

	// PEM files with the certificate, and its key, that is shown to servers
	// that ask for one. Give both or none. Default: none.
	SSLCert string `json:"sslcert,omitempty"`
	SSLKey  string `json:"sslkey,omitempty"`

	// The set of the app tlsreload whose upstream certificate and authorities
	// are used towards the servers, instead of sslrootcert, sslcert and sslkey:
	// after a reload of the set, new server connections use the new ones. Without
	// upstream_cas in the set, the authorities are those of the system. Default:
	// none.
	SSLSet string `json:"sslset,omitempty"`

	// The user that logs in at the servers, whoever the client is: all clients
	// then have this user's rights. Default: the client's own user, with its
	// password from the users file, if there is one.
	UpstreamUser string `json:"upstream_user,omitempty"`

	// The password of upstream_user, if the servers ask for it. A placeholder
	// keeps it out of the configuration. Default: none.
	UpstreamPassword string `json:"upstream_password,omitempty"`

	// The most server connections that a user has to a database. The servers'
	// max_connections must be enough for all users and databases in use.
	// Default: 20.
	PoolSize int `json:"pool_size,omitempty"`

	// How long a client waits for a server connection while all are in use.
	// Then it gets an error with SQLSTATE 53300 and can try again; its
	// statement was not run. 0: for ever. Default: 2m.
	WaitTimeout *caddy.Duration `json:"wait_timeout,omitempty"`

	// How long a server connection may be unused before it is closed. 0: for
	// ever. Default: 10m.
	IdleTimeout *caddy.Duration `json:"idle_timeout,omitempty"`

	// The age from which a server connection is closed instead of lent again.
	// 0: none. Default: 1h.
	MaxLifetime *caddy.Duration `json:"max_lifetime,omitempty"`

	// How long connecting to a server may take, with TLS and login. A client
	// that can't be served because of it gets an error with SQLSTATE 08001.
	// Default: 15s.
	ConnectTimeout caddy.Duration `json:"connect_timeout,omitempty"`

	// How long a client may take to connect, with TLS and authentication; then
	// it is disconnected. Default: 60s, as PostgreSQL's authentication_timeout.
	LoginTimeout caddy.Duration `json:"login_timeout,omitempty"`

	// How long open transactions may take to end when Caddy stops; then their
	// sessions are cut. Sessions outside of a transaction end at once. Of several
	// handlers the longest counts. systemd kills Caddy after TimeoutStopSec, 5s in
	// Caddy's own unit. 0: they are cut at once. Default: 4s.
	ShutdownTimeout *caddy.Duration `json:"shutdown_timeout,omitempty"`

	// Waits for a server connection that are at least this long are logged, as
	// warnings. 0: all waits. Default: none.
	LogMinWait *caddy.Duration `json:"log_min_wait,omitempty"`

	// The longest statement that is read for what it does to the session, in
	// bytes. A longer one is passed on unread, and its session keeps its server
	// connection from then on. It is also what one client can make the proxy
	// hold in memory. Default: 16 MiB (16777216).
	MaxStatement int `json:"max_statement,omitempty"`

	// The most statements that clients have prepared at a time on each server
	// connection; those used least recently are prepared again when needed.
	// Default: 1000.
	MaxPrepared int `json:"max_prepared,omitempty"`

	// After what a server connection is reset before another session gets it, in
	// the same flight as that session's own first statement. A function may set
	// variables in secret, and a statement may call one in secret: through a
	// trigger, a view, an operator, a policy. always: after any query, so that no
	// session ever meets another's variables or role. writes: only after queries
	// that write, which is a few percent cheaper when many clients read through
	// few connections, and right where nothing that reads sets variables. Default:
	// always.
	Scrub string `json:"scrub,omitempty"`

	// After what the server is asked what a transaction changed in secret, behind
	// the client's answer, so that it moves with its session (or pins it, for what
	// can't move). calls: DO, CALL, EXECUTE, set_config and functions that are not
	// known to be harmless. writes: these and all that writes, since triggers may
	// set variables. always: every query, since views and operators may. never:
	// nothing; then calls keep their connection until DISCARD ALL. Each question
	// costs the server as much as some twenty short queries. Default: calls.
	Inspect string `json:"inspect,omitempty"`

	// How often, behind a transaction, a session's variables as they were tracked
	// are compared with those that the server has: off, sampled (one transaction
	// in a hundred) or always. A difference is logged, counted, and emitted as the
	// event pgtxn.drift; the server's values are taken. Costs as much as inspect.
	// Default: off.
	Verify string `json:"verify,omitempty"`

	// How clients prove who they are: scram-sha-256, against the users file, or
	// trust, which lets in everybody as whom they please. Default:
	// scram-sha-256.
	Auth string `json:"auth,omitempty"`

	// A file with the users in the format of PgBouncer's userlist.txt: lines of
	// "name" "secret", with a plain password or the SCRAM-SHA-256$… verifier
	// that PostgreSQL has in pg_authid.rolpassword. With a verifier a client
	// can be checked, but it takes a password to log in at a server that asks
	// for one. The file is read when the configuration is loaded; use
	// caddy reload --force after a change. Needed for auth scram-sha-256.
	Users string `json:"users,omitempty"`

	// How to do TLS with clients that ask for it, by SSLRequest or directly
	// (sslnegotiation=direct); the first policy that matches is used. Policies
	// have the protocol name postgresql unless they set another. One empty
	// policy is TLS with the certificates that Caddy has. Default: no TLS.
	ConnectionPolicies caddytls.ConnectionPolicies `json:"connection_policies,omitempty"`

	// Refuse clients that don't use TLS, as when all lines of pg_hba.conf begin
	// with hostssl. Default: false.
	HostSSL bool `json:"hostssl,omitempty"`

	config *relay.Config
	// configInTLS is for connections that come out of a tls handler.
	configInTLS *relay.Config
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "layer4.handlers.pgtxn",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Handle serves one client and returns when it has left. It may be called, and
// may go on, when h's configuration has been replaced by another.
func (h *Handler) Handle(cx *layer4.Connection, _ layer4.Handler) error {
	hub, err := theHub()
	if err != nil {
		return err
	}
	cfg := h.config
	if cx.GetVar(layer4.TLSConnectionStatesVarName) != nil {
		cfg = h.configInTLS
	}
	switch cx.Conn.(type) {
	case *net.TCPConn, *net.UnixConn: // the hub waits for these without a goroutine
		return hub.Serve(cx.Context, cx.Conn, cx.MatchingBytes(), cfg)
	}
	return hub.Serve(cx.Context, cx, nil, cfg)
}

// Interface guards
var (
	_ caddy.Provisioner  = (*Handler)(nil)
	_ caddy.Validator    = (*Handler)(nil)
	_ layer4.NextHandler = (*Handler)(nil)
)
