package keychain

import (
	"bytes"
	"sync"
)

// fake is a Keychain as SecItem and go-keychain show it. The zero fake is
// empty, and unlocked.
type fake struct {
	mu    sync.Mutex
	items []item
	calls []string

	locked bool  // reading and writing data needs a dialog
	acl    bool  // reading data needs a dialog although it is unlocked
	silent bool  // no dialogs
	dialog error // how each dialog ends
	asked  int

	onUpdate func() // called in the middle of an Update
}

func (f *fake) do(call string) (unlock func()) {
	f.mu.Lock()
	f.calls = append(f.calls, call)
	return f.mu.Unlock
}

// ask opens a dialog, if one is needed.
func (f *fake) ask(needed bool) error {
	if !needed {
		return nil
	}
	if f.silent {
		return errInteraction
	}
	f.asked++
	if f.dialog == nil {
		f.locked = false
	}
	return f.dialog
}

func (f *fake) find(which item) int {
	for n, i := range f.items {
		if i.service == which.service && i.account == which.account {
			return n
		}
	}
	return -1
}

func (f *fake) Add(i item) error {
	defer f.do("add")()
	if i.service == "" || i.account == "" || i.label == "" || len(i.data) == 0 || !i.local {
		return code(-50) // stricter than macOS: errSecParam
	}
	if err := f.ask(f.locked); err != nil {
		return err
	}
	if f.find(i) >= 0 {
		return errDuplicate
	}
	i.data = bytes.Clone(i.data)
	f.items = append(f.items, i)
	return nil
}

func (f *fake) Update(which, change item) error {
	defer f.do("update")()
	if which.service == "" || which.account == "" || len(which.data) > 0 || len(change.data) == 0 {
		return code(-50)
	}
	if f.onUpdate != nil {
		f.onUpdate()
	}
	n := f.find(which)
	if n < 0 {
		return errNotFound
	}
	if err := f.ask(f.locked); err != nil {
		return err
	}
	f.items[n].data = bytes.Clone(change.data)
	return nil
}

func (f *fake) Query(which item, want want) ([]item, error) {
	call := "attributes"
	if want == wantData {
		call = "data"
	}
	defer f.do(call)()
	if which.service == "" || want == wantData && which.account == "" {
		return nil, code(-50) // data of several items is not to be had
	}
	var found []item
	for _, i := range f.items {
		if i.service != which.service || which.account != "" && i.account != which.account {
			continue
		}
		if want == wantAttributes {
			found = append(found, item{service: i.service, account: i.account, label: i.label})
			continue
		}
		if err := f.ask(f.locked || f.acl); err != nil {
			return nil, err
		}
		return []item{{data: bytes.Clone(i.data)}}, nil // and no attributes
	}
	return found, nil
}

func (f *fake) Delete(which item) error {
	defer f.do("delete")()
	if which.service == "" || which.account == "" {
		return code(-50)
	}
	n := f.find(which)
	if n < 0 {
		return errNotFound
	}
	f.items = append(f.items[:n], f.items[n+1:]...)
	return nil
}

func (f *fake) Unlocked() (bool, error) {
	defer f.do("status")()
	return !f.locked, nil
}

func (f *fake) Interaction(allowed bool) error {
	defer f.do("interaction")()
	f.silent = !allowed
	return nil
}
