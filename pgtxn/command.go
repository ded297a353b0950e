package pgtxn

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-pgtxn/caddy-pgtxn/adminapi"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "pgtxn",
		Short: "Shows and steers PostgreSQL sessions and pools of a running Caddy, and checks a configuration",
		Long: `
All but check ask the admin API of a running Caddy. With --json they print its
answer. The exit code is 0 only if what was asked for was done.`,
		CobraFunc: func(cmd *cobra.Command) {
			adminapi.AddFlags(cmd)
			cmd.PersistentFlags().Bool("json", false, "Print JSON")
			cmd.AddCommand(sessionsCommand(), poolsCommand(), serversCommand(), topCommand(), pageCommand(), killCommand(),
				steerCommand("pause", "Lets transactions end, closes server connections, and has clients wait"),
				steerCommand("resume", "Lets clients go on that a pause has wait"),
				steerCommand("reconnect", "Has each server connection closed when it comes free"),
				checkCommand())
			adminapi.RefuseUnknown(cmd)
		},
	})
}

// subcommand asks the admin API for run.
func subcommand(use, short string, args cobra.PositionalArgs, run func(*adminapi.Client, caddycmd.Flags) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: caddycmd.WrapCommandFuncForCobra(func(flags caddycmd.Flags) (int, error) {
			client, err := adminapi.NewClient(flags)
			if err == nil {
				err = run(client, flags)
			}
			if err != nil {
				return caddy.ExitCodeFailedStartup, err
			}
			return caddy.ExitCodeSuccess, nil
		}),
	}
}

// addFilters adds the flags that choose pools, or sessions.
func addFilters(cmd *cobra.Command) {
	cmd.Flags().StringP("user", "u", "", "Only of this user")
	cmd.Flags().StringP("database", "d", "", "Only of this database")
}

// query has the flags of these names that are set, as parameters.
func query(flags caddycmd.Flags, names ...string) string {
	values := url.Values{}
	for _, name := range names {
		if flag := flags.Lookup(name); flag.Changed {
			values.Set(strings.ReplaceAll(name, "-", "_"), flag.Value.String())
		}
	}
	return "?" + values.Encode()
}

// show asks and prints the answer as JSON or as a table.
func show[T any](client *adminapi.Client, flags caddycmd.Flags, method, uri string, table func(io.Writer, T)) error {
	answer, err := client.Ask(method, uri)
	if err != nil {
		return adminapi.Reason(err)
	}
	return present(answer, flags, table)
}

// present prints an answer as JSON or as a table.
func present[T any](answer json.RawMessage, flags caddycmd.Flags, table func(io.Writer, T)) error {
	if flags.Bool("json") {
		_, err := os.Stdout.Write(answer)
		return err
	}
	var view T
	if err := json.Unmarshal(answer, &view); err != nil {
		return err
	}
	return adminapi.PrintTable(func(out io.Writer) { table(out, view) })
}

func sessionsCommand() *cobra.Command {
	cmd := subcommand("sessions", "Shows sessions, oldest first", cobra.NoArgs, func(client *adminapi.Client, flags caddycmd.Flags) error {
		uri := "/pgtxn/sessions" + query(flags, "user", "database", "application-name", "state", "pinned", "after", "limit")
		return show(client, flags, http.MethodGet, uri, sessionTable)
	})
	addFilters(cmd)
	cmd.Flags().String("application-name", "", "Only of this application")
	cmd.Flags().String("state", "", "Only in this state: "+strings.Join(relay.States, ", "))
	cmd.Flags().Bool("pinned", false, "Only those that keep their server connection")
	cmd.Flags().Uint64("after", 0, "Only those behind this id")
	cmd.Flags().Uint64("limit", 0, "At most so many")
	return cmd
}

func sessionTable(out io.Writer, sessions []relay.SessionView) {
	fmt.Fprintln(out, "ID\tCLIENT\tUSER\tDATABASE\tAPPLICATION\tSTATE\tTXN\tDEPTH\tBACKEND\tAGE\tTXNS\tPINS")
	for _, s := range sessions {
		backend, age := "", ""
		if s.Backend != nil {
			backend = fmt.Sprint(s.Backend.PID)
		}
		if since, err := time.Parse(time.RFC3339, s.Since); err == nil {
			age = time.Since(since).Round(time.Second).String()
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%d\t%s\n", s.ID, s.Client, printable(s.User), printable(s.Database),
			printable(s.ApplicationName), s.State, s.Transaction, len(s.Frames)-1, backend, age, s.Transactions, strings.Join(s.Pins, ", "))
	}
}

// printable is a client's word without what would steer a terminal or break a table.
func printable(word string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, word)
}

func poolsCommand() *cobra.Command {
	cmd := subcommand("pools", "Shows pools, by user and database", cobra.NoArgs, func(client *adminapi.Client, flags caddycmd.Flags) error {
		return show(client, flags, http.MethodGet, "/pgtxn/pools"+query(flags, "user", "database"), poolTable)
	})
	addFilters(cmd)
	return cmd
}

func poolTable(out io.Writer, pools []relay.PoolView) {
	fmt.Fprintln(out, "USER\tDATABASE\tUPSTREAM\tSIZE\tACTIVE\tIDLE\tCONNECTING\tWAITING\tCLIENTS\tTXNS\tAVG WAIT\tDRIFTS\t")
	for _, p := range pools {
		wait, paused := time.Duration(0), ""
		if p.Waits > 0 {
			wait = time.Duration(p.Waited / float64(p.Waits) * float64(time.Second)).Round(10 * time.Microsecond)
		}
		if p.Paused {
			paused = "PAUSED"
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%d\t%s\n", printable(p.User), printable(p.Database), strings.Join(p.Upstream, ","),
			p.Size, p.Active, p.Idle, p.Connecting, p.Waiting, p.Sessions, p.Transactions, wait, p.Drifts, paused)
	}
}

func killCommand() *cobra.Command {
	return subcommand("kill <session>", "Ends a session, whose client gets an error with SQLSTATE 57P01", cobra.ExactArgs(1),
		func(client *adminapi.Client, flags caddycmd.Flags) error {
			return show(client, flags, http.MethodDelete, "/pgtxn/sessions/"+url.PathEscape(flags.Arg(0)),
				func(out io.Writer, s relay.SessionView) { sessionTable(out, []relay.SessionView{s}) })
		})
}

func steerCommand(verb, short string) *cobra.Command {
	parameters := []string{"user", "database"}
	cmd := subcommand(verb, short+"; all pools, or those of a user or database", cobra.NoArgs,
		func(client *adminapi.Client, flags caddycmd.Flags) error {
			if verb == "pause" {
				parameters = append(parameters, "wait")
			}
			answer, err := client.Ask(http.MethodPost, "/pgtxn/pools/"+verb+query(flags, parameters...))
			if err != nil {
				return adminapi.Reason(err)
			}
			if err := present(answer, flags, poolTable); err != nil || verb != "pause" || flags.Duration("wait") == 0 {
				return err
			}
			return emptied(answer)
		})
	addFilters(cmd)
	if verb == "pause" {
		cmd.Flags().Duration("wait", 0, "How long to wait for transactions to end and server connections to be closed")
	}
	return cmd
}

// emptied is an error if pools that were paused still have server connections.
func emptied(answer json.RawMessage) error {
	var pools []relay.PoolView
	if err := json.Unmarshal(answer, &pools); err != nil {
		return err
	}
	left := 0
	for _, p := range pools {
		left += p.Active + p.Idle + p.Connecting
	}
	if left > 0 {
		return fmt.Errorf("paused, but server connections are not closed yet: %d; caddy pgtxn sessions --state active shows whose they are", left)
	}
	return nil
}
