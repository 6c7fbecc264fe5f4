package keychain

// An api is the part of the Keychain that is used here, a call each. An error
// is a code, unless it is of go-keychain itself.
type api interface {
	// Add is SecItemAdd: errDuplicate if service and account are taken.
	Add(item) error

	// Update is SecItemUpdate: it changes what is set in change, and is
	// errNotFound if there is no such item.
	Update(which, change item) error

	// Query is SecItemCopyMatching. That nothing matches is no error.
	Query(which item, want want) ([]item, error)

	// Delete is SecItemDelete: errNotFound if there is no such item.
	Delete(which item) error

	// Unlocked is SecKeychainGetStatus of the default keychain.
	Unlocked() (bool, error)

	// Interaction is SecKeychainSetUserInteractionAllowed: whether macOS may
	// show dialogs for this process. Where it would have to and may not, the
	// other calls are errInteraction.
	Interaction(allowed bool) error
}

// An item is a generic password, or, by what is set, which of them is meant.
type item struct {
	service, account string
	label            string // what Keychain Access and its dialogs call it
	data             []byte
	local            bool // never in iCloud
}

// want says what Query returns: the data of one item, or, which macOS does not
// give for several, the attributes of all.
type want int

const (
	wantAttributes want = iota
	wantData
)

// A code is a result code of the Security framework (SecBase.h).
type code int32

// The codes that something depends on.
const (
	errUserCanceled code = -128
	errAuthFailed   code = -25293
	errDuplicate    code = -25299
	errNotFound     code = -25300
	errInteraction  code = -25308
	errRequired     code = -25315 // of the older layer: interaction is required
)
