package auth

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"math/big"
	"testing"
)

func TestEndPoint(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sum256 := func(b []byte) []byte { s := sha256.Sum256(b); return s[:] }
	sum384 := func(b []byte) []byte { s := sha512.Sum384(b); return s[:] }
	sum512 := func(b []byte) []byte { s := sha512.Sum512(b); return s[:] }
	for _, test := range []struct {
		algorithm x509.SignatureAlgorithm
		key       crypto.Signer
		hash      func([]byte) []byte
	}{
		{x509.ECDSAWithSHA256, ec, sum256},
		{x509.ECDSAWithSHA384, ec, sum384},
		{x509.ECDSAWithSHA512, ec, sum512},
		{x509.SHA256WithRSA, rsaKey, sum256},
		{x509.SHA512WithRSA, rsaKey, sum512},
		{x509.SHA384WithRSAPSS, rsaKey, sum384},
		{x509.PureEd25519, ed, nil},
	} {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), SignatureAlgorithm: test.algorithm}
		der, err := x509.CreateCertificate(rand.Reader, template, template, test.key.Public(), test.key)
		if err != nil {
			t.Fatal(test.algorithm, err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		if test.hash != nil {
			want = test.hash(der)
		}
		if got := EndPoint(cert); !bytes.Equal(got, want) {
			t.Errorf("%v: %x, want %x", test.algorithm, got, want)
		}
	}
	// Nobody signs with SHA-1 any more.
	old := &x509.Certificate{Raw: []byte("raw"), SignatureAlgorithm: x509.SHA1WithRSA}
	if !bytes.Equal(EndPoint(old), sum256(old.Raw)) {
		t.Error("SHA-1 is not replaced by SHA-256")
	}
}
