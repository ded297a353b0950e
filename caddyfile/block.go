// Package caddyfile reads the blocks of this project's modules in a Caddyfile.
//
// A module lists its options in a table and hands it to [Module]:
//
//	return caddyfile.Module(d, []caddyfile.Option{
//		caddyfile.Int("pool_size", &h.PoolSize, 1),
//		caddyfile.Limit("idle_timeout", &h.IdleTimeout),
//		{Name: "tls", Block: policies, Set: h.enableTLS},
//	})
//
// What can be wrong with a block is found here and nowhere else: an option that
// does not exist, comes twice, has too few or too many arguments, or a value of
// another kind. Each error names the option, says what was expected, and shows
// file and line.
package caddyfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/nearest"
)

// Option is a line that a block may have. Most are made by the functions of
// values.go.
type Option struct {
	Name string
	// Args shows the arguments in messages: "<file>".
	Args string
	// Min and Max bound the number of arguments; Max < 0 is no bound.
	Min, Max int
	// Repeatable options may stand in a block more than once.
	Repeatable bool
	// Block, if not nil, lists the options of the block that may follow the
	// arguments. An empty one, or none, is no error.
	Block []Option
	// Set takes the arguments, after the block has been read. Its error says
	// what was expected; option, file and line are added to it.
	Set func(args []string) error
	// Segment is for an option that another package reads: it gets the
	// option's name and all that belongs to it, and nothing else here applies
	// but Repeatable. Its error is shown as it is.
	Segment func(*caddyfile.Dispenser) error
}

// Module reads a module's name and its block. It is all that an
// UnmarshalCaddyfile has to do.
func Module(d *caddyfile.Dispenser, options []Option) error {
	d.Next()
	name := d.Val()
	if d.NextArg() {
		return d.Errf("%s: unexpected '%s': the options go into a block, one on each line", name, d.Val())
	}
	return block(d, name, options)
}

// Named reads what the module's name is followed by, one argument or more, and its block. Want says in
// messages what they are: "an address".
func Named(d *caddyfile.Dispenser, want string, options []Option) (names []string, err error) {
	d.Next()
	name := d.Val()
	if names = d.RemainingArgs(); len(names) == 0 {
		return nil, d.Errf("%s: expected %s behind it", name, want)
	}
	return names, block(d, name, options)
}

// block reads what the braces behind the current token hold; owner is whose
// they are.
func block(d *caddyfile.Dispenser, owner string, options []Option) error {
	seen := map[string]int{} // the line of each option's first use
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		o := find(options, name)
		if o == nil {
			return d.Errf("%s: unknown option '%s': %s", owner, name, suggest(options, name))
		}
		if line, again := seen[name]; again && !o.Repeatable {
			return d.Errf("%s: option '%s' is here for the second time, the first is in line %d", owner, name, line)
		}
		if seen[name] == 0 {
			seen[name] = d.Line()
		}
		if err := o.read(d, owner); err != nil {
			return err
		}
	}
	return nil
}

func find(options []Option, name string) *Option {
	if i := slices.IndexFunc(options, func(o Option) bool { return o.Name == name }); i >= 0 {
		return &options[i]
	}
	return nil
}

// read reads one option, whose name is the current token.
func (o *Option) read(d *caddyfile.Dispenser, owner string) error {
	if o.Segment != nil {
		return o.Segment(d.NewFromNextSegment())
	}
	args := d.RemainingArgs()
	if len(args) < o.Min || o.Max >= 0 && len(args) > o.Max {
		return d.Errf("%s: option '%s' takes %s, not %d: %s", owner, o.Name, o.count(), len(args), o.usage())
	}
	if o.Block != nil {
		if err := block(d, o.Name, o.Block); err != nil {
			return err
		}
	} else if d.NextBlock(d.Nesting()) {
		d.Prev() // to the brace, whose line it is
		return d.Errf("%s: option '%s' takes no block: %s", owner, o.Name, o.usage())
	}
	if err := o.Set(args); err != nil {
		return d.Errf("%s: option '%s': %w", owner, o.Name, err)
	}
	return nil
}

// count says how many arguments there may be.
func (o *Option) count() string {
	switch {
	case o.Max == 0:
		return "no argument"
	case o.Max < 0:
		return fmt.Sprintf("%s or more", arguments(o.Min))
	case o.Min == o.Max:
		return arguments(o.Min)
	}
	return fmt.Sprintf("%d to %s", o.Min, arguments(o.Max))
}

func arguments(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// usage shows how the option is written.
func (o *Option) usage() string {
	text := o.Name
	if o.Args != "" {
		text += " " + o.Args
	}
	if o.Block != nil {
		text += " { … }"
	}
	return text
}

// suggest names the option that was probably meant, or all there are.
func suggest(options []Option, name string) string {
	var names []string
	for _, o := range options {
		names = append(names, o.Name)
	}
	if meant := nearest.Of(name, slices.Values(names)); meant != "" {
		return fmt.Sprintf("did you mean '%s'?", meant)
	}
	return "the options are " + strings.Join(names, ", ")
}
