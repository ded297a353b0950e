package pgtxn

import (
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/mholt/caddy-l4/layer4"
)

// Sessions live on over a reload, but not without their listener: as Caddy ends
// the connections of a server that is gone from its configuration, and lets
// requests end first, a session ends between two transactions.

// listeners are the addresses that the layer-4 servers of a configuration listen on.
type listeners []caddy.NetworkAddress

// listenersOf is for a configuration that is provisioned.
func (a *App) listenersOf(ctx caddy.Context) (all listeners) {
	servers := slices.Collect(maps.Values(a.Servers))
	if app, err := ctx.AppIfConfigured("layer4"); err == nil { // else the handlers are here, or in another app, such as http
		servers = slices.AppendSeq(servers, maps.Values(app.(*layer4.App).Servers))
	}
	repl := caddy.NewReplacer()
	for _, server := range servers {
		for _, listen := range server.Listen {
			if address, err := caddy.ParseNetworkAddress(repl.ReplaceAll(listen, "")); err == nil {
				all = append(all, address)
			}
		}
	}
	return all
}

// have says whether a connection with this local address has come in there, as far as can be told.
func (all listeners) have(local net.Addr) bool {
	return slices.ContainsFunc(all, func(l caddy.NetworkAddress) bool {
		if at, err := netip.ParseAddrPort(local.String()); err == nil {
			port := uint(at.Port())
			return strings.HasPrefix(l.Network, "tcp") && l.StartPort <= port && port <= l.EndPort && hostCovers(l.Host, at.Addr())
		}
		path, _, _ := strings.Cut(l.Host, "|") // behind it are permissions
		return l.IsUnixNetwork() && path == local.String()
	})
}

// hostCovers: a name may stand for any address.
func hostCovers(host string, ip netip.Addr) bool {
	listens, err := netip.ParseAddr(host)
	return err != nil || listens.IsUnspecified() || listens.Unmap().WithZone("") == ip.Unmap().WithZone("")
}

// gone says of a connection that came in at this address of the configuration's whether nothing listens there any more.
// It may come in before the configuration has started, but has its listener until that has stopped.
func (a *App) gone(local net.Addr) func() bool {
	if !a.listeners().have(local) {
		return func() bool { return false } // it is another app's
	}
	return func() bool {
		newest := process.newest.Load()
		return a.stopped.Load() && (newest == nil || !newest.listeners().have(local))
	}
}
