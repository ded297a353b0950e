package pgtxn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path"
	"strings"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-pgtxn/caddy-pgtxn/adminapi"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/page"
)

func pageCommand() *cobra.Command {
	cmd := subcommand("page", "Shows the page to browsers on this machine, until Ctrl-C", cobra.NoArgs, runPage)
	cmd.Flags().String("listen", "127.0.0.1:0", "Address to serve it at; port 0: any that is free")
	return cmd
}

// runPage is for browsers that may not open the admin API: Caddy refuses requests that no page of its own origin has made.
func runPage(client *adminapi.Client, flags caddycmd.Flags) error {
	listener, err := net.Listen("tcp", flags.String("listen"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: forwarder{client, listener.Addr().String()}, ReadHeaderTimeout: 10 * time.Second}
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	defer context.AfterFunc(interrupted, func() { _ = server.Close() })()
	fmt.Printf("http://%s/pgtxn/   Ctrl-C ends\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// forwarder is the page with what it asks for: it reads the admin API, and changes nothing there.
type forwarder struct {
	client *adminapi.Client
	host   string
}

func (f forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ours := strings.CutPrefix(r.URL.Path, "/pgtxn/")
	switch file := page.Find(name); {
	case r.Host != f.host: // a name of somebody else's that leads here
		reply(w, http.StatusForbidden, "this is http://"+f.host+"/pgtxn/")
	case r.Method != http.MethodGet:
		reply(w, http.StatusMethodNotAllowed, "this only reads; the admin API and caddy pgtxn do the rest")
	case ours && file != nil:
		file(w, r)
	case ours && path.Clean(r.URL.Path) == r.URL.Path, // else Caddy leads to where the dots do, such as /config/
		r.URL.Path == "/tlsreload/certificates", r.URL.Path == "/tlsreload/status":
		answer, err := f.client.Ask(http.MethodGet, r.URL.RequestURI())
		if err != nil {
			reply(w, adminapi.Status(err), adminapi.Reason(err).Error())
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	default:
		reply(w, http.StatusNotFound, "see /pgtxn/")
	}
}

// reply is an error as the admin API writes it.
func reply(w http.ResponseWriter, status int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": reason})
}
