package pgtest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
	"sync"
)

// FreePort returns a port of 127.0.0.1 that nobody listens on, below those that systems give to outgoing connections
// (from 32768 on Linux), so that none of them takes it before it is used. Nor does another FreePort, of whatever process,
// as long as this one lives: Caddy would not notice, since several may listen on one port with SO_REUSEPORT.
func FreePort() (int, error) {
	var err error
	for range 100 {
		port := 20000 + rand.IntN(12000)
		if err = reserve(port); err != nil {
			continue
		}
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no free port: %w", err)
}

// reserved keeps the sockets of [reserve] from the garbage collector, which would close them.
var reserved sync.Map

// reserve takes a name for the port that one process at a time can have, until it ends: an abstract Unix socket (unix(7)),
// which stays open. Other systems than Linux have none.
func reserve(port int) error {
	if runtime.GOOS != "linux" {
		return nil
	}
	name, err := net.Listen("unix", "@caddy-pgtxn-port-"+strconv.Itoa(port))
	if err == nil {
		reserved.Store(port, name)
	}
	return err
}
