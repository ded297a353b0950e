package console

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// What the SHOW commands show. Columns that are in PgBouncer too have its names, meanings and units, and are in its order;
// ours follow.

// field is a column of a table of Vs.
type field[V any] struct {
	column
	of func(V) any
}

func word[V any](name string, of func(V) string) field[V] {
	return field[V]{column{name, false}, func(v V) any { return of(v) }}
}

func number[V any, N int | int64 | uint32 | uint64](name string, of func(V) N) field[V] {
	return field[V]{column{name, true}, func(v V) any { return int64(of(v)) }}
}

// show makes a SHOW command of a list and the table to show it in.
func show[V any](what, about string, list func(*visit) []V, table ...field[V]) command {
	c := command{name: "SHOW " + what, about: about}
	for _, f := range table {
		c.columns = append(c.columns, f.column)
	}
	c.run = func(_ context.Context, s *visit, _ []string) (rows []row, err error) {
		return rowsOf(list(s), table), nil
	}
	return c
}

func rowsOf[V any](list []V, table []field[V]) (rows []row) {
	for _, v := range list {
		r := make(row, len(table))
		for i, f := range table {
			r[i] = f.of(v)
		}
		rows = append(rows, r)
	}
	return rows
}

type (
	pool     = relay.PoolView
	session  = relay.SessionView
	backend  = relay.PooledView
	incident = relay.Incident
)

func (s *visit) pools() []pool         { return s.hub.Pools() }
func (s *visit) sessions() []session   { return s.hub.Sessions() }
func (s *visit) backends() []backend   { return s.hub.Backends() }
func (s *visit) incidents() []incident { return s.hub.Incidents() }
func (s *visit) settings() []Setting   { return s.console.Settings }

var poolTable = []field[pool]{
	word("database", func(p pool) string { return p.Database }),
	word("user", func(p pool) string { return p.User }),
	number("cl_active", func(p pool) int { return p.Sessions - p.Waiting }),
	number("cl_waiting", func(p pool) int { return p.Waiting }),
	number("sv_active", func(p pool) int { return p.Active }),
	number("sv_idle", func(p pool) int { return p.Idle }),
	number("sv_login", func(p pool) int { return p.Connecting }),
	number("maxwait", func(p pool) int64 { return whole(p.OldestWait) }),
	number("maxwait_us", func(p pool) int64 { return fraction(p.OldestWait) }),
	word("pool_mode", func(p pool) string { return p.PoolMode }),
	number("pool_size", func(p pool) int { return p.Size }),
	number("paused", func(p pool) int { return flag(p.Paused) }),
	word("upstream", func(p pool) string { return strings.Join(p.Upstream, ",") }),
}

var clientTable = []field[session]{
	word("type", func(session) string { return "C" }),
	word("user", func(v session) string { return v.User }),
	word("database", func(v session) string { return v.Database }),
	word("state", func(v session) string { return v.State }),
	word("addr", func(v session) string { return host(v.Client) }),
	number("port", func(v session) int { return port(v.Client) }),
	word("connect_time", func(v session) string { return v.Since }),
	number("wait", func(v session) int64 { return whole(v.Waiting) }),
	number("wait_us", func(v session) int64 { return fraction(v.Waiting) }),
	number("close_needed", func(v session) int { return flag(v.Draining) }),
	word("link", func(v session) string { return pid(v.Backend) }),
	word("tls", func(v session) string { return encrypted(v.TLS) }),
	word("application_name", func(v session) string { return v.ApplicationName }),
	word("id", func(v session) string { return v.ID }),
}

var serverTable = []field[backend]{
	word("type", func(backend) string { return "S" }),
	word("user", func(v backend) string { return v.User }),
	word("database", func(v backend) string { return v.Database }),
	word("state", func(v backend) string { return v.State }),
	word("addr", func(v backend) string { return host(v.Address) }),
	number("port", func(v backend) int { return port(v.Address) }),
	word("connect_time", func(v backend) string { return v.Since }),
	number("close_needed", func(v backend) int { return flag(v.Closing) }),
	word("link", func(v backend) string { return v.Session }),
	number("remote_pid", func(v backend) uint32 { return v.PID }),
	word("tls", func(v backend) string { return encrypted(v.TLS) }),
	number("prepared_statements", func(v backend) int { return v.Prepared }),
}

var sessionTable = []field[session]{
	word("id", func(v session) string { return v.ID }),
	word("client", func(v session) string { return v.Client }),
	word("user", func(v session) string { return v.User }),
	word("database", func(v session) string { return v.Database }),
	word("application_name", func(v session) string { return v.ApplicationName }),
	word("state", func(v session) string { return v.State }),
	word("transaction", func(v session) string { return v.Transaction }),
	word("transaction_id", func(v session) string { return v.TransactionID }),
	number("depth", func(v session) int { return len(v.Frames) - 1 }),
	word("pins", func(v session) string { return strings.Join(v.Pins, ", ") }),
	word("backend", func(v session) string { return pid(v.Backend) }),
	number("transactions", func(v session) uint64 { return v.Transactions }),
	number("statements", func(v session) uint64 { return v.Statements }),
	number("received_bytes", func(v session) uint64 { return v.Received }),
	number("sent_bytes", func(v session) uint64 { return v.Sent }),
	number("waited_us", func(v session) int64 { return int64(v.Waited * 1e6) }),
}

var incidentTable = []field[incident]{
	word("time", func(i incident) string { return i.Time.Format(time.RFC3339) }),
	word("kind", func(i incident) string { return i.Kind }),
	word("session", func(i incident) string { return i.Session }),
	word("transaction", func(i incident) string { return i.Transaction }),
	word("client", func(i incident) string { return i.Client }),
	word("user", func(i incident) string { return i.User }),
	word("database", func(i incident) string { return i.Database }),
	number("backend", func(i incident) uint32 { return i.Backend }),
	word("reason", func(i incident) string { return i.Reason }),
	word("variables", func(i incident) string { return strings.Join(i.Variables, ", ") }),
}

// database is the sum of its pools with one upstream.
type database struct {
	pool
	users int
}

// databases sums up pools, ordered by database.
func (s *visit) databases() []database {
	sums := map[string]*database{}
	for _, p := range s.hub.Pools() {
		key := p.Database + "\x00" + strings.Join(p.Upstream, ",")
		sum := sums[key]
		if sum == nil {
			sums[key] = &database{p, 1}
			continue
		}
		sum.users++
		sum.Paused = sum.Paused && p.Paused
		sum.Active += p.Active
		sum.Idle += p.Idle
		sum.Connecting += p.Connecting
		sum.Sessions += p.Sessions
		sum.Lent += p.Lent
		sum.Transactions += p.Transactions
		sum.Statements += p.Statements
		sum.Received += p.Received
		sum.Sent += p.Sent
		sum.Waited += p.Waited
	}
	var all []database
	for _, key := range slices.Sorted(maps.Keys(sums)) {
		all = append(all, *sums[key])
	}
	return all
}

var databaseTable = []field[database]{
	word("name", func(d database) string { return d.Database }),
	word("host", func(d database) string { return each(d.Upstream, host) }),
	word("port", func(d database) string {
		return each(d.Upstream, func(a string) string { return strconv.Itoa(port(a)) })
	}),
	word("database", func(d database) string { return d.Database }),
	number("pool_size", func(d database) int { return d.Size }),
	number("current_connections", func(d database) int { return d.Active + d.Idle + d.Connecting }),
	number("current_client_connections", func(d database) int { return d.Sessions }),
	number("paused", func(d database) int { return flag(d.Paused) }),
	number("users", func(d database) int { return d.users }),
}

var statsTable = []field[database]{
	word("database", func(d database) string { return d.Database }),
	number("total_server_assignment_count", func(d database) uint64 { return d.Lent }),
	number("total_xact_count", func(d database) uint64 { return d.Transactions }),
	number("total_query_count", func(d database) uint64 { return d.Statements }),
	number("total_received", func(d database) uint64 { return d.Received }),
	number("total_sent", func(d database) uint64 { return d.Sent }),
	number("total_wait_time", func(d database) int64 { return int64(d.Waited * 1e6) }),
}

type count struct {
	what string
	n    int
}

func lists(s *visit) []count {
	databases, users, clients := map[string]bool{}, map[string]bool{}, 0
	pools := s.hub.Pools()
	for _, p := range pools {
		databases[p.Database], users[p.User] = true, true
		clients += p.Sessions
	}
	return []count{
		{"databases", len(databases)}, {"users", len(users)}, {"pools", len(pools)}, {"used_clients", clients},
		{"used_servers", len(s.hub.Backends())},
	}
}

var listTable = []field[count]{
	word("list", func(c count) string { return c.what }),
	number("items", func(c count) int { return c.n }),
}

var settingTable = []field[Setting]{
	word("key", func(s Setting) string { return s.Name }),
	word("value", func(s Setting) string { return s.Value }),
	word("default", func(s Setting) string { return s.Default }),
}

func helpLines(*visit) []command {
	return slices.DeleteFunc(slices.Clone(commands), func(c command) bool { return c.about == "" })
}

var helpTable = []field[command]{
	word("command", func(c command) string { return c.usage() }),
	word("description", func(c command) string { return c.about }),
}

func version(s *visit) []string { return []string{s.console.Version} }

var versionTable = []field[string]{word("version", func(v string) string { return v })}

// showVariable answers drivers that ask for what they were told at login.
func showVariable(p wire.Param) command {
	return show(p.Name, "", version, word(p.Name, func(string) string { return p.Value }))
}

// frames shows values of variables, as nothing else does here: it is for admins.
var frames = command{
	name: "SHOW FRAMES", args: "<session>", least: 1, most: 1, admin: true,
	about: "the variables of a session, by the frames that they were set in",
	columns: []column{
		{"depth", true}, {"kind", false}, {"name", false}, {"variable", false}, {"value", false}, {"layer", false}, {"known", true},
	},
	run: func(_ context.Context, s *visit, args []string) (rows []row, err error) {
		view, found := s.hub.Session(args[0])
		if !found {
			return nil, wire.NoSession(args[0])
		}
		for depth, f := range view.Frames {
			at := row{int64(depth), f.Kind, f.Name}
			if len(f.Variables) == 0 {
				rows = append(rows, append(at, nil, nil, nil, nil))
			}
			for _, v := range f.Variables {
				rows = append(rows, append(slices.Clip(at), v.Name, v.Value, v.Layer, int64(flag(v.Known))))
			}
		}
		return rows, nil
	},
}

// Cells.

func whole(seconds float64) int64    { return int64(seconds) }
func fraction(seconds float64) int64 { return int64(seconds*1e6) % 1e6 }

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func encrypted(tls bool) string {
	if tls {
		return "TLS"
	}
	return ""
}

func pid(b *relay.BackendView) string {
	if b == nil {
		return ""
	}
	return fmt.Sprint(b.PID)
}

// host is an address without its port, or "unix", as in PgBouncer.
func host(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return "unix"
}

func port(address string) int {
	_, text, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(text)
	return n
}

func each(addresses []string, part func(string) string) string {
	var parts []string
	for _, a := range addresses {
		parts = append(parts, part(a))
	}
	return strings.Join(parts, ",")
}
