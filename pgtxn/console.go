package pgtxn

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/console"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload"
)

// The console for psql: the options admin_users, stats_users, console_dbname.

// console returns the console of this handler's clients, or nil.
func (h *Handler) console(users *directory, log *slog.Logger) *relay.Console {
	if len(h.AdminUsers)+len(h.StatsUsers) == 0 {
		return nil
	}
	c := &console.Console{
		Admins: h.AdminUsers, Stats: h.StatsUsers, Version: version(), Settings: h.settings(), Log: log,
		Reload: func() error { return errors.Join(users.reload(), tlsreload.Reload("console")) },
	}
	return &relay.Console{Database: cmp.Or(h.ConsoleDBName, defaultConsoleDBName), Serve: c.Serve}
}

func (h *Handler) validateConsole() error {
	if h.ConsoleDBName != "" && len(h.AdminUsers)+len(h.StatsUsers) == 0 {
		return errors.New("console_dbname: it takes admin_users or stats_users, who may use the console")
	}
	return nil
}

// version is that of this module and of Caddy, as the build knows them.
func version() string {
	own := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range append(info.Deps, &info.Main) {
			if strings.HasPrefix(reflect.TypeFor[Handler]().PkgPath(), module.Path+"/") && module.Version != "" {
				own = module.Version
			}
		}
	}
	simple, _ := caddy.Version()
	return "pgtxn " + own + ", Caddy " + simple
}

// settings are the options with their values.
func (h *Handler) settings() (settings []console.Setting) {
	own, others := reflect.ValueOf(h).Elem(), reflect.ValueOf(defaults())
	for _, field := range reflect.VisibleFields(own.Type()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() {
			continue
		}
		s := console.Setting{Name: name, Default: setting(others.FieldByIndex(field.Index))}
		s.Value = cmp.Or(setting(own.FieldByIndex(field.Index)), s.Default)
		if name == "upstream_password" && s.Value != "" {
			s.Value = "(hidden)"
		}
		settings = append(settings, s)
	}
	return settings
}

// setting is a value as text, "" for one that is not set.
func setting(v reflect.Value) string {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	} else if v.IsZero() {
		return ""
	}
	switch value := v.Interface().(type) {
	case caddy.Duration:
		return time.Duration(value).String()
	case string, int, bool:
		return fmt.Sprint(value)
	case []string:
		return strings.Join(value, " ")
	default:
		text, _ := json.Marshal(value)
		return string(text)
	}
}

// defaults is what options that are left out stand for.
func defaults() Handler {
	duration := func(d time.Duration) *caddy.Duration { return new(caddy.Duration(d)) }
	return Handler{
		TargetSessionAttrs: sessionAttrs[0], LoadBalanceHosts: loadBalances[0], HealthInterval: caddy.Duration(defaultHealthInterval),
		SSLMode: defaultSSLMode, PoolMode: poolModes[0], PoolSize: defaultPoolSize,
		WaitTimeout: duration(defaultWaitTimeout), IdleTimeout: duration(defaultIdleTimeout), MaxLifetime: duration(defaultMaxLifetime),
		ConnectTimeout: caddy.Duration(defaultConnectTimeout), LoginTimeout: caddy.Duration(defaultLoginTimeout),
		ShutdownTimeout: duration(defaultShutdownTimeout), PinTimeout: duration(0),
		MaxStatement: defaultMaxStatement, MaxPrepared: defaultMaxPrepared, MaxSessionMemory: defaultSessionMemory,
		MaxClientPrepared: defaultMaxClientPrepared, Scrub: scrubs[0], Inspect: inspects[relay.InspectCalls],
		CustomSettings: customSettings[0], Verify: verifies[relay.VerifyOff], Auth: defaultAuth,
		PinSequences: sequences[0], Listen: listens[0], TCPKeepalivesIdle: caddy.Duration(defaultKeepalive),
		TCPKeepalivesInterval: caddy.Duration(defaultKeepalive), TCPKeepalivesCount: defaultProbes,
		MaxFailedLogins: new(defaultMaxFailedLogins), AuthDBName: defaultAuthDBName, ConsoleDBName: defaultConsoleDBName,
	}
}
