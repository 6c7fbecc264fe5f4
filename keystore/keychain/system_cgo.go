//go:build darwin && cgo

package keychain

/*
#cgo LDFLAGS: -framework Security

#include <stdint.h>

// SecKeychain.h has these as deprecated, and newer SDKs not at all, while the
// framework keeps them. There is no other way to keep away the dialogs of
// file-based keychains: those of SecItem do not reach them.
extern int32_t vaultInteraction(unsigned char allowed) __asm("_SecKeychainSetUserInteractionAllowed");
extern int32_t vaultStatus(void *keychain, uint32_t *status) __asm("_SecKeychainGetStatus");
*/
import "C"

import (
	"errors"

	gokeychain "github.com/keybase/go-keychain"
)

// macOS is the api for real.
type macOS struct{}

func system() (api, error) { return macOS{}, nil }

func (macOS) Add(i item) error { return status(gokeychain.AddItem(attributes(i))) }

func (macOS) Update(which, change item) error {
	query := attributes(which)
	to := gokeychain.NewItem()
	to.SetData(change.data)
	return status(gokeychain.UpdateItem(query, to))
}

func (macOS) Query(which item, want want) ([]item, error) {
	query := attributes(which)
	if want == wantData {
		query.SetMatchLimit(gokeychain.MatchLimitOne)
		query.SetReturnData(true)
	} else {
		query.SetMatchLimit(gokeychain.MatchLimitAll)
		query.SetReturnAttributes(true)
	}
	results, err := gokeychain.QueryItem(query)
	if err != nil {
		return nil, status(err)
	}
	found := make([]item, len(results))
	for n, r := range results {
		found[n] = item{service: r.Service, account: r.Account, label: r.Label, data: r.Data}
	}
	return found, nil
}

func (macOS) Delete(which item) error { return status(gokeychain.DeleteItem(attributes(which))) }

func (macOS) Unlocked() (bool, error) {
	const unlocked = 1 // kSecUnlockStateStatus
	var state C.uint32_t
	err := result(C.vaultStatus(nil, &state)) // nil: the default keychain
	return state&unlocked != 0, err
}

func (macOS) Interaction(allowed bool) error {
	var yes C.uchar
	if allowed {
		yes = 1
	}
	return result(C.vaultInteraction(yes))
}

// attributes returns the dictionary for an item. What is empty does not stand
// in it, and so does not narrow a query: queries are for items that are not
// in iCloud without saying so.
func attributes(i item) gokeychain.Item {
	a := gokeychain.NewItem()
	a.SetSecClass(gokeychain.SecClassGenericPassword)
	a.SetService(i.service)
	a.SetAccount(i.account)
	a.SetLabel(i.label)
	a.SetData(i.data)
	if i.local {
		a.SetSynchronizable(gokeychain.SynchronizableNo)
	}
	return a
}

// status returns an error of go-keychain as a code.
func status(err error) error {
	var e gokeychain.Error
	if errors.As(err, &e) {
		return code(e)
	}
	return err
}

// result returns a result code as an error.
func result(c C.int32_t) error {
	if c == 0 {
		return nil
	}
	return code(c)
}
