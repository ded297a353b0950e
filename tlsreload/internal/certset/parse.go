package certset

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"regexp"
	"strings"
)

// A Text is what a file or another place holds, and what the place is called.
type Text struct {
	Source  string
	Content []byte
}

// ParsePair reads a certificate with its chain, and its key. Both may be in the
// same text: then key is the same as cert. Its errors are of type [Problem].
func ParsePair(cert, key Text) (*Certificate, error) {
	chain, err := ParseCertificates(cert)
	if err != nil {
		return nil, err
	}
	signer, err := parseKey(key)
	if err != nil {
		return nil, err
	}
	if !fits(signer, chain[0]) {
		for i, other := range chain {
			if fits(signer, other) {
				return nil, problem(cert.Source, "the chain is in the wrong order: the certificate of the key is number %d; put it first, each followed by its issuer", i+1)
			}
		}
		return nil, problem(key.Source, "the key does not fit the certificate in %s: they belong to different pairs, or one of the two was replaced and the other not yet", cert.Source)
	}
	pair := tls.Certificate{PrivateKey: signer}
	for _, c := range chain {
		pair.Certificate = append(pair.Certificate, c.Raw)
	}
	source := cert.Source
	if key.Source != cert.Source {
		source += " + " + key.Source
	}
	return NewCertificate(source, pair)
}

func fits(key crypto.Signer, cert *x509.Certificate) bool {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(cert.PublicKey)
}

// ParseCertificates reads all certificates of a text in PEM, at least one.
func ParseCertificates(text Text) ([]*x509.Certificate, error) {
	blocks, err := decode(text)
	if err != nil {
		return nil, err
	}
	var chain []*x509.Certificate
	for _, block := range blocks {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, problem(text.Source, "certificate %d is damaged: %v", len(chain)+1, err)
		}
		chain = append(chain, cert)
	}
	if len(chain) == 0 {
		return nil, problem(text.Source, "there is no certificate in it, only %s", types(blocks))
	}
	return chain, nil
}

// boundary is where a PEM block begins or ends.
var boundary = regexp.MustCompile(`-----(BEGIN|END)`)

// decode splits a text into its PEM blocks, at least one. [pem.Decode] passes
// over a block that it can't read; here that is an error, so that a list of
// authorities or revocations does not become shorter unnoticed.
func decode(text Text) ([]*pem.Block, error) {
	if len(bytes.TrimSpace(text.Content)) == 0 {
		return nil, problem(text.Source, "it is empty")
	}
	var blocks []*pem.Block
	bounds := boundaries(text.Content)
	for i := 0; i < len(bounds); i += 2 {
		end := len(text.Content)
		if i+2 < len(bounds) {
			end = bounds[i+2]
		}
		block, _ := pem.Decode(text.Content[bounds[i]:end])
		if block == nil {
			line := 1 + bytes.Count(text.Content[:bounds[i]], []byte("\n"))
			return nil, problem(text.Source, "PEM block %d at line %d is damaged or cut off: the file may be half written", len(blocks)+1, line)
		}
		blocks = append(blocks, block)
	}
	if len(blocks) > 0 {
		return blocks, nil
	}
	if _, err := x509.ParseCertificate(text.Content); err == nil {
		return nil, problem(text.Source, "it is not PEM but DER; convert it: openssl x509 -inform der")
	}
	return nil, problem(text.Source, "it is not PEM: there is no line -----BEGIN …-----")
}

// boundaries finds those of all blocks, other than in lines that begin with #.
func boundaries(content []byte) (found []int) {
	for _, at := range boundary.FindAllIndex(content, -1) {
		line := content[bytes.LastIndexByte(content[:at[0]], '\n')+1:]
		if line[0] != '#' {
			found = append(found, at[0])
		}
	}
	return found
}

func types(blocks []*pem.Block) string {
	var names []string
	for _, block := range blocks {
		names = append(names, block.Type)
	}
	return strings.Join(names, ", ")
}

// parseKey reads the first key of a text, in any of the forms that Go reads.
// No error shows a part of the key.
func parseKey(text Text) (crypto.Signer, error) {
	blocks, err := decode(text)
	if err != nil {
		return nil, err
	}
	for _, block := range blocks {
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			return nil, problem(text.Source, "the key is encrypted, which is not supported; decrypt it: openssl pkey -in … -out …")
		}
		key := anyKey(block.Bytes)
		if key == nil {
			return nil, problem(text.Source, "the %s is damaged or of an unknown kind; RSA, ECDSA and Ed25519 keys are known, in PKCS #1, PKCS #8 or SEC 1 form", block.Type)
		}
		return key, nil
	}
	return nil, problem(text.Source, "there is no private key in it, only %s", types(blocks))
}

func anyKey(der []byte) crypto.Signer {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		signer, _ := key.(crypto.Signer)
		return signer
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key
	}
	return nil
}

// PEM returns certificate and key as they are kept: chain first, then the key.
func (c *Certificate) PEM() ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(c.TLS.PrivateKey)
	if err != nil {
		return nil, problem(c.Source, "its key can't be kept: %v", err)
	}
	return append(EncodeCertificates(c.Chain), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...), nil
}

// EncodeCertificates returns certificates as PEM.
func EncodeCertificates(certs []*x509.Certificate) []byte {
	var text []byte
	for _, cert := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return text
}
