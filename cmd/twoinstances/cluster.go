package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/caddyrun"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// What the example's clients know: the name that the certificate is for, and a login.
const (
	name     = "db.example.com"
	user     = "app"
	password = "correct horse"
	database = "postgres"
)

// A cluster is the servers, the instances and the balancer.
type cluster struct {
	primary, standby *pgtest.Server
	address          string // of all, by the balancer
	balancer         *caddyrun.Process
	instances        [2]instance
	env              []string

	binary, example, folder string
}

type instance struct {
	listen string // for the balancer
	peer   string // for the other instance
	admin  string
	*caddyrun.Process
}

// startServers: what a client was told is committed must be there after the promotion, so the primary waits for the
// standby.
func (c *cluster) startServers(ctx context.Context) (err error) {
	hba := pgtest.HBA("local replication all trust", "host replication all 127.0.0.1/32 trust", "host all all 127.0.0.1/32 scram-sha-256")
	if c.primary, err = pgtest.Run(ctx, hba, pgtest.Restartable()); err != nil {
		return err
	}
	if c.standby, err = pgtest.Run(ctx, hba, pgtest.StandbyOf(c.primary)); err != nil {
		return err
	}
	for _, statement := range []string{
		fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", user, password),
		"CREATE TABLE rows (client int, n int)", "GRANT ALL ON rows TO " + user,
		"ALTER SYSTEM SET synchronous_standby_names = '*'", "ALTER SYSTEM SET synchronous_commit = 'remote_apply'",
		"SELECT pg_reload_conf()",
	} {
		if _, err := c.primary.SQL(ctx, database, statement); err != nil {
			return err
		}
	}
	return nil
}

// startCaddys starts the second instance when the first has its certificate: whoever comes first to an empty storage
// makes the authority.
func (c *cluster) startCaddys(ctx context.Context) (err error) {
	if err := c.prepare(ctx); err != nil {
		return err
	}
	for i := range c.instances {
		if err := c.startInstance(ctx, i); err != nil {
			return err
		}
		if _, err := c.certificate(ctx, i); err != nil {
			return err
		}
	}
	admin, err := freeAddress()
	if err != nil {
		return err
	}
	c.balancer, err = caddyrun.Start(ctx, c.binary, filepath.Join(c.example, "balancer.Caddyfile"), admin, "TERM",
		append(c.env, "BALANCER_ADMIN="+admin)...)
	return err
}

// prepare builds Caddy and makes what the environment names.
func (c *cluster) prepare(ctx context.Context) (err error) {
	root, err := caddyrun.Root(ctx)
	if err != nil {
		return err
	}
	c.example = filepath.Join(root, "examples", "two-instances")
	if c.folder, err = os.MkdirTemp("", "twoinstances-"); err != nil {
		return err
	}
	if c.binary, err = caddyrun.Build(ctx, root, c.folder, os.Stderr); err != nil {
		return err
	}
	addresses := []*string{&c.address}
	for i := range c.instances {
		addresses = append(addresses, &c.instances[i].listen, &c.instances[i].peer, &c.instances[i].admin)
	}
	for _, address := range addresses {
		if *address, err = freeAddress(); err != nil {
			return err
		}
	}
	verifier, err := c.primary.SQL(ctx, database, fmt.Sprintf("SELECT rolpassword FROM pg_authid WHERE rolname = '%s'", user))
	if err != nil {
		return err
	}
	users := filepath.Join(c.folder, "users.txt")
	c.env = []string{
		"PGTXN_STORAGE=" + filepath.Join(c.folder, "storage"), "PGTXN_NAME=" + name, "PGTXN_USERS=" + users, "PGTXN_BALANCER=127.0.0.0/8",
		"PGTXN_SERVER_A=" + c.primary.Addr, "PGTXN_SERVER_B=" + c.standby.Addr,
		"PGTXN_PEER_1=" + c.instances[0].peer, "PGTXN_PEER_2=" + c.instances[1].peer,
		"BALANCER_TO_1=" + c.instances[0].listen, "BALANCER_TO_2=" + c.instances[1].listen, "BALANCER_LISTEN=" + c.address,
	}
	return os.WriteFile(users, fmt.Appendf(nil, "%q %q\n", user, verifier), 0o600)
}

// startInstance starts one so that Stop is its sudden death.
func (c *cluster) startInstance(ctx context.Context, i int) (err error) {
	in := &c.instances[i]
	in.Process, err = caddyrun.Start(ctx, c.binary, filepath.Join(c.example, "Caddyfile"), in.admin, "KILL",
		append(c.env, "PGTXN_ADMIN="+in.admin, "PGTXN_LISTEN="+in.listen, "PGTXN_PEER_LISTEN="+in.peer, fmt.Sprint("PGTXN_PEER_ID=", i+1))...)
	return err
}

// rootCert is the authority of the shared storage, for clients.
func (c *cluster) rootCert() string {
	return filepath.Join(c.folder, "storage", "pki", "authorities", "local", "root.crt")
}

// certificate returns the fingerprint of what an instance shows, once it has one that the authority has signed.
func (c *cluster) certificate(ctx context.Context, i int) (fingerprint string, err error) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	for {
		roots := x509.NewCertPool()
		text, err := os.ReadFile(c.rootCert())
		if err == nil && roots.AppendCertsFromPEM(text) {
			dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: name, NextProtos: []string{"postgresql"}}}
			conn, dialErr := dialer.DialContext(ctx, "tcp", c.instances[i].peer)
			if err = dialErr; err == nil {
				defer conn.Close()
				sum := sha256.Sum256(conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw)
				return hex.EncodeToString(sum[:8]), nil
			}
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("instance %d has no certificate: %w", i+1, errors.Join(ctx.Err(), err))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends all that runs.
func (c *cluster) stop() error {
	var errs []error
	for _, p := range []*caddyrun.Process{c.balancer, c.instances[0].Process, c.instances[1].Process} {
		if p != nil {
			errs = append(errs, p.Stop())
		}
	}
	for _, s := range []*pgtest.Server{c.standby, c.primary} {
		if s != nil {
			errs = append(errs, s.Stop())
		}
	}
	return errors.Join(append(errs, os.RemoveAll(c.folder))...)
}

// logs are the ends of the instances' logs, without the requests that were made here.
func (c *cluster) logs() string {
	var b strings.Builder
	for i, in := range c.instances {
		if in.Process != nil {
			lines := slices.DeleteFunc(strings.Split(in.Log(), "\n"), func(line string) bool { return strings.Contains(line, `"admin.api"`) })
			fmt.Fprintf(&b, "The end of the log of instance %d:\n%s\n", i+1, pgtest.Tail(strings.Join(lines, "\n"), 15))
		}
	}
	return b.String()
}

// stay says what there is to try, and returns at Ctrl-C.
func (c *cluster) stay(ctx context.Context) {
	host, port, _ := strings.Cut(c.address, ":")
	fmt.Printf(`
It runs until Ctrl-C. Try, again and again, for one instance and the other in turn:

   PGPASSWORD='%s' %s "host=%s hostaddr=%s port=%s user=%s dbname=%s sslmode=verify-full sslrootcert=%s"
   curl -s http://%s/pgtxn/sessions
   curl -s http://%s/pgtxn/sessions
`, password, c.standby.Bin("psql"), name, host, port, user, database, c.rootCert(), c.instances[0].admin, c.instances[1].admin)
	<-ctx.Done()
}

func freeAddress() (string, error) {
	port, err := pgtest.FreePort()
	return fmt.Sprintf("127.0.0.1:%d", port), err
}
