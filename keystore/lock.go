package keystore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Lock takes the lock file at path for this caller alone, waiting for others
// until ctx is done. The file, 0600, and its folder, 0700, are made if they
// are missing; the file stays, and says who took it last. The kernel releases the lock of a process that
// is killed. unlock may be called more than once.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := openLock(path)
		if err != nil {
			return nil, err
		}
		if err := waitLock(ctx, f); err != nil {
			return nil, err
		}
		if unlock, ok := settle(f, path); ok {
			return unlock, nil
		}
	}
}

// TryLock is Lock without waiting: ok is false when another holds the lock.
func TryLock(path string) (unlock func(), ok bool, err error) {
	for {
		f, err := openLock(path)
		if err != nil {
			return nil, false, err
		}
		switch err := flock(f, unix.LOCK_EX|unix.LOCK_NB); {
		case errors.Is(err, unix.EWOULDBLOCK):
			f.Close()
			return nil, false, nil
		case err != nil:
			f.Close()
			return nil, false, err
		}
		if unlock, ok := settle(f, path); ok {
			return unlock, true, nil
		}
	}
}

func openLock(path string) (*os.File, error) {
	dir, err := openFolder(filepath.Dir(path), true)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	f, err := dir.open(filepath.Base(path), unix.O_RDWR|unix.O_CREAT|unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	if _, err := checkFile(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// waitLock locks f, or closes it.
func waitLock(ctx context.Context, f *os.File) error {
	err := flock(f, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		// Nothing interrupts a blocked flock: let a goroutine have it, and
		// leave it behind when ctx is done. Polling would be unfair.
		locked := make(chan error, 1)
		go func() { locked <- flock(f, unix.LOCK_EX) }()
		select {
		case err = <-locked:
		case <-ctx.Done():
			go func() {
				<-locked
				f.Close()
			}()
			return ctx.Err()
		}
	}
	if err != nil {
		f.Close()
	}
	return err
}

// settle returns the release of the locked file f, unless path is another
// file by now, which others can lock: then it closes f.
func settle(f *os.File, path string) (unlock func(), ok bool) {
	mine, err := f.Stat()
	if err == nil {
		var now fs.FileInfo
		now, err = os.Lstat(path)
		if err == nil && os.SameFile(mine, now) {
			sign(f)
			return func() {
				// Explicit, because a child that was just forked may share
				// the file for a moment yet.
				_ = flock(f, unix.LOCK_UN)
				f.Close()
			}, true
		}
	}
	f.Close()
	return nil, false
}

// sign writes the id of this process into the locked file f. Where that fails
// nobody is misled: what is left there is of a process that is gone.
func sign(f *os.File) {
	line := strconv.Itoa(os.Getpid()) + "\n"
	if n, err := f.WriteAt([]byte(line), 0); err == nil {
		_ = f.Truncate(int64(n))
	}
}

// Holder returns the id of the process that took the lock at path last, 0 if
// that is not known or the process is gone. It is for people to read: whether
// the lock is held, and by whom, only the kernel knows.
func Holder(path string) int {
	line, err := ReadFilePrivate(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(line)))
	if err != nil || pid <= 0 || errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
		return 0
	}
	return pid
}

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return &fs.PathError{Op: "lock", Path: f.Name(), Err: err}
		}
		return nil
	}
}
