package tlsreload

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

// The largest files that are read, in bytes. A chain with its key has some
// thousand; revocation lists of large authorities have millions.
const (
	maxFile = 1 << 20
	maxCRL  = 64 << 20
)

// The endings of the files that are looked at in folders.
var fileEndings = []string{".pem", ".crt", ".cer", ".key"}

// file reads a file with certificates, a key or both.
func (r *reader) file(path string) (certset.Text, bool) { return r.limitedFile(path, maxFile) }

func (r *reader) limitedFile(path string, limit int64) (certset.Text, bool) {
	text := certset.Text{Source: path}
	content, info, err := readFile(path, limit)
	if !r.exists(path, err) {
		return text, false
	}
	text.Content = content
	r.took(text)
	if info.ModTime().After(r.changed) {
		r.changed = info.ModTime()
	}
	if mode := info.Mode().Perm(); bytes.Contains(content, []byte("PRIVATE KEY-----")) && mode&0o027 != 0 {
		r.warn(path, "it holds a key, and its permissions (%#o) let others read it or change it; chmod 0600, or 0640 for a group", mode)
	} else if mode&0o022 != 0 {
		r.warn(path, "its permissions (%#o) let others change it; chmod go-w", mode)
	}
	return text, true
}

// readFile reads a regular file that is not larger than limit.
func readFile(path string, limit int64) ([]byte, fs.FileInfo, error) {
	info, err := os.Stat(path) // opening a pipe would wait for its other end
	switch {
	case err != nil:
		return nil, nil, err
	case info.IsDir():
		return nil, nil, errors.New("it is a folder")
	case !info.Mode().IsRegular():
		return nil, nil, errors.New("it is not a regular file")
	case info.Size() > limit:
		return nil, nil, fmt.Errorf("it has %d bytes; nothing of this kind has more than %d", info.Size(), limit)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return nil, nil, err
	}
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = errors.New("it grew while it was read")
	}
	return content, info, err
}

// folder reads all pairs of a folder. Which key belongs to which certificate is
// told by the keys, not by the names of the files. Certificates of authorities
// may be there without a key, as certbot's chain.pem is.
func (r *reader) folder(path string) {
	entries, err := os.ReadDir(path)
	if !r.exists(path, err) {
		return
	}
	var keys, chains []certset.Text
	for _, entry := range entries {
		name := filepath.Join(path, entry.Name())
		if !slices.Contains(fileEndings, strings.ToLower(filepath.Ext(name))) || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		text, ok := r.file(name)
		if !ok {
			continue
		}
		if bytes.Contains(text.Content, []byte("PRIVATE KEY-----")) {
			keys = append(keys, text)
		}
		if !bytes.Contains(text.Content, []byte("PRIVATE KEY-----")) || bytes.Contains(text.Content, []byte("BEGIN CERTIFICATE-----")) {
			chains = append(chains, text)
		}
	}
	if len(keys)+len(chains) == 0 {
		r.fail(certset.Problem{Source: path, Reason: "the folder has no file that ends with " + strings.Join(fileEndings, ", ")})
		return
	}
	r.match(chains, keys)
}

// match finds the key of each chain.
func (r *reader) match(chains, keys []certset.Text) {
	used := map[string]bool{}
	var found []*certset.Certificate
	for _, chain := range chains {
		parsed, err := certset.ParseCertificates(chain)
		if err != nil {
			r.fail(err)
			continue
		}
		cert, err := firstFit(chain, keys, used)
		switch {
		case cert != nil:
			found = append(found, cert)
		case !parsed[0].IsCA:
			r.fail(err)
		}
	}
	for _, key := range keys {
		if !used[key.Source] && len(chains) > 0 {
			r.fail(certset.Problem{Source: key.Source, Reason: "no certificate of this folder fits the key: one of the two may have been replaced and the other not yet"})
		}
	}
	// The same leaf with and without its chain, as in certbot's folders.
	slices.SortStableFunc(found, func(a, b *certset.Certificate) int { return len(b.Chain) - len(a.Chain) })
	seen := map[string]bool{}
	for _, cert := range found {
		if !seen[cert.Fingerprint] {
			seen[cert.Fingerprint] = true
			r.set.Certificates = append(r.set.Certificates, cert)
		}
	}
}

// firstFit returns the chain with the first key that fits, or why there is none.
// All that fit are used: the same key may be in two files.
func firstFit(chain certset.Text, keys []certset.Text, used map[string]bool) (first *certset.Certificate, err error) {
	for _, key := range keys {
		cert, pairErr := certset.ParsePair(chain, key)
		if pairErr == nil {
			used[key.Source] = true
			first = cmp.Or(first, cert)
		}
		err = pairErr
	}
	if first != nil {
		return first, nil
	}
	if len(keys) != 1 {
		err = certset.Problem{Source: chain.Source, Reason: "there is no key in the folder that fits the certificate"}
	}
	return nil, err
}
