package tlsreload

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-pgtxn/caddy-pgtxn/adminapi"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "tlsreload",
		Short: "Reloads certificates of a running Caddy, and shows how they are",
		Long: `
Asks the admin API of a running Caddy whose configuration has the app tlsreload.
The exit code is 0 only if all is well: after a reload that failed, and with a
set that is degraded, it is 1.`,
		CobraFunc: func(cmd *cobra.Command) {
			adminapi.AddFlags(cmd)
			cmd.AddCommand(reloadCommand(), statusCommand())
			adminapi.RefuseUnknown(cmd)
		},
	})
}

func reloadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reload [<set>...]",
		Short: "Reads the sets again, all if none is named, and serves them if they are good",
		RunE:  caddycmd.WrapCommandFuncForCobra(runReload),
	}
	cmd.Flags().Bool("dry-run", false, "Only check")
	cmd.Flags().Bool("force", false, "Also if names or intermediates are lost, or revocation lists are out of date")
	cmd.Flags().Bool("drain", false, "End connections on certificates that are no longer served, between transactions")
	return cmd
}

func statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Shows sets and certificates",
		Args:  cobra.NoArgs,
		RunE:  caddycmd.WrapCommandFuncForCobra(runStatus),
	}
}

func runReload(flags caddycmd.Flags) (int, error) {
	query := url.Values{"set": flags.Args()}
	for name, parameter := range map[string]string{"dry-run": "dry_run", "force": "force", "drain": "drain"} {
		if flags.Bool(name) {
			query.Set(parameter, "true")
		}
	}
	var result Result
	if err := ask(flags, http.MethodPost, "/tlsreload/reload?"+query.Encode(), &result); err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	return caddy.ExitCodeSuccess, adminapi.PrintTable(func(out io.Writer) {
		fmt.Fprintln(out, "SET\tCHANGE\tNAMES\tKEY\tEXPIRES\tSHA-256")
		for _, set := range result.Sets {
			for _, cert := range set.Certificates {
				fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%.16s\n", set.Name, cert.Change, strings.Join(cert.Names, " "), cert.KeyType, date(cert.NotAfter), cert.Fingerprint)
			}
		}
		for _, w := range result.Warnings {
			fmt.Fprintf(out, "warning: %s\n", w.Error())
		}
		fmt.Fprintln(out, result.Result)
		if result.Draining != nil {
			fmt.Fprintf(out, "connections that end between transactions: %d\n", *result.Draining)
		}
	})
}

func runStatus(flags caddycmd.Flags) (int, error) {
	var status StatusView
	if err := ask(flags, http.MethodGet, "/tlsreload/status", &status); err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	err := adminapi.PrintTable(func(out io.Writer) {
		fmt.Fprintln(out, "SET\tSTATE\tCERTIFICATES\tEXPIRES\tLAST SUCCESS\tNAMES")
		for _, set := range status.Sets {
			state, expires, success := "good", "", ""
			if set.Degraded {
				state = "DEGRADED"
			}
			if set.Expires != nil {
				expires = date(*set.Expires)
			}
			if set.LastSuccess != nil {
				success = date(*set.LastSuccess)
			}
			fmt.Fprintf(out, "%s\t%s\t%d\t%s\t%s\t%s\n", set.Name, state, set.Certificates, expires, success, strings.Join(set.Names, " "))
			for _, p := range set.LastError {
				fmt.Fprintf(out, "  %s\n", p.Error())
			}
		}
		for _, cert := range status.Managed {
			fmt.Fprintf(out, "(Caddy)\t\t1\t%s\t\t%s\n", date(cert.NotAfter), strings.Join(cert.Names, " "))
		}
		if status.UncleanStart != "" {
			fmt.Fprintln(out, status.UncleanStart)
		}
	})
	if err == nil && status.Degraded {
		return caddy.ExitCodeFailedStartup, errors.New("at least one set is degraded: what is served is not what its sources hold, or is no longer good")
	}
	return caddy.ExitCodeSuccess, err
}

// ask puts the answer of the admin API into result. Its error is that of the
// answer, if there is one.
func ask(flags caddycmd.Flags, method, uri string, result any) error {
	client, err := adminapi.NewClient(flags)
	if err != nil {
		return err
	}
	answer, err := client.Ask(method, uri)
	if err != nil {
		return reason(err)
	}
	return json.Unmarshal(answer, result)
}

// reason is why a reload failed, out of an error that shows the whole answer.
func reason(err error) error {
	answer, _ := adminapi.Refusal(err, http.StatusUnprocessableEntity)
	var result Result
	if json.Unmarshal([]byte(answer), &result) != nil {
		return err
	}
	return errors.New(result.Error + " (what was served before is still served)")
}

func date(t time.Time) string { return t.Format("2006-01-02 15:04 MST") }
