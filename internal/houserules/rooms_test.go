package houserules

import "strings"

// module is the path that the rooms' own imports begin with.
const module = "github.com/caddy-pgtxn/caddy-pgtxn"

// What rooms import from elsewhere. An entry stands for a package and all below it.
const (
	caddy      = "github.com/caddyserver/caddy/v2"
	caddyL4    = "github.com/mholt/caddy-l4"
	certmagic  = "github.com/caddyserver/certmagic"
	cobra      = "github.com/spf13/cobra"
	fsnotify   = "github.com/fsnotify/fsnotify"
	ocsp       = "golang.org/x/crypto/ocsp"
	pgproto3   = "github.com/jackc/pgx/v5/pgproto3"
	prometheus = "github.com/prometheus/client_golang"
	rate       = "golang.org/x/time/rate"
	scram      = "github.com/xdg-go"
	sys        = "golang.org/x/sys"
	term       = "golang.org/x/term"
	text       = "golang.org/x/text"
	zap        = "go.uber.org/zap"
)

// outsideWorld is what a pure room does without, of the standard library: its tests need no clock, file or socket, and
// run in no time. What it needs of these it gets as an argument.
var outsideWorld = []string{
	"bufio", "context", "io", "log", "net", "os", "sync", "syscall", "time",
}

// A room is a folder of the module, and what its code (not its tests) may import besides the standard library.
type room struct {
	path  string
	may   []string // rooms by their path here, and packages from elsewhere
	never []string // of the standard library
	why   string   // shown when the rule is broken
}

// rooms is the table of ARCHITECTURE.md, as data. A folder below pgtxn, tlsreload or caddyfile that is not in it breaks
// the rule too: who adds a room says here what it is for.
var rooms = []room{
	{
		path: "pgtxn/internal/sqlscan", never: outsideWorld,
		why: "it turns bytes into statements and nothing else, so that it can be fuzzed and runs for each message",
	},
	{
		path: "pgtxn/internal/guc", never: outsideWorld,
		why: "it is immutable values; whoever holds a set needs no lock, and whoever reads it needs no context",
	},
	{
		path: "pgtxn/internal/txn", never: outsideWorld,
		may: []string{"pgtxn/internal/sqlscan", "pgtxn/internal/guc"},
		why: "the machine is told what was sent and what came back; with I/O in it no table could be printed of it",
	},
	{
		path: "pgtxn/internal/wire", never: []string{"net"},
		may: []string{pgproto3},
		why: "framing is over io.Reader and io.Writer and knows no SQL: what statements mean is for relay to put together",
	},
	{
		path: "pgtxn/internal/auth", never: []string{"net"},
		may: []string{pgproto3, scram, text},
		why: "an exchange takes a message and gives one; who carries them, a client or a server connection, is not its matter",
	},
	{
		path: "pgtxn/internal/hba", never: []string{"bufio", "context", "io", "log", "os", "sync", "syscall", "time"},
		why: "which rule counts is told by the lines and the connection's addresses and names; asking and answering is for relay",
	},
	{
		path: "pgtxn/internal/netloop",
		may:  []string{sys},
		why:  "it moves bytes between sockets and knows nothing of PostgreSQL or Caddy",
	},
	{
		path: "pgtxn/internal/pool",
		why:  "lending, waiting and stealing are the same whatever is lent: no Caddy, no PostgreSQL",
	},
	{
		path: "pgtxn/internal/backend",
		may: []string{
			"pgtxn/internal/wire", "pgtxn/internal/auth", "pgtxn/internal/guc", "pgtxn/internal/netloop", pgproto3,
		},
		why: "it is one server connection; sessions, transactions and Caddy are above it",
	},
	{
		path: "pgtxn/internal/relay",
		may: []string{
			"pgtxn/internal/sqlscan", "pgtxn/internal/guc", "pgtxn/internal/txn", "pgtxn/internal/wire",
			"pgtxn/internal/auth", "pgtxn/internal/hba", "pgtxn/internal/netloop", "pgtxn/internal/pool", "pgtxn/internal/backend", pgproto3, rate,
		},
		why: "it is the only room where the others meet; Caddy, its logs and its metrics stay in the glue above",
	},
	{
		path: "pgtxn/internal/console",
		may:  []string{"pgtxn/internal/relay", "pgtxn/internal/wire", "internal/nearest", pgproto3},
		why:  "it shows and steers what relay has, on the goroutines of its clients; Caddy's part comes as values and functions",
	},
	{
		path: "pgtxn/internal/page",
		why:  "it is files for a browser; what they show they ask the admin API for",
	},
	{
		path: "pgtxn",
		may: []string{
			"pgtxn/internal/relay", "pgtxn/internal/console", "pgtxn/internal/page", "pgtxn/internal/pool", "pgtxn/internal/backend", "pgtxn/internal/auth", "pgtxn/internal/hba", "caddyfile", "tlsreload",
			"adminapi", caddy, caddyL4, certmagic, cobra, zap, prometheus, term,
		},
		why: "it is the glue to Caddy; it asks relay what a session is, and knows neither SQL nor frames",
	},
	{
		path: "tlsreload/internal/certset", never: []string{"bufio", "context", "io", "log", "os", "sync", "syscall"},
		why: "whether a set is good is told by what is in it and the time that is given; reading files is for the room above",
	},
	{
		path: "tlsreload",
		may: []string{
			"tlsreload/internal/certset", "caddyfile", "adminapi", caddy, certmagic, cobra, fsnotify, ocsp, prometheus,
		},
		why: "it is a module of its own that works without pgtxn",
	},
	{
		path: "caddyfile",
		may:  []string{"internal/nearest", caddy},
		why:  "both modules parse with it, so it knows neither",
	},
	{
		path: "adminapi",
		may:  []string{caddy, cobra},
		why:  "both modules answer and ask with it, so it knows neither",
	},
}

// findRoom returns the room of a folder. Commands and helpers of tests need none: then needed is false.
func findRoom(folder string) (r *room, needed bool) {
	for i := range rooms {
		if rooms[i].path == folder {
			return &rooms[i], true
		}
	}
	return nil, within(folder, "pgtxn") || within(folder, "tlsreload") || within(folder, "caddyfile") ||
		within(folder, "adminapi")
}

// allows says whether code of the room may import path, and if not, what the rule is.
func (r *room) allows(path string) (rule string, ok bool) {
	first, _, _ := strings.Cut(path, "/")
	if !strings.Contains(first, ".") { // of the standard library
		for _, never := range r.never {
			if within(path, never) {
				return "never " + never, false
			}
		}
		return "", true
	}
	for _, may := range r.may {
		if path == module+"/"+may || !within(path, module) && within(path, may) {
			return "", true
		}
	}
	if len(r.may) == 0 {
		return "nothing besides the standard library", false
	}
	return "besides the standard library only " + strings.Join(r.may, ", "), false
}

// within: path is top, or below it.
func within(path, top string) bool {
	return path == top || strings.HasPrefix(path, top+"/")
}
