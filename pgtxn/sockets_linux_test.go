package pgtxn

import (
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel has the options of TCP on both sides of a session, also behind the stock tls handler; without them it has
// what it had.
func TestSocketOptions(t *testing.T) {
	const options = "tcp_keepalives_idle 70s\ntcp_keepalives_interval 7s\ntcp_keepalives_count 5\ntcp_user_timeout 1500ms"
	for name, test := range map[string]struct {
		options, wrap string
		want          tcpOptions
	}{
		"none":               {"tls", "", tcpOptions{1, 15, 15, 9, 0}},
		"all":                {"tls\n" + options, "", tcpOptions{1, 70, 7, 5, 1500}},
		"user timeout alone": {"tls\ntcp_user_timeout 2m", "", tcpOptions{1, 15, 15, 9, 120000}},
		"behind tls":         {options, "tls {\nconnection_policy {\nalpn postgresql\n}\n}\n", tcpOptions{1, 70, 7, 5, 1500}},
	} {
		t.Run(name, func(t *testing.T) {
			p := prepare(t, certificates)
			text := caddyfileOf(p.addr, p.globals, "upstream UPSTREAM\nauth trust\n"+test.options)
			p.loadCaddyfile(t, strings.Replace(text, "route {\n", "route {\n"+test.wrap, 1))
			p.awaitCertificate(t)
			if response, body := p.request(t, http.MethodPost, "/pgtxn/pools/reconnect"); response.StatusCode != http.StatusOK { // else those of the last test are used
				t.Fatal(body)
			}
			params := "application_name=sockets"
			if test.wrap != "" {
				params += " sslnegotiation=direct"
			}
			conn := p.overTLS(t, params)
			server := "127.0.0.1:" + ask(t, conn, "SELECT inet_client_port()::text")
			if got := optionsOf(t, p.addr, conn.PgConn().Conn().LocalAddr().String()); got != test.want {
				t.Errorf("of the client: %+v, want %+v", got, test.want)
			}
			if got := optionsOf(t, server, postgres.Addr); got != test.want {
				t.Errorf("to the server: %+v, want %+v", got, test.want)
			}
		})
	}
}

type tcpOptions struct{ keepalive, idle, interval, count, userTimeout int }

// optionsOf asks the kernel about this process's socket between two addresses.
func optionsOf(t *testing.T, local, peer string) (o tcpOptions) {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		fd, _ := strconv.Atoi(file.Name())
		here, err1 := unix.Getsockname(fd)
		there, err2 := unix.Getpeername(fd)
		if err1 != nil || err2 != nil || addressOf(here) != local || addressOf(there) != peer {
			continue
		}
		for _, option := range []struct {
			level, name int
			value       *int
		}{
			{unix.SOL_SOCKET, unix.SO_KEEPALIVE, &o.keepalive},
			{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, &o.idle},
			{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, &o.interval},
			{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, &o.count},
			{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, &o.userTimeout},
		} {
			if *option.value, err = unix.GetsockoptInt(fd, option.level, option.name); err != nil {
				t.Fatal(err)
			}
		}
		return o
	}
	t.Fatalf("there is no socket of %s to %s", local, peer)
	return o
}

func addressOf(sa unix.Sockaddr) string {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)).String()
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port)).String()
	}
	return fmt.Sprintf("%T", sa)
}
