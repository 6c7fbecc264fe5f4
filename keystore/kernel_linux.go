package keystore

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// kernelPerm is what may be done to a key. Its possessors, those whose session
// keyring leads to it, may do anything. Other processes of the same user,
// started by cron, by systemd or in a session of their own, may see that it is
// there (01), read it (02), find it in order to remove it (08) and set its
// timeout (20); the least with which they can share it. They may not change it
// in place (04) nor keep it in another keyring (10). Groups and other users
// may do nothing.
const kernelPerm = 0x3f2b0000

const userKeyring = unix.KEY_SPEC_USER_KEYRING

// kernelRead returns the key and its payload. Whatever goes wrong, it is not
// there: expired, revoked, denied, or no keyring in this kernel or container.
func kernelRead(description string) (id int, payload []byte, ok bool) {
	id, err := unix.KeyctlSearch(userKeyring, "user", description, 0)
	if err != nil {
		return 0, nil, false
	}
	buf := make([]byte, 256)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, buf, 0)
	if err != nil || n < 0 || n > len(buf) {
		clear(buf)
		return 0, nil, false
	}
	return id, buf[:n], true
}

// kernelWrite puts a key in the place of one with that description. It is
// made in a keyring of this thread and linked to the user's when permissions
// and timeout are set, so that no kill can leave it there without them.
func kernelWrite(description string, payload []byte, seconds int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	id, err := unix.AddKey("user", description, payload, unix.KEY_SPEC_THREAD_KEYRING)
	if err != nil {
		return fmt.Errorf("kernel keyring: %w", err)
	}
	defer unlink(id, unix.KEY_SPEC_THREAD_KEYRING)
	if err := unix.KeyctlSetperm(id, kernelPerm); err != nil {
		return fmt.Errorf("kernel keyring: permissions: %w", err)
	}
	if _, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, id, seconds, 0, 0); err != nil {
		return fmt.Errorf("kernel keyring: timeout: %w", err)
	}
	if _, err := unix.KeyctlInt(unix.KEYCTL_LINK, id, userKeyring, 0, 0); err != nil {
		return fmt.Errorf("kernel keyring: %w", err)
	}
	return nil
}

func kernelTimeout(id, seconds int) {
	_, _ = unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, id, seconds, 0, 0)
}

// kernelDrop removes the key for everybody at once, and from the user's
// keyring.
func kernelDrop(description string) error {
	id, err := unix.KeyctlSearch(userKeyring, "user", description, 0)
	if err != nil {
		return nil
	}
	_, err = unix.KeyctlInt(unix.KEYCTL_INVALIDATE, id, 0, 0, 0)
	if err == nil || unlink(id, userKeyring) == nil || gone(err) {
		return nil
	}
	return fmt.Errorf("kernel keyring: %w", err)
}

func unlink(id, keyring int) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_UNLINK, id, keyring, 0, 0)
	return err
}

func gone(err error) bool {
	return errors.Is(err, unix.ENOKEY) || errors.Is(err, unix.EKEYEXPIRED) || errors.Is(err, unix.EKEYREVOKED)
}
