package certset

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"time"
)

// Trust is what clients' certificates are checked against.
type Trust struct {
	// Roots are the authorities. Without any, no client certificate is good.
	Roots []*x509.Certificate
	// CRLs are the lists of revoked certificates, each signed by one of Roots
	// or by an intermediate authority.
	CRLs []*x509.RevocationList
}

// ParseCRLs reads the revocation lists of a text, in PEM or one in DER.
func ParseCRLs(text Text) ([]*x509.RevocationList, error) {
	if list, err := x509.ParseRevocationList(text.Content); err == nil {
		return []*x509.RevocationList{list}, nil
	}
	blocks, err := decode(text)
	if err != nil {
		return nil, err
	}
	var lists []*x509.RevocationList
	for _, block := range blocks {
		if block.Type != "X509 CRL" {
			continue
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, problem(text.Source, "revocation list %d is damaged: %v", len(lists)+1, err)
		}
		lists = append(lists, list)
	}
	if len(lists) == 0 {
		return nil, problem(text.Source, "there is no revocation list in it, only %s", types(blocks))
	}
	return lists, nil
}

// issued says whether a list has the name of one of Roots, and whether that one
// signed it.
func (t *Trust) issued(list *x509.RevocationList) (known, signed bool) {
	for _, root := range t.Roots {
		if bytes.Equal(root.RawSubject, list.RawIssuer) {
			known, signed = true, signed || list.CheckSignatureFrom(root) == nil
		}
	}
	return known, signed
}

// VerifyClient says what is wrong with a client's certificate, whose chain is
// leaf first. An issuer whose revocation list has passed its nextUpdate vouches
// for nobody.
func (t *Trust) VerifyClient(chain []*x509.Certificate, now time.Time) error {
	opts := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, root := range t.Roots {
		opts.Roots.AddCert(root)
	}
	for _, cert := range chain[1:] {
		opts.Intermediates.AddCert(cert)
	}
	chains, err := chain[0].Verify(opts)
	if err != nil {
		return err
	}
	for _, verified := range chains {
		if err = t.revoked(verified, now); err == nil {
			return nil
		}
	}
	return err
}

// revoked looks for each certificate of a verified chain in its issuer's lists.
func (t *Trust) revoked(chain []*x509.Certificate, now time.Time) error {
	for i, cert := range chain[:len(chain)-1] {
		issuer := chain[i+1]
		for _, list := range t.CRLs {
			if !bytes.Equal(list.RawIssuer, issuer.RawSubject) || list.CheckSignatureFrom(issuer) != nil {
				continue
			}
			if !list.NextUpdate.IsZero() && now.After(list.NextUpdate) {
				return fmt.Errorf("the revocation list of %s is out of date since %s", issuer.Subject, list.NextUpdate.UTC().Format(time.RFC3339))
			}
			for _, entry := range list.RevokedCertificateEntries {
				if entry.SerialNumber.Cmp(cert.SerialNumber) == 0 {
					return fmt.Errorf("the certificate %x of %s was revoked at %s", cert.SerialNumber, cert.Subject, entry.RevocationTime.UTC().Format(time.RFC3339))
				}
			}
		}
	}
	return nil
}
