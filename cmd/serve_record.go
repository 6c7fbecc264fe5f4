package cmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shellvault/vault/keystore"
)

// A serverRecord says of a server that runs what others may know. While it runs it
// holds the lock beside its record: what is not locked is left over.
type serverRecord struct {
	ID      string    `json:"id"`
	Profile string    `json:"profile"`
	For     string    `json:"for"`
	ForPID  int       `json:"for_pid,omitempty"`
	Address string    `json:"address"`
	Since   time.Time `json:"since"`
	PID     int       `json:"pid"`
}

const recordPrefix = "server-"

func (app *App) recordFile(id string) string {
	return filepath.Join(app.locks(), recordPrefix+id+".json")
}

func (app *App) recordLock(id string) string {
	return filepath.Join(app.locks(), recordPrefix+id+".lock")
}

// recordServer tells others of this server, until forget is called.
func (app *App) recordServer(h hello, address string) (forget func(), err error) {
	unlock, _, err := keystore.TryLock(app.recordLock(h.ID))
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(serverRecord{h.ID, h.Profile, h.For, h.PID, address, app.Now().UTC().Truncate(time.Second), os.Getpid()})
	if err == nil {
		err = keystore.WriteFileAtomic(app.recordFile(h.ID), text, 0o600)
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return func() {
		app.dropRecord(h.ID)
		unlock()
	}, nil
}

func (app *App) dropRecord(id string) {
	_ = os.Remove(app.recordFile(id))
	_ = os.Remove(app.recordLock(id))
}

// servers returns the servers that run, the oldest first; what others have left
// over is removed.
func (app *App) servers() []serverRecord {
	files, _ := filepath.Glob(filepath.Join(app.locks(), recordPrefix+"*.json")) // its pattern is well formed
	var list []serverRecord
	for _, file := range files {
		id := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), recordPrefix), ".json")
		if r, ok := app.runningServer(id); ok {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b serverRecord) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

// runningServer returns the record of a server that runs.
func (app *App) runningServer(id string) (r serverRecord, ok bool) {
	if id == "" || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return serverRecord{}, false
	}
	data, err := keystore.ReadFilePrivate(app.recordFile(id))
	if err != nil || json.Unmarshal(data, &r) != nil || r.ID != id || r.PID <= 1 {
		return serverRecord{}, false
	}
	unlock, free, err := keystore.TryLock(app.recordLock(id))
	if err != nil {
		return serverRecord{}, false
	}
	if free {
		app.dropRecord(id)
		unlock()
		return serverRecord{}, false
	}
	return r, true
}

// stopServerOf ends the server of a switch that is over. One that an outer
// shell has goes on.
func (app *App) stopServerOf(old *state) {
	if old == nil {
		return
	}
	if r, ok := app.runningServer(old.Server); ok && r.ForPID == os.Getppid() {
		_ = unix.Kill(r.PID, unix.SIGTERM)
	}
}

// renewServer has the server of a switch take what was renewed, and returns it;
// nil if it runs no longer.
func (app *App) renewServer(old *state) *served {
	r, ok := app.runningServer(old.Server)
	if !ok || unix.Kill(r.PID, unix.SIGUSR1) != nil {
		return nil
	}
	return &served{ID: r.ID, URL: app.Env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], Token: app.Env["AWS_CONTAINER_AUTHORIZATION_TOKEN"]}
}
