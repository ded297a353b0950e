package adminapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// AddFlags adds those that say where the admin API is.
func AddFlags(cmd *cobra.Command) {
	cmd.PersistentFlags().String("address", "", "Address of the admin API; default: that of the configuration")
	cmd.PersistentFlags().StringP("config", "c", "", "Configuration file that tells the address")
	cmd.PersistentFlags().StringP("adapter", "a", "", "Name of config adapter to apply")
}

// RefuseUnknown has cmd, which has subcommands, fail for one that it does not have. Without it cobra shows the help and is
// content, as if what a script asked for had been done.
func RefuseUnknown(cmd *cobra.Command) {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return fmt.Errorf("unknown command '%s'; %s --help lists those that there are", args[0], cmd.CommandPath())
	}
}

// Client asks the admin API of a running Caddy.
type Client struct{ address string }

// NewClient asks where the flags say.
func NewClient(flags caddycmd.Flags) (*Client, error) {
	address, err := caddycmd.DetermineAdminAPIAddress(flags.String("address"), nil, flags.String("config"), flags.String("adapter"))
	if err != nil {
		return nil, fmt.Errorf("couldn't determine admin API address: %w", err)
	}
	return &Client{address}, nil
}

// Ask returns the answer, as JSON.
func (c *Client) Ask(method, uri string) (json.RawMessage, error) {
	response, err := caddycmd.AdminAPIRequest(c.address, method, uri, nil, nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// Refusal returns the answer with this status that is in an error of [Client.Ask], if there is one: Caddy's own
// function shows all of it.
func Refusal(err error, status int) (answer string, found bool) {
	_, answer, found = strings.Cut(err.Error(), fmt.Sprintf("HTTP %d: ", status))
	return answer, found
}

// Status is that of an error of [Client.Ask], or 502 if there was no answer.
func Status(err error) int {
	_, answer, _ := strings.Cut(err.Error(), "HTTP ")
	code, _, _ := strings.Cut(answer, ":")
	status, bad := strconv.Atoi(code)
	if bad != nil {
		return http.StatusBadGateway
	}
	return status
}

// Reason is the error of the admin API that is in an error of [Client.Ask], or else that error.
func Reason(err error) error {
	_, answer, _ := strings.Cut(err.Error(), "HTTP ")
	_, answer, _ = strings.Cut(answer, ": ")
	var told struct {
		Error string `json:"error"`
	}
	if json.Unmarshal([]byte(answer), &told) != nil || told.Error == "" {
		return err
	}
	return errors.New(told.Error)
}

// Table writes rows of cells with tabs between them.
func Table(out io.Writer, rows func(io.Writer)) error {
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	rows(table)
	return table.Flush()
}

// PrintTable is Table on standard output.
func PrintTable(rows func(io.Writer)) error { return Table(os.Stdout, rows) }
