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

// lines returns what is remembered: the second, the hash, and "refused" where
// AWS said that it is no code of the device's.
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

// refusedCode ends the line of a code that AWS did not take.
const refusedCode = " refused"

// has reports whether a code was shown to AWS.
func (u *usedCodes) has(code string) bool {
	hash := u.hash(code)
	return slices.ContainsFunc(u.read(), func(line string) bool { return slices.Contains(strings.Fields(line), hash) })
}

// add remembers a code that was shown, and whether AWS took it. Where that
// cannot be kept AWS says it.
func (u *usedCodes) add(code string, taken bool) {
	line := fmt.Sprintf("%d %s", u.app.Now().Unix(), u.hash(code))
	if !taken {
		line += refusedCode
	}
	_ = keystore.UpdateFile(context.Background(), u.path, func(old []byte) ([]byte, error) {
		return []byte(strings.Join(append(u.lines(old), line), "\n") + "\n"), nil
	})
}

// taken reports whether AWS took a code in this step: then the device has none
// until the next.
func (u *usedCodes) taken() bool {
	step := u.app.Now().Truncate(sts.TOTPStep)
	return slices.ContainsFunc(u.read(), func(line string) bool {
		at, _, _ := strings.Cut(line, " ")
		second, err := strconv.ParseInt(at, 10, 64)
		return err == nil && !time.Unix(second, 0).Before(step) && !strings.HasSuffix(line, refusedCode)
	})
}

// untilNext returns how long it is until devices show another code.
func (u *usedCodes) untilNext() time.Duration {
	now := u.app.Now()
	return now.Truncate(sts.TOTPStep).Add(sts.TOTPStep).Sub(now)
}

// seconds rounds up, as a countdown does.
func seconds(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
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
		if err := u.app.countdown(ctx, u.untilNext(), "this MFA code is used: the next one comes in "); err != nil {
			return "", err
		}
	}
	return "", &sts.CodeError{Serial: u.serial, Err: errors.New("the device gives no new code")}
}
