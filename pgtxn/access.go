package pgtxn

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	caddycaddyfile "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-pgtxn/caddy-pgtxn/caddyfile"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/hba"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

// Who comes in, and how: the options auth, hba, user_map, hostssl, max_failed_logins.

const (
	defaultAuth            = string(hba.SCRAM)
	defaultMaxFailedLogins = 60
)

// access makes the rules for clients.
func (h *Handler) access(cfg *relay.Config) (err error) {
	if cfg.Rules, err = h.rules(); err != nil {
		return err
	}
	if cfg.UserMap, err = h.userMap(cfg.Rules); err != nil {
		return err
	}
	needsSecret := func(r *hba.Rule) bool { return r.Method.NeedsSecret() }
	if h.Users == "" && h.AuthUser == "" && slices.ContainsFunc(cfg.Rules, needsSecret) {
		return fmt.Errorf("%s: passwords take the option users, the file to check clients against, or auth_user; or let in everybody with trust", h.rulesOption())
	}
	if h.AuthUser == "" && cfg.Rules.NeedsRoles() {
		return errors.New("hba: +role and samerole take auth_user, who asks the server for the members of a role")
	}
	if h.AuthUser == "" && cfg.UserMap.NeedsRoles() {
		return errors.New("user_map: +role takes auth_user, who asks the server for the members of a role")
	}
	limit := defaultMaxFailedLogins
	if h.MaxFailedLogins != nil {
		limit = *h.MaxFailedLogins
	}
	cfg.Failures = relay.NewFailures(limit)
	cfg.CertsVerified = verifiersJudge(h.ConnectionPolicies)
	return nil
}

// rulesOption is where the rules come from, for errors.
func (h *Handler) rulesOption() string {
	if len(h.HBA) > 0 {
		return "hba"
	}
	return "auth"
}

// rules are those of hba, or what auth and hostssl stand for.
func (h *Handler) rules() (rules hba.Rules, err error) {
	if len(h.HBA) > 0 {
		if h.Auth != "" || h.HostSSL {
			return nil, errors.New("hba: it takes the place of auth and hostssl; leave those out, and write the method and hostssl into its lines")
		}
		for i, line := range h.HBA {
			rule, err := hba.ParseRule(line)
			if err != nil {
				return nil, fmt.Errorf("hba: line %d: %w", i+1, err)
			}
			rules = append(rules, rule)
		}
		return rules, nil
	}
	for _, line := range shortRules(cmp.Or(h.Auth, defaultAuth), h.HostSSL) {
		rule, err := hba.ParseRule(line)
		if err != nil {
			return nil, fmt.Errorf("auth: %w", err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// shortRules writes the option auth out.
func shortRules(auth string, sslOnly bool) []string {
	method, _, _ := strings.Cut(auth, " ")
	certs := method == string(hba.Cert) || strings.Contains(auth, "clientcert=")
	kind := "host"
	if sslOnly || certs || method == string(hba.Password) {
		kind = "hostssl"
	}
	lines := []string{kind + " all,replication all all " + auth}
	if !sslOnly && !certs {
		lines = append(lines, "local all,replication all "+auth)
	}
	return lines
}

// userMap reads the lines of user_map. A map that a rule names has to be there.
func (h *Handler) userMap(rules hba.Rules) (m hba.Map, err error) {
	for i, line := range h.UserMap {
		mapping, err := hba.ParseMapping(line)
		if err != nil {
			return nil, fmt.Errorf("user_map: line %d: %w", i+1, err)
		}
		m = append(m, mapping)
	}
	for _, rule := range rules {
		if rule.Map != "" && !m.Has(rule.Map) {
			return nil, fmt.Errorf("%s: map=%s: user_map has no line of a map with this name", h.rulesOption(), rule.Map)
		}
	}
	return m, nil
}

// verifiersJudge says whether all policies that ask for certificates have them judged
// by a verifier that vouches for them, where crypto/tls does not.
func verifiersJudge(policies caddytls.ConnectionPolicies) bool {
	asking := 0
	for _, policy := range policies {
		asked := policy.ClientAuthentication
		if asked == nil || !asked.Active() {
			continue
		}
		asking++
		if !slices.ContainsFunc(asked.VerifiersRaw, vouches) {
			return false
		}
	}
	return asking > 0
}

func vouches(verifier json.RawMessage) bool {
	var module struct {
		Verifier string `json:"verifier"`
	}
	err := json.Unmarshal(verifier, &module)
	return err == nil && (module.Verifier == "tlsreload" || module.Verifier == "leaf")
}

// authOption takes the end of a line of pg_hba.conf.
func (h *Handler) authOption() caddyfile.Option {
	return caddyfile.Option{Name: "auth", Args: "<method> [<option>...]", Min: 1, Max: -1, Set: func(args []string) error {
		h.Auth = strings.Join(args, " ")
		_, err := h.rules()
		return errors.Unwrap(err)
	}}
}

func (h *Handler) setMaxFailedLogins(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 0 {
		return fmt.Errorf("expected a whole number from 0, not '%s'", args[0])
	}
	h.MaxFailedLogins = &n
	return nil
}

func checkRule(line string) error {
	_, err := hba.ParseRule(line)
	return err
}

func checkMapping(line string) error {
	_, err := hba.ParseMapping(line)
	return err
}

// lines reads a block of lines that are PostgreSQL's. What the Caddyfile has in quotes
// stays in quotes, which mean the same there.
func lines(option string, dst *[]string, check func(string) error) func(*caddycaddyfile.Dispenser) error {
	return func(d *caddycaddyfile.Dispenser) error {
		d.Next()
		if d.NextArg() {
			return d.Errf("pgtxn: option '%s': unexpected '%s': its lines go into a block", option, d.Val())
		}
		for nesting := d.Nesting(); d.NextBlock(nesting); {
			words := []string{quoted(d.Token())}
			for d.NextArg() {
				words = append(words, quoted(d.Token()))
			}
			line := strings.Join(words, " ")
			if err := check(line); err != nil {
				return d.Errf("pgtxn: option '%s': %w", option, err)
			}
			*dst = append(*dst, line)
		}
		if len(*dst) == 0 {
			return d.Errf("pgtxn: option '%s': there is no line in its block", option)
		}
		return nil
	}
}

func quoted(t caddycaddyfile.Token) string {
	if !t.Quoted() && !strings.ContainsAny(t.Text, " \t") {
		return t.Text
	}
	return `"` + strings.ReplaceAll(t.Text, `"`, `""`) + `"`
}
