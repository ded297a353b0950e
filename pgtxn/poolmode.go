package pgtxn

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/caddy-pgtxn/caddy-pgtxn/caddyfile"
)

// The values of the option pool_mode, which are PgBouncer's.
const poolModeSession = "session"

var poolModes = []string{"transaction", poolModeSession}

// sessionMode says whose sessions keep their server connection.
func (h *Handler) sessionMode(user, database string) bool {
	return cmp.Or(h.PoolModeUsers[user], h.PoolModeDatabases[database], h.PoolMode) == poolModeSession
}

func (h *Handler) validatePoolMode() error {
	errs := []error{oneOf("pool_mode", h.PoolMode, poolModes)}
	for _, mode := range slices.Concat(slices.Collect(maps.Values(h.PoolModeUsers)), slices.Collect(maps.Values(h.PoolModeDatabases))) {
		errs = append(errs, oneOf("pool_mode", mode, poolModes))
	}
	return errors.Join(errs...)
}

// poolModeOptions are those of the block of pool_mode.
func (h *Handler) poolModeOptions() []caddyfile.Option {
	return []caddyfile.Option{poolModeOf("user", &h.PoolModeUsers), poolModeOf("database", &h.PoolModeDatabases)}
}

func poolModeOf(option string, modes *map[string]string) caddyfile.Option {
	return caddyfile.Option{
		Name: option, Args: "<name> transaction|session", Min: 2, Max: 2, Repeatable: true,
		Set: func(args []string) error {
			name, mode := args[0], args[1]
			if _, twice := (*modes)[name]; twice {
				return fmt.Errorf("%s has a mode already", name)
			}
			if *modes == nil {
				*modes = make(map[string]string)
			}
			(*modes)[name] = mode
			return oneOf("the mode of "+name, mode, poolModes)
		},
	}
}
