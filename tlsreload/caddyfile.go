package tlsreload

import (
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycaddyfile "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/caddy-pgtxn/caddy-pgtxn/caddyfile"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("tlsreload", globalOption)
}

// globalOption makes the app of the global option.
func globalOption(d *caddycaddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		return nil, d.Err("tlsreload is here for the second time; give it one block, with several sets")
	}
	app := new(App)
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: "tlsreload", Value: caddyconfig.JSON(app, nil)}, nil
}

// UnmarshalCaddyfile sets up the app from Caddyfile tokens. The options are
// those of the fields of [App] and [Set]:
//
//	tlsreload {
//		set <name> {
//			certificate <file> [<key file>]
//			folder <folder...>
//			storage <key> [<key of the key>]
//			loader <name> …
//			self_signed <name...>
//			default
//			reserve <name...>
//			drain
//			roots <file...>
//			client_ca <file...>
//			client_crl <file...>
//			upstream <file> [<key file>]
//			upstream_ca <file...>
//		}
//		watch on|off
//		poll_interval <duration>
//		last_good on|off
//		expiring <duration>
//		ocsp on|off
//	}
//
// All options of a set but default, drain and upstream may be repeated, and so may set.
func (a *App) UnmarshalCaddyfile(d *caddycaddyfile.Dispenser) error {
	var set Set // the one that is being read
	return caddyfile.Module(d, []caddyfile.Option{
		{
			Name: "set", Args: "<name>", Min: 1, Max: 1, Repeatable: true, Block: set.options(),
			Set: func(args []string) error {
				if a.Sets[args[0]] != nil {
					return fmt.Errorf("there is a set %s already", args[0])
				}
				if a.Sets == nil {
					a.Sets = map[string]*Set{}
				}
				done := set
				a.Sets[args[0]], set = &done, Set{}
				return nil
			},
		},
		caddyfile.Word("watch", &a.Watch, on, off),
		caddyfile.Duration("poll_interval", &a.PollInterval),
		caddyfile.Word("last_good", &a.LastGood, on, off),
		caddyfile.Duration("expiring", &a.Expiring),
		caddyfile.Word("ocsp", &a.OCSP, on, off),
	})
}

func (s *Set) options() []caddyfile.Option {
	pairOption := func(name, args string, repeatable bool, add func(Pair)) caddyfile.Option {
		return caddyfile.Option{Name: name, Args: args, Min: 1, Max: 2, Repeatable: repeatable, Set: func(args []string) error {
			pair := Pair{Certificate: args[0]}
			if len(args) == 2 {
				pair.Key = args[1]
			}
			add(pair)
			return nil
		}}
	}
	return []caddyfile.Option{
		pairOption("certificate", "<file> [<key file>]", true, func(p Pair) { s.Certificates = append(s.Certificates, p) }),
		caddyfile.Strings("folder", "<folder...>", &s.Folders),
		pairOption("storage", "<key> [<key of the key>]", true, func(p Pair) { s.Storage = append(s.Storage, p) }),
		{Name: "loader", Repeatable: true, Segment: s.loaderOption},
		caddyfile.Strings("self_signed", "<name...>", &s.SelfSigned),
		caddyfile.Flag("default", &s.Default),
		caddyfile.Strings("reserve", "<name...>", &s.Reserve),
		caddyfile.Flag("drain", &s.Drain),
		caddyfile.Strings("roots", "<file...>", &s.Roots),
		caddyfile.Strings("client_ca", "<file...>", &s.ClientCAs),
		caddyfile.Strings("client_crl", "<file...>", &s.ClientCRLs),
		pairOption("upstream", "<file> [<key file>]", false, func(p Pair) { s.Upstream = &p }),
		caddyfile.Strings("upstream_ca", "<file...>", &s.UpstreamCAs),
	}
}

// loaderOption reads a loader, if its module can be put in a Caddyfile.
func (s *Set) loaderOption(d *caddycaddyfile.Dispenser) error {
	d.Next()
	if !d.NextArg() {
		return d.Err("tlsreload: option 'loader' takes the name of a module that loads certificates")
	}
	name := d.Val()
	if _, err := caddy.GetModule("tls.certificates." + name); err != nil {
		return d.Errf("tlsreload: option 'loader': %w", err)
	}
	module, err := caddycaddyfile.UnmarshalModule(d.NewFromNextSegment(), "tls.certificates."+name)
	if err != nil {
		return err
	}
	if s.LoadersRaw == nil {
		s.LoadersRaw = caddy.ModuleMap{}
	}
	if s.LoadersRaw[name] != nil {
		return d.Errf("tlsreload: the loader %s is here for the second time", name)
	}
	s.LoadersRaw[name] = caddyconfig.JSON(module, nil)
	return nil
}

// Interface guard
var _ caddycaddyfile.Unmarshaler = (*App)(nil)
