package pgtxn

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycaddyfile "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
	"github.com/caddyserver/certmagic"
	"github.com/mholt/caddy-l4/layer4"

	"github.com/caddy-pgtxn/caddy-pgtxn/caddyfile"
)

// The short form of a Caddyfile: a global option that is a listener and its handler.
//
// It makes servers of the app pgtxn, not of the app layer4: an option can't add
// to the app of another, and of two that make the same app Caddy takes one, at
// random. So the option layer4 may stand beside it, in either order.

func init() {
	httpcaddyfile.RegisterGlobalOption("pgtxn", globalOption)
}

// globalOption reads the short form:
//
//	pgtxn <address...> {
//		<options of the handler>
//	}
//
// An address is as those of sites: name:port listens on the port, with a
// certificate for the name that Caddy gets by itself, and refuses clients
// without TLS. It is also for clients that send no name, unless the block has
// connection policies of its own. Any other address of Caddy's, such as :6432,
// 127.0.0.1:6432 or unix//path, is listened on as it is. There may be several
// such blocks.
func globalOption(d *caddycaddyfile.Dispenser, existing any) (any, error) {
	app := new(App)
	if earlier, ok := existing.(httpcaddyfile.App); ok {
		if err := json.Unmarshal(earlier.Value, app); err != nil {
			return nil, err
		}
	}
	h := new(Handler)
	addresses, err := caddyfile.Named(d, "an address such as db.example.com:6432", h.options())
	if err != nil {
		return nil, err
	}
	if err := app.add(addresses, h); err != nil {
		d.Reset()
		d.Next() // to the line with the addresses
		return nil, d.Errf("pgtxn: %w", err)
	}
	return httpcaddyfile.App{Name: "pgtxn", Value: caddyconfig.JSON(app, nil)}, nil
}

// add makes a server of a block.
func (a *App) add(addresses []string, h *Handler) error {
	server := new(layer4.Server)
	var names []string
	for _, address := range addresses {
		listen, name, err := splitName(address)
		if err != nil {
			return err
		}
		if a.listensOn(listen) {
			return fmt.Errorf("there is a listener on %s already; give one block all the names, or another port", listen)
		}
		if name != "" {
			names = append(names, name)
		}
		if !slices.Contains(server.Listen, listen) {
			server.Listen = append(server.Listen, listen)
		}
	}
	if len(names) > 0 {
		if i := slices.IndexFunc(addresses, isSocket); i >= 0 && len(h.HBA) == 0 {
			return fmt.Errorf("with a name all clients need TLS, which is not on %s: give the socket a block of its own, or write rules with hba", addresses[i])
		}
		h.secure(names[0])
		a.AutomateNames = append(a.AutomateNames, names...)
	}
	handler := caddyconfig.JSONModuleObject(h, "handler", "pgtxn", nil)
	server.Routes = layer4.RouteList{{HandlersRaw: []json.RawMessage{handler}}}
	if a.Servers == nil {
		a.Servers = make(map[string]*layer4.Server)
	}
	a.Servers["srv"+strconv.Itoa(len(a.Servers))] = server
	return nil
}

func (a *App) listensOn(address string) bool {
	for _, server := range a.Servers {
		if slices.Contains(server.Listen, address) {
			return true
		}
	}
	return false
}

// isSocket says whether a listener is a Unix socket.
func isSocket(address string) bool {
	network, _, _, err := caddy.SplitNetworkAddress(address)
	return err == nil && caddy.IsUnixNetwork(network)
}

// splitName returns where to listen, and the name that the address has, if it has one.
func splitName(address string) (listen, name string, err error) {
	if network, _, _, err := caddy.SplitNetworkAddress(address); err == nil && network != "" {
		return address, "", nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "" {
		return "", "", fmt.Errorf("address '%s': expected name:port, ip:port, :port or unix//path, such as db.example.com:6432", address)
	}
	if _, err := caddy.ParseNetworkAddress(address); err != nil {
		return "", "", fmt.Errorf("address '%s': %w", address, err)
	}
	if _, err := netip.ParseAddr(host); host == "" || err == nil {
		return address, "", nil
	}
	if !certmagic.SubjectQualifiesForCert(host) {
		return "", "", fmt.Errorf("address '%s': there is no certificate for a name such as '%s'", address, host)
	}
	return ":" + port, host, nil
}

// secure has clients come with TLS. Name is for those that send none.
func (h *Handler) secure(name string) {
	tlsAlone := caddytls.ConnectionPolicies{new(caddytls.ConnectionPolicy)}
	if len(h.ConnectionPolicies) == 0 || reflect.DeepEqual(h.ConnectionPolicies, tlsAlone) {
		h.ConnectionPolicies = caddytls.ConnectionPolicies{{DefaultSNI: name}}
	}
	h.HostSSL = h.HostSSL || len(h.HBA) == 0
}

// provisionServers makes ready what Start starts.
func (a *App) provisionServers(ctx caddy.Context) error {
	a.layer4.Servers = a.Servers
	if len(a.AutomateNames) > 0 {
		app, err := ctx.App("tls")
		if err != nil {
			return err
		}
		a.tls = app.(*caddytls.TLS)
		if err := a.signInternally(); err != nil {
			return err
		}
	}
	return a.layer4.Provision(ctx)
}

// signInternally has Caddy's own authority sign the names that no public one would, as tls_automate_names does.
func (a *App) signInternally() error {
	var names []string
	for _, name := range a.AutomateNames {
		hasPolicy := slices.ContainsFunc(a.tls.Automation.Policies, func(p *caddytls.AutomationPolicy) bool {
			return slices.Contains(p.SubjectsRaw, name)
		})
		if !hasPolicy && !certmagic.SubjectQualifiesForPublicCert(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return a.tls.AddAutomationPolicy(&caddytls.AutomationPolicy{
		SubjectsRaw: names,
		IssuersRaw:  []json.RawMessage{json.RawMessage(`{"module":"internal"}`)},
	})
}

// startServers gets certificates and listens.
func (a *App) startServers() error {
	if a.tls != nil {
		names := make(map[string]struct{})
		for _, name := range a.AutomateNames {
			names[name] = struct{}{}
		}
		if err := a.tls.Manage(names); err != nil {
			return err
		}
	}
	return a.layer4.Start()
}
