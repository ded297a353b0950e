// Command caddy-pgtxn is Caddy with its standard modules, caddy-l4 and the modules of this repository. It is what the
// quickstart and the tests run; it is the caddy command in all else.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/mholt/caddy-l4"

	_ "github.com/caddy-pgtxn/caddy-pgtxn"
)

func main() {
	caddycmd.Main()
}
