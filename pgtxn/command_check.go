package pgtxn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-pgtxn/caddy-pgtxn/adminapi"
)

func checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Connects to each server of a configuration as its users, and says what is wrong",
		Long: `
Reads the configuration given with --config, or the Caddyfile of this folder.
It does not run it. Each server is logged in at as upstream_user, or else as each
user of whom the users file has a password or an MD5 hash, or else as --user. If
the users file has only verifiers, it is a warning that --user is not let in. The
exit code is 0 if there is no error.`,
		Args: cobra.NoArgs,
		RunE: caddycmd.WrapCommandFuncForCobra(runCheck),
	}
	cmd.Flags().StringP("user", "u", "postgres", "Who logs in where the configuration has nobody who can without a client")
	cmd.Flags().StringP("database", "d", "postgres", "The database to connect to")
	return cmd
}

func runCheck(flags caddycmd.Flags) (int, error) {
	config, _, _, err := caddycmd.LoadConfig(flags.String("config"), flags.String("adapter"))
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	handlers, err := handlersIn(config)
	if err == nil && len(handlers) == 0 {
		err = errors.New("the configuration has no pgtxn handler")
	}
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	findings, wrong := []finding{}, 0
	for i, h := range handlers {
		c := &checker{Handler: h, number: i + 1, user: flags.String("user"), database: flags.String("database")}
		findings = append(findings, c.run(context.Background())...)
	}
	for _, f := range findings {
		if f.Result == checkError {
			wrong++
		}
	}
	if err := printFindings(findings, flags.Bool("json")); err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	if wrong > 0 {
		return caddy.ExitCodeFailedStartup, fmt.Errorf("%d of %d checks failed", wrong, len(findings))
	}
	return caddy.ExitCodeSuccess, nil
}

func printFindings(findings []finding, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(findings)
	}
	return adminapi.PrintTable(func(out io.Writer) {
		fmt.Fprintln(out, "HANDLER\tUPSTREAM\tUSER\tCHECK\tRESULT\tDETAIL")
		for _, f := range findings {
			fmt.Fprintf(out, "%d\t%s\t%s\t%s\t%s\t%s\n", f.Handler, f.Upstream, f.User, f.Check, f.Result, f.Detail)
		}
	})
}
