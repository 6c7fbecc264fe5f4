package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// usedCodes are the codes of an MFA device that were shown to AWS a moment ago,
// by any process: it takes each once. The file holds hashes, not codes.
type usedCodes struct {
	app    *App
	serial string
	path   string
}

// usedFor is how long a code is remembered: AWS takes those of the half minute
// before and after too.
const usedFor = 3 * sts.TOTPStep

func (app *App) usedCodes(serial string) *usedCodes {
	sum := sha256.Sum256([]byte(serial))
	return &usedCodes{app, serial, filepath.Join(app.locks(), "mfa-"+hex.EncodeToString(sum[:8])+".used")}
}

func (u *usedCodes) hash(code string) string {
	sum := sha256.Sum256([]byte(u.serial + "\n" + code))
	return hex.EncodeToString(sum[:16])
}

// lines returns what is remembered: the second and the hash.
func (u *usedCodes) lines(data []byte) []string {
	return slices.DeleteFunc(strings.Split(string(data), "\n"), func(line string) bool {
		at, _, _ := strings.Cut(line, " ")
		second, err := strconv.ParseInt(at, 10, 64)
		age := u.app.Now().Sub(time.Unix(second, 0))
		return err != nil || age < -usedFor || age > usedFor
	})
}

func (u *usedCodes) read() []string {
	data, err := keystore.ReadFilePrivate(u.path)
	if err != nil {
		return nil
	}
	return u.lines(data)
}

// has reports whether a code was shown to AWS.
func (u *usedCodes) has(code string) bool {
	hash := u.hash(code)
	return slices.ContainsFunc(u.read(), func(line string) bool { return strings.HasSuffix(line, " "+hash) })
}

// add remembers a code that was shown. Where that cannot be kept AWS
// says it.
func (u *usedCodes) add(code string) {
	line := fmt.Sprintf("%d %s", u.app.Now().Unix(), u.hash(code))
	_ = keystore.UpdateFile(context.Background(), u.path, func(old []byte) ([]byte, error) {
		return []byte(strings.Join(append(u.lines(old), line), "\n") + "\n"), nil
	})
}

// wait returns how long it is to the next code if one was used in this step,
// else 0.
func (u *usedCodes) wait() time.Duration {
	now := u.app.Now()
	step := now.Truncate(sts.TOTPStep)
	for _, line := range u.read() {
		at, _, _ := strings.Cut(line, " ")
		if second, err := strconv.ParseInt(at, 10, 64); err == nil && !time.Unix(second, 0).Before(step) {
			return step.Add(sts.TOTPStep).Sub(now).Round(time.Second)
		}
	}
	return 0
}

// next returns the first code of a device that was not shown to AWS yet: it
// waits for the next one where it has to.
func (u *usedCodes) next(ctx context.Context, code func(context.Context) (string, error)) (string, error) {
	for range 3 {
		got, err := code(ctx)
		if err != nil {
			return "", err
		}
		if !u.has(got) {
			return got, nil
		}
		now := u.app.Now()
		wait := now.Truncate(sts.TOTPStep).Add(sts.TOTPStep).Sub(now)
		if u.app.StderrTTY && !u.app.unattended {
			u.app.note(fmt.Sprintf("the code of this half minute is used: waiting %s for the next one", wait.Round(time.Second)))
		}
		if err := sleep(ctx, wait); err != nil {
			return "", err
		}
	}
	return "", &sts.CodeError{Serial: u.serial, Err: errors.New("the device gives no new code")}
}
