package pgtxn

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
)

// usersFile is the users file, which is read again when it has changed: whoever
// asks for a user has it looked at. A file that is missing or bad changes nothing;
// the log says so, once.
type usersFile struct {
	path string
	log  *slog.Logger

	mu      sync.Mutex
	seen    fileState // of the file when it was read
	content [sha256.Size]byte
	users   *auth.Users
	problem string // that the log has been told of
}

// fileState is what tells that a file has not changed.
type fileState struct {
	info fs.FileInfo
	// unsettled: it was written so shortly before it was read that a further write
	// may not show in its time.
	unsettled bool
}

// settleTime is more than the steps in which file systems count time.
const settleTime = 2 * time.Second

func (s fileState) same(info fs.FileInfo) bool {
	return s.info != nil && !s.unsettled && os.SameFile(s.info, info) &&
		s.info.ModTime().Equal(info.ModTime()) && s.info.Size() == info.Size()
}

// openUsers reads the file for the first time, when it has to be right.
func openUsers(path string, log *slog.Logger) (*usersFile, error) {
	f := &usersFile{path: path, log: log, users: new(auth.Users)}
	if err := f.refresh(); err != nil {
		return nil, err
	}
	return f, nil
}

// current returns the users as the file has them now, or had them when it was good.
func (f *usersFile) current() *auth.Users {
	f.mu.Lock()
	defer f.mu.Unlock()
	problem := ""
	if err := f.refresh(); err != nil {
		problem = err.Error()
	}
	if problem != "" && problem != f.problem {
		f.log.Error("the users file can't be used; the users that were read before stay", "error", problem)
	}
	f.problem = problem
	return f.users
}

// check reads the file if it has changed and says what is wrong with it.
func (f *usersFile) check() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refresh()
}

// refresh reads the file if it has changed.
func (f *usersFile) refresh() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	if f.seen.same(info) && f.problem == "" {
		return nil
	}
	now := time.Now()
	text, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	content := sha256.Sum256(text)
	if content != f.content {
		users, err := f.users.Update(strings.NewReader(string(text)))
		if err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
		if f.seen.info != nil {
			f.log.Info("the users file has changed", "path", f.path, "users", users.Len())
		}
		if n := users.CountMD5(); n > 0 {
			f.log.Warn("the users file has MD5 hashes, which are weak and let in who steals them; set these passwords again, for SCRAM verifiers",
				"path", f.path, "users", n)
		}
		f.users, f.content = users, content
	}
	f.seen = fileState{info, now.Sub(info.ModTime()) < settleTime}
	return nil
}
