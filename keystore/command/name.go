package command

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/shellvault/vault/keystore"
)

// maxPart bounds the length of a name between slashes. Of the file systems in
// use eCryptfs allows the least, 143 bytes, of which some are for an ending.
const maxPart = 100

// backupMark ends the name under which the old value lies while a new one is
// written. No encoded key contains it.
const backupMark = "~"

// encode returns the name under which the program knows a key: the key itself
// if it is made of letters, digits and ._@+- with single slashes between.
// Every other byte is written %XX, and so are a dot or dash that begin a part,
// and the dot of a final ".gpg"; "%/" stands in the middle of parts that are
// too long for a file name. Thus a name is a safe path below any folder, a
// safe word for a shell, and can be told from the file name that pass makes
// of it.
func encode(key string) string {
	var b strings.Builder
	part := 0 // the length of the part so far
	for i := range len(key) {
		c := key[i]
		if c == '/' && separates(key, i) {
			b.WriteByte('/')
			part = 0
			continue
		}
		if part+len("%XX") > maxPart {
			b.WriteString("%/")
			part = 0
		}
		before := b.Len()
		if !safe(c) || part == 0 && (c == '.' || c == '-') || key[i:] == ".gpg" {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
		part += b.Len() - before
	}
	return b.String()
}

// separates reports whether the slash at i stands between two parts that are
// not empty.
func separates(key string, i int) bool {
	return i > 0 && key[i-1] != '/' && i+1 < len(key) && key[i+1] != '/'
}

func safe(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("._@+-", c) >= 0
}

// decode is the inverse of encode; ok is false for what encode never makes.
func decode(name string) (key string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] != '%' {
			b.WriteByte(name[i])
			continue
		}
		if strings.HasPrefix(name[i:], "%/") {
			i++
			continue
		}
		if len(name) < i+3 {
			return "", false
		}
		c, err := strconv.ParseUint(name[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(c))
		i += 2
	}
	key = b.String()
	return key, keystore.CheckKey(key) == nil && encode(key) == name
}

// A listing is what the list command printed: names, with their backups.
type listing map[string]bool

// parseListing reads names, one a line. A "./" in front and a ".gpg" behind do
// not count: so "find . -name '*.gpg'" prints the names of pass. What no key
// can be named is passed over.
func parseListing(text string) listing {
	l := listing{}
	for line := range strings.Lines(text) {
		name := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "./"), ".gpg")
		if _, ok := decode(strings.TrimSuffix(name, backupMark)); ok {
			l[name] = true
		}
	}
	return l
}

// has reports whether there is a value under key, or the backup of one.
func (l listing) has(key string) bool { return l[encode(key)] || l[backup(key)] }

// backup returns the name of the backup of a key.
func backup(key string) string { return encode(key) + backupMark }

// keys returns the keys, in no order.
func (l listing) keys() map[string]bool {
	keys := map[string]bool{}
	for name := range l {
		if key, ok := decode(strings.TrimSuffix(name, backupMark)); ok {
			keys[key] = true
		}
	}
	return keys
}
