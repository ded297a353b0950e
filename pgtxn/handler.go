package pgtxn

import (
	"crypto/tls"
	"net"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
	"github.com/mholt/caddy-l4/layer4"
	"github.com/mholt/caddy-l4/modules/l4tls"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload"
)

func init() {
	caddy.RegisterModule(&Handler{})
	tlsreload.OnDrain(drain)
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
	// The servers, tried in order: the first that can be reached, and that fits
	// target_session_attrs, is used. Each is host:port, or the path of a Unix
	// socket: unix//path or /path, with the socket's own name, such as
	// /var/run/postgresql/.s.PGSQL.5432. The port is 5432 if there is none. At least
	// one is needed.
	Upstreams []string `json:"upstreams,omitempty"`

	// Which of the servers will do, as libpq's target_session_attrs: any;
	// read-write or read-only, by whether sessions there can write; primary or
	// standby; prefer-standby, a standby if there is one. After a failover the
	// first server that fits is found again. Default: any.
	TargetSessionAttrs string `json:"target_session_attrs,omitempty"`

	// In which order the servers are tried, as libpq's load_balance_hosts:
	// disable, as they are named, or random. Default: disable.
	LoadBalanceHosts string `json:"load_balance_hosts,omitempty"`

	// A server that could not be reached or did not fit is tried after the
	// others, until a login to it works. This is how often that is tried, while
	// connections are being made. Default: 10s.
	HealthInterval caddy.Duration `json:"health_interval,omitempty"`

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
	// then have this user's rights. Default: the client's own user, with the key
	// that its login has shown, or its password from the users file.
	UpstreamUser string `json:"upstream_user,omitempty"`

	// The password of upstream_user, if the servers ask for it. A placeholder
	// keeps it out of the configuration. Default: none.
	UpstreamPassword string `json:"upstream_password,omitempty"`

	// How long a client keeps a server connection: transaction, or session: from
	// its first statement until it leaves, as without a pool. Default: transaction.
	PoolMode string `json:"pool_mode,omitempty"`

	// Another pool_mode for users and for databases, by their names. That of the
	// user goes before that of the database.
	PoolModeUsers     map[string]string `json:"pool_mode_users,omitempty"`
	PoolModeDatabases map[string]string `json:"pool_mode_databases,omitempty"`

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

	// How long connecting to one server may take, with TLS and login. A client
	// that can't be served because of it gets an error with SQLSTATE 08001.
	// Default: 15s.
	ConnectTimeout caddy.Duration `json:"connect_timeout,omitempty"`

	// How long a client may take to connect, with TLS and authentication; then
	// it is disconnected. Default: 60s, as PostgreSQL's authentication_timeout.
	LoginTimeout caddy.Duration `json:"login_timeout,omitempty"`

	// How long a connection, of a client or to a server, may be silent until the
	// other end is asked whether it is there (TCP keepalive), how often it is then
	// asked, and after how many questions without an answer the connection is given
	// up. In whole seconds, up to 32767, and at most 127 questions. Defaults: 15s,
	// 15s, 9.
	TCPKeepalivesIdle     caddy.Duration `json:"tcp_keepalives_idle,omitempty"`
	TCPKeepalivesInterval caddy.Duration `json:"tcp_keepalives_interval,omitempty"`
	TCPKeepalivesCount    int            `json:"tcp_keepalives_count,omitempty"`

	// How long what was sent on a connection, to a client or to a server, may stay
	// unacknowledged; then the connection is given up. So a session hears soon that
	// its server's machine is gone, which keepalives can't tell while a statement
	// is under way. It also bounds how long keepalives go on. Linux only. Default:
	// the system's, some 15 minutes.
	TCPUserTimeout caddy.Duration `json:"tcp_user_timeout,omitempty"`

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

	// The most savepoints that a transaction may have at a time. One more is
	// refused with SQLSTATE 54000, which aborts the transaction like any error;
	// ROLLBACK TO an older one goes on. Default: no limit, as in PostgreSQL.
	MaxSavepoints int `json:"max_savepoints,omitempty"`

	// The most memory that the variables of one session may take, in bytes, those
	// that its savepoints would bring back included; a savepoint alone takes some
	// 50 bytes. A SET or SAVEPOINT beyond it is refused with SQLSTATE 54000, which
	// aborts the transaction like any error. Default: 64 MiB (67108864).
	MaxSessionMemory int `json:"max_session_memory,omitempty"`

	// The most prepared statements that a client may have at a time under names of
	// the protocol. One more is refused with SQLSTATE 54000. Default: 10000.
	MaxClientPrepared int `json:"max_client_prepared,omitempty"`

	// Which sessions keep their server connection so that currval and lastval work
	// in a later transaction than the one that drew from the sequence, as on a
	// connection of their own; in the same one they always do. "on": those that may
	// draw, by calling nextval or setval, by writing (the default of a column may
	// call nextval) or by calling a function, and those that call currval or
	// lastval. "auto": none, until a session of the pool (user and database) calls
	// currval or lastval in a later transaction. From then on those that may draw,
	// but only until somebody has waited for a second, or for 10 seconds if the
	// session has made such a call itself; these do not count for max_pinned and
	// pin_timeout. "off": none. Default: auto.
	PinSequences string `json:"pin_sequences,omitempty"`

	// The most sessions of a pool that may keep their server connection between
	// transactions, for state that can't be moved (a pin). A statement that would pin
	// one more, such as CREATE TEMP TABLE, gets SQLSTATE 53400; a session that is
	// found to be pinned by what a function did is disconnected. Keep it below
	// pool_size, so that those without pins always have their share. Default: no
	// limit.
	MaxPinned int `json:"max_pinned,omitempty"`

	// How long a pinned session may be idle between transactions. Then it is
	// disconnected with SQLSTATE 57P05, also one that waits for notifications. 0:
	// for ever. Default: 0.
	PinTimeout *caddy.Duration `json:"pin_timeout,omitempty"`

	// After what a server connection is reset before another session gets it, in
	// the same flight as that session's own first statement. A function may set
	// variables in secret, and a statement may call one in secret: through a
	// trigger, a view, an operator, a policy. always: after any query, so that no
	// session ever meets another's variables or role. writes: only after queries
	// that write, which is a few percent cheaper when many clients read through
	// few connections, and right where nothing that reads sets variables. Default:
	// always.
	Scrub string `json:"scrub,omitempty"`

	// After which transactions the server is asked what they changed in secret, so
	// that it moves with its session, or pins it if it can't move. The client has
	// its answer by then. calls: DO, CALL, EXECUTE, set_config and functions that
	// are not known to be harmless. writes: these and all writes, since triggers may
	// set variables. always: every query, since views and operators may. never:
	// none; then calls keep their connection until DISCARD ALL. Each question costs
	// the server as much as some twenty short queries. Default: calls.
	Inspect string `json:"inspect,omitempty"`

	// A server connection never forgets that a custom setting (my.x) was set on it:
	// it is '' from then on, where a new connection has NULL. own: a session gets
	// only connections on which nothing was set that it has not set itself, or else
	// a new one, so that it sees what it would on a connection of its own. shared:
	// any; cheaper where many short-lived clients set custom settings, and right
	// where nothing tells '' from NULL. Default: own.
	CustomSettings string `json:"custom_settings,omitempty"`

	// Who listens for a client between its transactions. shared: one server
	// connection for each user and database, beside the pool's, as long as there are
	// clients that listen; their notifications are those that a connection of their
	// own would get. A statement of such a client takes some milliseconds more, since
	// its channels go with it to the connection that runs it. pin: the connection
	// that ran LISTEN, which is then no other client's. It is so in any case with
	// several upstreams, unless target_session_attrs is primary or read-write, and
	// for clients with another client_encoding than the server begins with, or with
	// a timeout that is not in whole seconds.
	// Default: shared.
	Listen string `json:"listen,omitempty"`

	// How often, behind a transaction, a session's variables as they were tracked
	// are compared with those that the server has: off, sampled (one transaction
	// in a hundred) or always. A difference is logged, counted, and emitted as the
	// event pgtxn.drift; the server's values are taken. Costs as much as inspect.
	// Default: off.
	Verify string `json:"verify,omitempty"`

	// How clients prove who they are, as at the end of a line of pg_hba.conf: a
	// method and its options. scram-sha-256, with channel binding for those who
	// come by connection_policies; md5 for users whose password the users file has
	// as an MD5 hash, and SCRAM for the others; password, in clear text and only
	// over TLS or a Unix socket; cert, by a client certificate that the connection
	// policy has checked (client_auth); trust, which lets in everybody as whom they
	// please; reject. clientcert=verify-ca or verify-full asks for a certificate
	// beside the method, the latter for one with the user's name. clientname=CN, DN or SAN
	// says which name, map=name that user_map translates it. Default:
	// scram-sha-256.
	Auth string `json:"auth,omitempty"`

	// Lines of pg_hba.conf, in place of auth and hostssl: connection type (local,
	// host, hostssl, hostnossl), databases, users, address (not with local), and
	// what auth takes. Databases and users are names between commas, or regular
	// expressions behind a slash; all, sameuser, samerole, +role and replication are
	// what they are there, and for roles auth_user asks the server. The first line
	// that a client meets counts; if it meets none it is refused.
	HBA []string `json:"hba,omitempty"`

	// Lines of pg_ident.conf, for rules with map=name: the map's name, a name in a
	// certificate (or a regular expression behind a slash), and the user that its
	// holder may be; \1 in it is what the expression's first group matched, all is
	// any user, and +role the members of a role, for which auth_user asks the server.
	UserMap []string `json:"user_map,omitempty"`

	// The most wrong passwords that an address may try in a minute, an IPv6 network
	// of 64 bits counting as one; then it is refused unheard for a while. Unix
	// sockets are not limited. 0: no limit. Default: 60.
	MaxFailedLogins *int `json:"max_failed_logins,omitempty"`

	// A file with the users in the format of PgBouncer's userlist.txt: lines of
	// "name" "secret", with the SCRAM-SHA-256$… verifier that PostgreSQL has in
	// pg_authid.rolpassword, a plain password, or an MD5 hash of old. With the
	// server's own verifier clients are checked, and the key that their proof shows
	// logs in at the server. A change of the file counts from the next login on; a
	// bad file changes nothing, and the log says why. Methods with passwords need it,
	// or auth_user.
	Users string `json:"users,omitempty"`

	// The user that asks the servers for the secrets of users who are not in the
	// users file; its own password is there, if the servers want one. It asks on a
	// connection of its own, once for each login. Default: nobody is asked.
	AuthUser string `json:"auth_user,omitempty"`

	// What auth_user asks: a query with the user's name as $1 that returns the name
	// and the password, as pg_authid has it. No row, or no password, lets nobody in.
	// Default: pg_authid is asked, which takes a superuser; or have a function of a
	// superuser do it (SECURITY DEFINER), and give auth_user the right to call it.
	AuthQuery string `json:"auth_query,omitempty"`

	// The database that auth_user connects to. Default: postgres.
	AuthDBName string `json:"auth_dbname,omitempty"`

	// How to do TLS with clients that ask for it, by SSLRequest or directly
	// (sslnegotiation=direct); the first policy that matches is used. Policies
	// have the protocol name postgresql unless they set another. One empty
	// policy is TLS with the certificates that Caddy has. Default: no TLS.
	ConnectionPolicies caddytls.ConnectionPolicies `json:"connection_policies,omitempty"`

	// Refuse clients that don't use TLS, as when all lines of pg_hba.conf begin
	// with hostssl. The methods password and cert do so by themselves. Default:
	// false.
	HostSSL bool `json:"hostssl,omitempty"`

	// The users who may use the console: who connects to its database talks to the
	// proxy itself, in PgBouncer's words, such as SHOW POOLS. Admins may steer it,
	// too: PAUSE, KILL and so on. They log in as all clients do, so rules that trust
	// clients trust these. Default: nobody; then there is no console.
	AdminUsers []string `json:"admin_users,omitempty"`
	StatsUsers []string `json:"stats_users,omitempty"`

	// The database that is the console. A database of this name at the servers
	// can't be reached through this handler. Default: pgtxn.
	ConsoleDBName string `json:"console_dbname,omitempty"`

	// The number of this instance, from 1 to 127, where several share an address,
	// behind a load balancer, say: a cancel request that comes to the wrong one is
	// sent on to the one that has the session. Default: none.
	PeerID int `json:"peer_id,omitempty"`

	// The addresses of the instances, by their numbers, each as that of an
	// upstream: where that very instance listens. That of this one may be among
	// them, so that all can have the same. It takes peer_id.
	Peers map[int]string `json:"peers,omitempty"`

	app    *App
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
	conn := new(tlsreload.Connection)
	socket := socketOf(cx)
	_ = h.config.Socket.Set(socket) // fails for a client that has left, as reading will
	ctx, gone := conn.Handshake(cx.Context), h.app.gone(socket.LocalAddr())
	unwelcome := func() bool { return conn.Drained() || gone() }
	if hellos := l4tls.GetClientHelloInfos(cx); len(hellos) > 0 {
		conn.Accepted(&hellos[len(hellos)-1].ClientHelloInfo, acceptedAt(cx))
	}
	if states, ok := cx.GetVar(layer4.TLSConnectionStatesVarName).([]*tls.ConnectionState); ok && len(states) > 0 {
		return hub.Serve(ctx, secured{cx, states[len(states)-1]}, nil, h.configInTLS, unwelcome)
	}
	switch cx.Conn.(type) {
	case *net.TCPConn, *net.UnixConn: // the hub waits for these without a goroutine
		conn.Again = dialAgain(cx.LocalAddr())
		return hub.Serve(ctx, cx.Conn, cx.MatchingBytes(), h.config, unwelcome)
	}
	return hub.Serve(ctx, cx, nil, h.config, unwelcome)
}

// acceptedAt is when the connection came in.
func acceptedAt(cx *layer4.Connection) time.Time {
	at, _ := cx.Replacer().Get(layer4.ConnWrapTimeReplKey)
	accepted, _ := at.(time.Time)
	return accepted
}

// secured is a connection out of the stock tls handler.
type secured struct {
	*layer4.Connection
	state *tls.ConnectionState
}

// ConnectionState says who the client is.
func (s secured) ConnectionState() tls.ConnectionState { return *s.state }

// Interface guards
var (
	_ caddy.Provisioner  = (*Handler)(nil)
	_ caddy.Validator    = (*Handler)(nil)
	_ layer4.NextHandler = (*Handler)(nil)
	_ relay.Secured      = secured{}
)
