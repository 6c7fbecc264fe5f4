package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shellvault/vault/keystore"
)

// A foundKey is a long-lived key that another program keeps.
type foundKey struct {
	profile string
	from    []string // where it was found, for a person
	key     keystore.UserKey
	state   keyState
}

// A keyState says what is to be done with a found key.
type keyState int

const (
	keyNew      keyState = iota
	keySame              // it is stored
	keyReplaces          // another one is stored, and will be replaced
	keyDiffers           // another one is stored, and stays
	keySealed            // it was not opened
	keyFailed            // told already
)

// add notes a key. What another source has said already is not said twice.
func (im *importer) add(profile, from string, key keystore.UserKey) {
	im.found = true
	for i := range im.keys {
		k := &im.keys[i]
		if k.profile == profile && sameKey(k.key, key) {
			k.from = append(k.from, from)
			return
		}
	}
	k := foundKey{profile: profile, from: []string{from}, key: key}
	if key.AccessKeyID == "" {
		k.state = keySealed
	}
	im.keys = append(im.keys, k)
}

// settle decides what to do with each key.
func (im *importer) settle() {
	slices.SortStableFunc(im.keys, func(a, b foundKey) int { return strings.Compare(a.profile, b.profile) })
	for i := range im.keys {
		k := &im.keys[i]
		if k.state == keySealed {
			continue
		}
		if err := im.check(k); err != nil {
			k.state = keyFailed
			im.fail(err)
			continue
		}
		switch e, ok := im.index.Keys[k.profile]; {
		case ok && e.AccessKeyID == k.key.AccessKeyID:
			k.state = keySame
		case ok && im.overwrite:
			k.state = keyReplaces
		case ok:
			k.state = keyDiffers
		}
	}
	for _, k := range im.keys {
		if k.state == keyDiffers {
			im.failed = append(im.failed, fmt.Errorf("profile %q has another key", k.profile))
		}
	}
}

// check reports what keeps a key from being stored.
func (im *importer) check(k *foundKey) error {
	var others []string
	for _, other := range im.keys {
		if other.profile == k.profile && other.state != keySealed && !sameKey(other.key, k.key) {
			others = append(others, strings.Join(other.from, ", "))
		}
	}
	switch {
	case !isProfileName(k.profile) && !im.files.Has(k.profile):
		return usageErrorf("profile %q in %s: a profile's name is made of letters, digits and / . %% @ _ : + -", k.profile, k.from[0])
	case strings.HasPrefix(k.key.AccessKeyID, "ASIA"):
		return usageErrorf("profile %q in %s: an access key id that begins with ASIA is temporary", k.profile, k.from[0])
	case len(k.key.AccessKeyID) < 16 || len(k.key.AccessKeyID) > 128 || !madeOf(k.key.AccessKeyID, letters+digits+"_"):
		// IAM API Reference, AccessKey: AccessKeyId.
		return usageErrorf("profile %q in %s: its access key id is not one", k.profile, k.from[0])
	case strings.ContainsFunc(k.key.SecretAccessKey.Reveal(), func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return usageErrorf("profile %q in %s: its secret access key is not one", k.profile, k.from[0])
	case len(others) > 0:
		return &usageError{text: fmt.Sprintf("profile %q: %s has another key of it than %s", k.profile, strings.Join(k.from, ", "), strings.Join(others, ", ")),
			hint: "name the SOURCE that has the right one: " + strings.Join(importSources[:4], ", ")}
	}
	return nil
}

// todo is how many keys are to be stored.
func (im *importer) todo() int {
	n := 0
	for _, k := range im.keys {
		if k.state == keyNew || k.state == keyReplaces {
			n++
		}
	}
	return n
}

// print prints what would be done.
func (im *importer) print(lines []processLine, inClear []clearKey) error {
	if len(im.keys) > 0 {
		rows := [][]string{{"PROFILE", "KEY", "STATE", "FROM"}}
		for _, k := range im.keys {
			if k.state == keyFailed {
				continue
			}
			rows = append(rows, []string{k.profile, k.key.AccessKeyID, im.what(k), strings.Join(k.from, ", ")})
		}
		paint := im.painter()
		if err := printTable(im.Stdout, rows, func(i, column int, cell string) string {
			switch {
			case i == 0:
				return paint.faint(cell)
			case column == 2 && strings.HasPrefix(cell, "new"):
				return paint.green(cell)
			}
			return cell
		}); err != nil {
			return err
		}
	}
	im.printProcesses(lines)
	if im.scrub {
		for _, k := range inClear {
			fmt.Fprintf(im.Stdout, "- %s: the key %s of profile %s\n", tilde(k.path, im.Home), oneLine(k.id), oneLine(k.profile))
		}
	}
	if im.source != "credentials" && im.source != "csv" && im.found {
		for _, line := range im.quirks() {
			im.note(line)
		}
	}
	return nil
}

// what says what becomes of a key.
func (im *importer) what(k foundKey) string {
	switch k.state {
	case keySame:
		return "stored already"
	case keyReplaces:
		return "replaces " + im.index.Keys[k.profile].AccessKeyID
	case keyDiffers:
		return fmt.Sprintf("not imported: %s is stored (--overwrite replaces it)", im.index.Keys[k.profile].AccessKeyID)
	case keySealed:
		return "sealed, not opened"
	}
	if !im.files.Has(k.profile) {
		return "new, and its profile too"
	}
	return "new"
}
