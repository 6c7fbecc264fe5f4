package foreign

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// PassNames returns the names of the entries of a password store of pass below
// prefix, sorted, without the prefix. A missing store is empty. Links to
// folders are not followed.
func PassNames(store, prefix string) ([]string, error) {
	root := filepath.Join(store, filepath.FromSlash(prefix))
	var names []string
	n := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if n++; n > mostEntries {
			return fmt.Errorf("%q: more than %d files", root, mostEntries)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist) && path == root:
			return fs.SkipAll
		case err != nil && path == root:
			return quotePath(err)
		case err != nil:
			return nil // a folder that is closed to us has nothing of ours
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".gpg":
			return nil
		}
		name, err := filepath.Rel(root, strings.TrimSuffix(path, ".gpg"))
		if err == nil && IsProfile(name) {
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}
