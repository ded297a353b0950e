package tlsreload

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// How changes of files are taken.
const (
	// settle is how long after the first sign of a change the files are read.
	settle = 100 * time.Millisecond
	// patience is how long material may be broken before that is a failure:
	// what writes certificate and key may take its time between the two.
	patience = 5 * time.Second
	// again is how often broken material is read while there is patience.
	again = 250 * time.Millisecond
)

// watch reloads sets whose sources have changed, until ctx is done. It reacts
// to notifications, and looks every poll_interval by itself.
func (a *App) watch(ctx context.Context) {
	var events chan fsnotify.Event
	var errs chan error
	notifier, err := fsnotify.NewWatcher()
	if err == nil {
		defer notifier.Close()
		events, errs = notifier.Events, notifier.Errors
		a.follow(notifier)
	} else {
		a.log.Warn("no notifications of changed files; they are looked at every poll_interval", "error", err)
	}
	interval := time.Duration(a.PollInterval)
	if interval == 0 {
		interval = defaultPollInterval
	}
	poll := time.NewTicker(interval)
	defer poll.Stop()
	broken := map[string]time.Time{} // sets that may become whole, and since when they are not
	look := time.After(settle)       // files may have changed before they were watched
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			if look == nil {
				look = time.After(settle)
			}
			continue
		case err := <-errs: // a full queue, for example: something has changed
			a.log.Warn("notifications of changed files were lost", "error", err)
		case <-poll.C:
		case <-look:
		}
		look = nil
		if notifier != nil {
			a.follow(notifier)
		}
		a.refresh(ctx, broken)
		if len(broken) > 0 {
			look = time.After(again)
		}
	}
}

// refresh reloads each set whose sources hold something new. Sets are reloaded
// one by one, so that a broken one does not hold up others.
func (a *App) refresh(ctx context.Context, broken map[string]time.Time) {
	for name, set := range a.Sets {
		r := a.look(ctx, set)
		state := a.state(name)
		// Without a change, time may have made it good, or what is served bad, and what
		// could not be kept is tried again.
		ended := !state.Degraded && a.snapshot.Load().Set(name).Expired(time.Now())
		if r.digest == state.digest && !ended && (len(r.errs) > 0 || !state.Degraded && !state.unkept) {
			delete(broken, name)
			continue
		}
		if since, waiting := broken[name]; len(r.errs) > 0 && (!waiting || time.Since(since) < patience) {
			if !waiting {
				broken[name] = time.Now()
			}
			continue
		}
		delete(broken, name)
		if ctx.Err() == nil {
			_, _ = a.reload(Request{Sets: []string{name}, Trigger: triggerWatch}) // the set exists
		}
	}
}

// look reads and checks a set, while nobody reloads it.
func (a *App) look(ctx context.Context, set *Set) reading {
	process.Lock()
	defer process.Unlock()
	r := set.read(ctx, a.ctx.Storage())
	a.check(&r, Request{Trigger: triggerWatch})
	return r
}

// follow has the system tell of changes in the folders on the way to each file.
func (a *App) follow(notifier *fsnotify.Watcher) {
	wanted := map[string]bool{}
	for _, set := range a.Sets {
		for _, path := range set.files() {
			for _, folder := range foldersOf(path) {
				wanted[folder] = true
			}
		}
	}
	have := notifier.WatchList()
	for _, folder := range have {
		if !wanted[folder] {
			_ = notifier.Remove(folder) // it may be gone
		}
	}
	for folder := range wanted {
		if !slices.Contains(have, folder) {
			_ = notifier.Add(folder) // what can't be watched is looked at every poll_interval
		}
	}
}

// maxLinks bounds the symbolic links that are followed, as systems do.
const maxLinks = 40

// foldersOf returns the folders in which a change may be one of the file, or of
// what is in the folder, at path: where it is in the end, and where each
// symbolic link on the way is. Kubernetes replaces a link above the file,
// certbot the file itself, which is a link.
func foldersOf(path string) []string {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil
	}
	var folders []string
	for range maxLinks {
		link, rest := firstLink(path)
		if link == "" {
			break
		}
		folders = append(folders, filepath.Dir(link))
		target, err := os.Readlink(link)
		if err != nil {
			return folders
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(link), target)
		}
		path = filepath.Join(target, rest)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return append(folders, path, filepath.Dir(path))
	}
	return append(folders, filepath.Dir(path))
}

// firstLink splits path after its first part that is a symbolic link.
func firstLink(path string) (link, rest string) {
	for end := 1; end <= len(path); end++ {
		if end < len(path) && path[end] != filepath.Separator {
			continue
		}
		if info, err := os.Lstat(path[:end]); err != nil {
			return "", ""
		} else if info.Mode()&os.ModeSymlink != 0 {
			return path[:end], strings.TrimPrefix(path[end:], string(filepath.Separator))
		}
	}
	return "", ""
}
