package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

const (
	database = "bench"
	scale    = 10
	accounts = scale * 100_000
)

func (b *bench) certFile() string      { return filepath.Join(b.dir, "cert.pem") }
func (b *bench) keyFile() string       { return filepath.Join(b.dir, "key.pem") }
func (b *bench) savepointFile() string { return filepath.Join(b.dir, "savepoint.sql") }

// startServer starts the throw-away server that all contenders stand before, with pgbench's tables in it.
func (b *bench) startServer(ctx context.Context) error {
	cert, key, err := selfSigned()
	if err != nil {
		return err
	}
	// All may read the key: PgBouncer does so as another user, and it secures nothing.
	err = errors.Join(os.WriteFile(b.certFile(), cert, 0o644), os.WriteFile(b.keyFile(), key, 0o644),
		os.WriteFile(b.savepointFile(), []byte(savepointScript), 0o644))
	if err != nil {
		return err
	}
	b.server, err = pgtest.Run(ctx,
		pgtest.TLS(cert, key, nil),
		// A plain relay opens a server connection for each of its clients.
		pgtest.Setting("max_connections", strconv.Itoa(b.opt.idle+200)),
		pgtest.Setting("shared_buffers", "512MB"),
		pgtest.Setting("wal_level", "replica"),
		pgtest.Setting("max_wal_size", "8GB"),
		pgtest.Setting("checkpoint_timeout", "1h"),
		pgtest.Setting("autovacuum", "off"),
	)
	if err != nil {
		return err
	}
	if _, err := b.server.SQL(ctx, "postgres", "CREATE DATABASE "+database); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, b.server.Bin("pgbench"), "-i", "-q", "-s", strconv.Itoa(scale), "-h", b.server.SocketDir,
		"-p", strconv.Itoa(b.server.Port), "-U", b.server.Superuser, database)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pgbench -i: %w: %s", err, lastLine(string(out)))
	}
	_, err = b.server.SQL(ctx, database, "CREATE UNLOGGED TABLE bench_copy (line text); SELECT count(*) FROM pgbench_accounts")
	return err
}

// selfSigned makes a certificate for 127.0.0.1 and its key, in PEM.
func selfSigned() (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "bench"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(7 * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), nil
}
