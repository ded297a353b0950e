package console

import (
	"context"
	"slices"
	"strings"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/nearest"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// command is what can be said to the console.
type command struct {
	name        string   // its first words; the very first is also its tag
	args        string   // what follows, for people
	least, most int      // how many words that is
	admin       bool     // it is for admins only
	about       string   // "": SHOW HELP leaves it out
	columns     []column // of what it shows; nil: it shows nothing
	run         func(ctx context.Context, s *visit, args []string) ([]row, error)
}

// commands are in the order of SHOW HELP, which is itself one of them.
var commands []command

func init() {
	commands = []command{
		show("HELP", "this list", helpLines, helpTable...),
		show("POOLS", "pools, by user and database", (*visit).pools, poolTable...),
		show("CLIENTS", "sessions, as PgBouncer shows clients", (*visit).sessions, clientTable...),
		show("SERVERS", "server connections", (*visit).backends, serverTable...),
		show("DATABASES", "databases that have pools", (*visit).databases, databaseTable...),
		show("STATS", "totals by database since the process began", (*visit).databases, statsTable...),
		show("LISTS", "how many there are of each", lists, listTable...),
		show("SESSIONS", "sessions, with transactions and pins", (*visit).sessions, sessionTable...),
		frames,
		show("LOG", "the last pins, drifts, conflicts and disagreements", (*visit).incidents, incidentTable...),
		show("CONFIG", "the options of this listener", (*visit).settings, settingTable...),
		show("VERSION", "the version of the proxy", version, versionTable...),
		{name: "PAUSE", args: "[<database>]", most: 1, admin: true, run: pause,
			about: "lets transactions end, closes server connections, has clients wait; returns when all are closed"},
		{name: "RESUME", args: "[<database>]", most: 1, admin: true, run: steer((*hub).Resume),
			about: "lets clients go on that PAUSE or KILL has wait"},
		{name: "RECONNECT", args: "[<database>]", most: 1, admin: true, run: steer((*hub).Reconnect),
			about: "has each server connection closed when it comes free"},
		{name: "KILL", args: "[<database>]", most: 1, admin: true, run: kill,
			about: "ends all sessions at once, and has new ones wait for RESUME"},
		{name: "KILL_CLIENT", args: "<session> …", least: 1, most: -1, admin: true, run: killClient,
			about: "ends sessions at once, by their ids"},
		{name: "RELOAD", admin: true, run: reload,
			about: "reads the users file and the certificate sets of tlsreload again"},
		{name: "SET", args: "<variable> = <value>", least: 1, most: -1, run: set,
			about: "is taken for what drivers set by themselves, without effect"},
	}
	for _, p := range reported {
		commands = append(commands, showVariable(p))
	}
}

// find returns the command that these words are, and the words behind its name.
func find(words []string) (*command, []string, error) {
	var found *command
	var args []string
	for i := range commands {
		name := strings.Fields(commands[i].name)
		if len(words) >= len(name) && (found == nil || len(words)-len(name) < len(args)) &&
			slices.EqualFunc(name, words[:len(name)], strings.EqualFold) {
			found, args = &commands[i], words[len(name):]
		}
	}
	switch {
	case found == nil:
		return nil, nil, wire.UnknownCommand(beginning(words), meant(words))
	case len(args) < found.least || found.most >= 0 && len(args) > found.most:
		return nil, nil, wire.CommandUsage(found.usage())
	}
	return found, args, nil
}

// beginning is as much of a text as an error shows of it: psql's own commands, such as \d, send long ones.
func beginning(words []string) string {
	if len(words) > 3 {
		return strings.Join(words[:3], " ") + " …"
	}
	return strings.Join(words, " ")
}

// meant is the command whose name is like the first words, or "". Nobody means SET: SELECT is like it.
func meant(words []string) string {
	names := func(yield func(string) bool) {
		for i := range commands {
			if commands[i].name != "SET" && !yield(commands[i].name) {
				return
			}
		}
	}
	for n := min(2, len(words)); n > 0; n-- {
		if name := nearest.Of(strings.ToUpper(strings.Join(words[:n], " ")), names); name != "" {
			return name
		}
	}
	return ""
}

func (c *command) usage() string { return strings.TrimSpace(c.name + " " + c.args) }

func (c *command) tag() string {
	tag, _, _ := strings.Cut(c.name, " ")
	return tag
}
