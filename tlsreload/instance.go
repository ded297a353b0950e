package tlsreload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// What an instance of Caddy says of itself in the storage, which it may share
// with others: that it runs, and which sets it keeps.

func instanceKey(kind string) (string, error) {
	id, err := caddy.InstanceID()
	return storagePrefix + "/" + kind + "/" + id.String() + ".json", err
}

// mark is what is in the storage while this instance of Caddy runs.
type mark struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
}

// markRunning notes that the process runs, and says what is known of the one
// before, if it did not end cleanly.
func (a *App) markRunning() (unclean string) {
	key, err := instanceKey("running")
	if err == nil {
		text, loadErr := a.ctx.Storage().Load(a.ctx, key)
		var before mark
		if loadErr == nil && json.Unmarshal(text, &before) == nil {
			unclean = fmt.Sprintf("process %d, started at %s, did not end cleanly", before.PID, before.Started.Format(time.RFC3339))
		} else if loadErr == nil {
			unclean = "the previous process did not end cleanly"
		}
		text, _ = json.Marshal(mark{os.Getpid(), time.Now().UTC()})
		err = a.ctx.Storage().Store(a.ctx, key, text)
	}
	if err != nil {
		a.log.Error("an unclean end would not be noticed at the next start", "error", err)
	}
	return unclean
}

func (a *App) unmarkRunning() {
	key, err := instanceKey("running")
	if err == nil {
		err = a.ctx.Storage().Delete(context.WithoutCancel(a.ctx), key) // it may be cancelled, see Cleanup
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.log.Error("the next start will take this end for an unclean one", "error", err)
	}
}

// claim says in the storage which sets this instance keeps. What was kept of
// others, private keys included, is deleted, unless another instance keeps them.
// It is for configurations that have started: one that fails changes nothing.
func (a *App) claim() {
	if err := a.claimSets(); err != nil {
		a.log.Error("what was kept of sets that are no longer configured could not be deleted", "error", err)
	}
}

func (a *App) claimSets() error {
	own, err := instanceKey("keeps")
	if err != nil {
		return err
	}
	now := []string{}
	if a.LastGood != off {
		now, _ = a.names(nil)
	}
	before, err := a.claimed(own)
	if err != nil || slices.Equal(before, now) {
		return err
	}
	storage := a.ctx.Storage()
	unlock, err := lock(a.ctx, storage, path.Dir(own))
	if err != nil {
		return err
	}
	defer unlock()
	others, err := a.claimedByOthers(own)
	if err != nil {
		return err
	}
	for _, set := range before {
		if slices.Contains(now, set) || slices.Contains(others, set) {
			continue
		}
		if err := storage.Delete(a.ctx, lastGoodKey(set)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		a.log.Info("deleted what was kept of a set that is no longer kept", "set", set)
	}
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return storage.Store(a.ctx, own, text)
}

func (a *App) claimedByOthers(own string) (sets []string, err error) {
	keys, err := a.ctx.Storage().List(a.ctx, path.Dir(own), false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, key := range keys {
		if key != own {
			theirs, claimErr := a.claimed(key)
			err = errors.Join(err, claimErr)
			sets = append(sets, theirs...)
		}
	}
	return sets, err
}

// claimed returns the sets that an instance keeps.
func (a *App) claimed(key string) (sets []string, err error) {
	text, err := a.ctx.Storage().Load(a.ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &sets)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", key, err)
	}
	return sets, err
}
