//go:build !darwin || !cgo

package keychain

import "runtime"

func system() (api, error) {
	if runtime.GOOS == "darwin" {
		return nil, unavailable("this build has no Keychain support (built without cgo)")
	}
	return nil, unavailable("the Keychain is a part of macOS")
}
