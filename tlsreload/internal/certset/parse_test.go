package certset_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

func text(source string, content ...[]byte) certset.Text {
	t := certset.Text{Source: source}
	for _, c := range content {
		t.Content = append(t.Content, c...)
	}
	return t
}

func block(kind string, der []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// Keys in all forms that Go reads, in a file of their own and with the chain,
// before it or behind it.
func TestKeyForms(t *testing.T) {
	ca := testca.New(t, "ca")
	rsaKey, ecKey := testca.NewRSAKey(t, 2048), testca.NewKey(t).(*ecdsa.PrivateKey)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ecKey)
	rsaPair, ecPair, edPair := ca.IssueFor(t, rsaKey, []string{"a.test"}), ca.IssueFor(t, ecKey, []string{"a.test"}), ca.IssueFor(t, edKey, []string{"a.test"})
	for name, test := range map[string]struct {
		pair testca.Pair
		key  []byte
		kind string
	}{
		"RSA, PKCS #8":                 {rsaPair, rsaPair.Key, "RSA 2048"},
		"RSA, PKCS #1":                 {rsaPair, block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), nil), "RSA 2048"},
		"ECDSA, PKCS #8":               {ecPair, ecPair.Key, "ECDSA P-256"},
		"ECDSA, SEC 1":                 {ecPair, block("EC PRIVATE KEY", sec1, err), "ECDSA P-256"},
		"ECDSA, behind its parameters": {ecPair, append(block("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}, nil), block("EC PRIVATE KEY", sec1, err)...), "ECDSA P-256"},
		"Ed25519":                      {edPair, edPair.Key, "Ed25519"},
	} {
		crt, key := text("crt", test.pair.Chain), text("key", test.key)
		both, reversed := text("both", test.pair.Chain, test.key), text("both", test.key, test.pair.Chain)
		for _, pair := range [][2]certset.Text{{crt, key}, {both, both}, {reversed, reversed}} {
			cert, err := certset.ParsePair(pair[0], pair[1])
			if err != nil || cert.KeyType() != test.kind || cert.Fingerprint != test.pair.Fingerprint {
				t.Errorf("%s: %+v, %v", name, cert, err)
				continue
			}
			again, err := cert.PEM()
			if err != nil {
				t.Fatal(err)
			}
			if kept, err := certset.ParsePair(text("kept", again), text("kept", again)); err != nil || kept.Fingerprint != cert.Fingerprint {
				t.Errorf("%s, kept: %v", name, err)
			}
		}
	}
}

// What can't be read is told of wherever it is: a list of authorities or of
// revocations does not become shorter unnoticed.
func TestDamagedBlocks(t *testing.T) {
	ca := testca.New(t, "ca")
	good, list := ca.PEM(), ca.Revoke(t, time.Now().Add(time.Hour))
	spoilt := func(pem []byte) []byte { return bytes.Replace(pem, []byte("A"), []byte("!"), 1) }
	halfOf := func(pem []byte) []byte { return append(bytes.Clone(pem[:len(pem)/2]), '\n') }
	comment := append([]byte("# "), bytes.ReplaceAll(good, []byte("\n"), []byte("\n# "))...)
	lines := bytes.Count(good, []byte("\n"))
	for name, test := range map[string]struct {
		parts [][]byte
		line  int // of the block that the error names; 0 for no error
		count int // of certificates
	}{
		"good":                       {[][]byte{good, []byte("some words\n"), good}, 0, 2},
		"first is spoilt":            {[][]byte{spoilt(good), good}, 1, 0},
		"second of three":            {[][]byte{good, spoilt(good), good}, lines + 1, 0},
		"first is cut off":           {[][]byte{halfOf(good), good}, 1, 0},
		"without its first line":     {[][]byte{good[bytes.IndexByte(good, '\n')+1:], good}, lines - 1, 0},
		"the last line ends at once": {[][]byte{bytes.TrimSpace(good), bytes.TrimSpace(good), good}, 0, 3},
		"behind a mark of UTF-8":     {[][]byte{[]byte("\ufeff"), good, good}, 0, 2},
		"as a comment":               {[][]byte{comment, []byte("\n"), good, comment}, 0, 1},
	} {
		certs, err := certset.ParseCertificates(text("ca", test.parts...))
		want := fmt.Sprintf("at line %d is damaged or cut off", test.line)
		if len(certs) != test.count || (err == nil) != (test.line == 0) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %d certificates, %v; want line %d", name, len(certs), err, test.line)
		}
	}
	if lists, err := certset.ParseCRLs(text("crl", spoilt(list), list)); err == nil {
		t.Errorf("a revocation list is missing: %d are there", len(lists))
	}
}

// The errors say what is wrong, where, and never what the key is.
func TestParseErrors(t *testing.T) {
	ca := testca.New(t, "ca")
	pair := ca.Issue(t, []string{"a.test"})
	damaged := block("CERTIFICATE", []byte("nonsense"), nil)
	for name, test := range map[string]struct {
		crt, key []byte
		want     string
	}{
		"empty":               {nil, pair.Key, "crt: it is empty"},
		"spaces":              {[]byte(" \n"), pair.Key, "crt: it is empty"},
		"not PEM":             {[]byte("hello"), pair.Key, "crt: it is not PEM"},
		"DER":                 {pair.Leaf.Raw, pair.Key, "crt: it is not PEM but DER"},
		"damaged":             {damaged, pair.Key, "crt: certificate 1 is damaged"},
		"second is damaged":   {append(pair.Chain[:len(pair.Chain):len(pair.Chain)], damaged...), pair.Key, "crt: certificate 2 is damaged"},
		"cut off":             {pair.Chain[:100], pair.Key, "crt: PEM block 1 at line 1 is damaged or cut off"},
		"key cut off":         {pair.Chain, pair.Key[:100], "key: PEM block 1 at line 1 is damaged or cut off"},
		"second is cut off":   {append(pair.Chain[:len(pair.Chain):len(pair.Chain)], pair.Chain[:100]...), pair.Key, "crt: PEM block 2 at line "},
		"key in the place":    {pair.Key, pair.Key, "crt: there is no certificate in it, only PRIVATE KEY"},
		"no key":              {pair.Chain, pair.Chain, "key: there is no private key in it, only CERTIFICATE"},
		"key of another":      {pair.Chain, ca.Issue(t, []string{"a.test"}).Key, "key: the key does not fit the certificate in crt"},
		"encrypted":           {pair.Chain, block("ENCRYPTED PRIVATE KEY", []byte("x"), nil), "key: the key is encrypted"},
		"encrypted, old form": {pair.Chain, []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"), "key: the key is encrypted"},
		"key damaged":         {pair.Chain, block("PRIVATE KEY", []byte("x"), nil), "key: the PRIVATE KEY is damaged"},
		"wrong order":         {append(ca.PEM(), pair.Chain...), pair.Key, "crt: the chain is in the wrong order: the certificate of the key is number 2"},
	} {
		_, err := certset.ParsePair(text("crt", test.crt), text("key", test.key))
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v; want %s", name, err, test.want)
		}
	}
}

func FuzzParsePair(f *testing.F) {
	ca := testca.New(f, "ca")
	pair := ca.Issue(f, []string{"a.test"})
	f.Add(pair.Chain, pair.Key)
	f.Add(append(pair.Chain, ca.PEM()...), pair.Key)
	f.Fuzz(func(t *testing.T, crt, key []byte) {
		cert, err := certset.ParsePair(text("crt", crt), text("key", key))
		if (cert == nil) == (err == nil) {
			t.Errorf("%v, %v", cert, err)
		}
		if cert != nil {
			certset.Check(&certset.Set{Certificates: []*certset.Certificate{cert}}, nil, certset.Rules{})
		}
	})
}
