package pgtxn

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/caddy-pgtxn/caddy-pgtxn/adminapi"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
)

// serverView is what the admin API shows of one server of one handler.
type serverView struct {
	Address            string     `json:"address"`
	Upstream           []string   `json:"upstream"` // all of the handler's, in their order
	TargetSessionAttrs string     `json:"target_session_attrs"`
	State              string     `json:"state"`
	Role               string     `json:"role"`
	LastCheck          *time.Time `json:"last_check"`
	LastError          string     `json:"last_error"`
	LastFailure        *time.Time `json:"last_failure"`
	NextCheck          *time.Time `json:"next_check"`
}

// servers are those of the configuration that runs.
func servers() []serverView {
	process.Lock()
	defer process.Unlock()
	views := []serverView{}
	if len(process.started) == 0 {
		return views
	}
	for _, cfg := range process.started[len(process.started)-1].configs {
		for _, s := range cfg.Upstream.Servers() {
			attrs := cfg.Upstream.Attrs
			if attrs == "" {
				attrs = backend.Any
			}
			views = add(views, serverView{
				Address: s.Address, Upstream: cfg.Upstream.Addresses, TargetSessionAttrs: string(attrs),
				State: string(s.State), Role: s.Role, LastError: s.Error,
				LastCheck: moment(s.Checked), LastFailure: moment(s.Failed), NextCheck: moment(s.Next),
			})
		}
	}
	return views
}

// add takes v in; of several handlers that have the same servers, the one that has
// connected last knows best.
func add(views []serverView, v serverView) []serverView {
	i := slices.IndexFunc(views, func(o serverView) bool { return slices.Equal(o.labels(), v.labels()) })
	switch {
	case i < 0:
		return append(views, v)
	case v.LastCheck != nil && (views[i].LastCheck == nil || v.LastCheck.After(*views[i].LastCheck)):
		views[i] = v
	}
	return views
}

// labels tell one server from another, also in the metrics.
func (v serverView) labels() []string {
	return []string{v.Address, strings.Join(v.Upstream, ","), v.TargetSessionAttrs}
}

var (
	serverUp = desc("server_up", "1 if the last connection to a server succeeded and it is what target_session_attrs wants, else 0.",
		"address", "upstream", "target_session_attrs")
	serverRole = desc("server_role", "1 with the role that a server had when it was connected to last: primary or standby.",
		"address", "upstream", "target_session_attrs", "role")
)

// collectServers shows the servers that somebody has connected to.
func collectServers(to chan<- prometheus.Metric) {
	for _, v := range servers() {
		if v.LastCheck != nil {
			up := 0.0
			if v.State == string(backend.Up) {
				up = 1
			}
			to <- prometheus.MustNewConstMetric(serverUp, prometheus.GaugeValue, up, v.labels()...)
		}
		if v.Role != "" {
			to <- prometheus.MustNewConstMetric(serverRole, prometheus.GaugeValue, 1, append(v.labels(), v.Role)...)
		}
	}
}

// moment is t as the API has it; null for never.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

func listServers(r *http.Request) (int, any, error) {
	if err := adminapi.NewQuery(r).Err(); err != nil {
		return http.StatusBadRequest, nil, err
	}
	return http.StatusOK, servers(), nil
}

func serversCommand() *cobra.Command {
	return subcommand("servers", "Shows the servers, and what the last connection to each found", cobra.NoArgs,
		func(client *adminapi.Client, flags caddycmd.Flags) error {
			return show(client, flags, http.MethodGet, "/pgtxn/servers", serverTable)
		})
}

func serverTable(out io.Writer, servers []serverView) {
	fmt.Fprintln(out, "ADDRESS\tWANTED\tSTATE\tROLE\tCHECKED\tLAST ERROR\tNEXT")
	ago := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return time.Since(*t).Round(time.Second).String() + " ago"
	}
	for _, s := range servers {
		failure, next := "", ""
		if s.LastFailure != nil {
			failure = ago(s.LastFailure) + ": " + printable(strings.ReplaceAll(s.LastError, "\n", "; "))
		}
		if s.NextCheck != nil {
			next = "in " + max(0, time.Until(*s.NextCheck)).Round(time.Second).String()
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Address, s.TargetSessionAttrs, s.State, s.Role, ago(s.LastCheck), failure, next)
	}
}
