//go:build !linux

package keystore

import (
	"errors"
	"fmt"
)

func kernelRead(string) (id int, payload []byte, ok bool) { return 0, nil, false }

func kernelWrite(string, []byte, int) error {
	return fmt.Errorf("kernel keyring: %w", errors.ErrUnsupported)
}

func kernelTimeout(int, int) {}

func kernelDrop(string) error { return nil }
