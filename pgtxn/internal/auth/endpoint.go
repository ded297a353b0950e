package auth

import (
	"crypto"
	_ "crypto/sha256" // for Hash.New
	_ "crypto/sha512"
	"crypto/x509"
)

// EndPoint is what tls-server-end-point binds to: a hash of the server's certificate (RFC 5929,
// section 4.1). Nil: it is not defined for this kind of certificate, whose signature has no hash
// of its own (Ed25519), and no channel can be bound to it.
func EndPoint(cert *x509.Certificate) []byte {
	var hash crypto.Hash
	switch cert.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1, // too weak: the RFC takes the next
		x509.SHA256WithRSA, x509.SHA256WithRSAPSS, x509.DSAWithSHA256, x509.ECDSAWithSHA256:
		hash = crypto.SHA256
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		hash = crypto.SHA384
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		hash = crypto.SHA512
	default:
		return nil
	}
	h := hash.New()
	h.Write(cert.Raw)
	return h.Sum(nil)
}
