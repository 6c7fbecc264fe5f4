package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// A stamp is what the shells that use the same credentials know of them in
// common, in a file that a shell reads at each prompt: one line
// "KEY EXPIRES STATE NEXT WAIT", without secrets. The file's name is the hash
// of the plan, and its time is EXPIRES: to fish, which has no clock, its age
// tells the time.
type stamp struct {
	Key     string    // of the credentials that lie in the cache
	Expires time.Time // of them
	State   string
	Next    time.Time     // not before then is it tried again
	Wait    time.Duration // from the last failure to Next
}

// The states of a stamp.
const (
	stampOK       = "ok"
	stampRenewing = "renewing" // until Next at the latest
	stampMFA      = "mfa"      // a person has to give a code
	stampLocked   = "locked"   // a person has to unlock the keystore
	stampLogin    = "login"    // a person has to sign in
	stampFail     = "fail"
	stampGone     = "gone" // ended by a person: nobody is to go on with it; an empty file
)

// How long after a failed renewal the next is tried.
const (
	leastWait = 30 * time.Second
	mostWait  = 10 * time.Minute
)

// needsPerson reports whether it takes a person to renew the credentials.
func (s stamp) needsPerson() bool {
	return s.State == stampMFA || s.State == stampLocked || s.State == stampLogin
}

// waiting reports whether nothing is to be tried at now, because somebody is
// at it or has failed a moment ago.
func (s stamp) waiting(now time.Time) bool {
	return (s.needsPerson() || s.State == stampFail || s.State == stampRenewing) && now.Before(s.Next)
}

func (s stamp) String() string {
	return fmt.Sprintf("%s %d %s %d %d", s.Key, unixOr0(s.Expires), s.State, unixOr0(s.Next), s.Wait/time.Second)
}

func parseStamp(line string) (s stamp, ok bool) {
	f := strings.Fields(line)
	if len(f) != 5 {
		return stamp{}, false
	}
	wait, err := strconv.Atoi(f[4])
	if err != nil || wait < 0 || time.Duration(wait)*time.Second > mostWait {
		return stamp{}, false
	}
	s = stamp{Key: f[0], State: f[2], Wait: time.Duration(wait) * time.Second}
	if s.Expires, ok = unixTime(f[1]); !ok {
		return stamp{}, false
	}
	s.Next, ok = unixTime(f[3])
	return s, ok
}

const stampSuffix = ".stamp"

func (app *App) stampFile(hash string) string { return filepath.Join(app.locks(), hash+stampSuffix) }

// readStamp returns the stamp of a plan; what cannot be read counts as none.
func (app *App) readStamp(hash string) (stamp, bool) {
	data, err := keystore.ReadFilePrivate(app.stampFile(hash))
	if err != nil {
		return stamp{}, false
	}
	if len(data) == 0 {
		return stamp{State: stampGone}, true
	}
	return parseStamp(string(data))
}

// writeStamp replaces the stamp of a plan. Nothing depends on it but how soon
// other shells learn of a renewal: a failure is nobody's business.
func (app *App) writeStamp(hash string, s stamp) {
	dir := app.locks()
	if os.MkdirAll(dir, 0o700) != nil {
		return
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o022 != 0 {
		return
	}
	file := app.stampFile(hash)
	temp := filepath.Join(dir, "."+hash+stampSuffix+".tmp-"+rand.Text())
	text := s.String() + "\n"
	if s.State == stampGone {
		text = "" // which a shell sees without reading it
	}
	if os.WriteFile(temp, []byte(text), 0o600) != nil {
		_ = os.Remove(temp)
		return
	}
	when := s.Expires
	if when.IsZero() {
		when = app.Now()
	}
	if os.Chtimes(temp, when, when) != nil || os.Rename(temp, file) != nil {
		_ = os.Remove(temp)
		return
	}
	app.sweepStamps(dir)
}

// sweepStamps removes the stamps of credentials that ended a day ago.
func (app *App) sweepStamps(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.Contains(e.Name(), stampSuffix) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && app.Now().Sub(info.ModTime()) > 24*time.Hour {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// stampSwitch notes that the credentials of a state lie in the cache. What is
// known of them, or of later ones, stays.
func (app *App) stampSwitch(s *state) {
	old, ok := app.readStamp(s.Hash)
	if ok && old.State != stampGone && (old.Key == s.Key || old.State == stampOK && old.Expires.After(s.Expires)) {
		return
	}
	app.writeStamp(s.Hash, stamp{Key: s.Key, Expires: s.Expires, State: stampOK, Next: s.Due})
}

// stampFailure notes that the credentials of a state could not be renewed.
func (app *App) stampFailure(s *state, err error) {
	next := stamp{Key: s.Key, Expires: s.Expires, Wait: leastWait}
	if old, ok := app.readStamp(s.Hash); ok {
		next.Key, next.Expires = old.Key, old.Expires
		if old.Wait != 0 {
			next.Wait = min(2*old.Wait, mostWait)
		}
	}
	next.State = stampState(err)
	next.Next = app.Now().Add(next.Wait)
	app.writeStamp(s.Hash, next)
}

// stampState returns what a failure to renew amounts to.
func stampState(err error) string {
	switch {
	case errors.Is(err, keystore.ErrLocked), errors.Is(err, keystore.ErrPassphrase):
		return stampLocked
	case errors.Is(err, sts.ErrNoCode):
		return stampMFA
	case errors.Is(err, errNoTerminal):
		return stampLogin
	}
	return stampFail
}

// stampGoneBy notes that the sessions which drop picks were ended by a person,
// so that the shells that use them leave.
func (app *App) stampGoneBy(ctx context.Context, headers []sts.Header, drop func(sts.Header) bool) {
	for _, h := range headers {
		if ctx.Err() == nil && drop(h) && isHash(h.Hash) {
			if old, ok := app.readStamp(h.Hash); ok {
				old.State = stampGone
				app.writeStamp(h.Hash, old)
			}
		}
	}
}
