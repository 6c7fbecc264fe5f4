package config

import "strings"

// ScanNames returns the names that Load and Names would, but looks at the
// headers only: it is for completion, which must be quick and has no use for
// an error about a malformed line.
func ScanNames(p Paths) ([]string, error) {
	config, err := readFile(p.Config)
	if err != nil {
		return nil, err
	}
	credentials, err := readFile(p.Credentials)
	if err != nil {
		return nil, err
	}
	names := scanNames(nil, ConfigFile, config)
	return sortNames(scanNames(names, CredentialsFile, credentials)), nil
}

func scanNames(names []string, kind FileKind, text string) []string {
	text = strings.TrimPrefix(text, bom)
	if !strings.HasPrefix(text, "[") {
		_, text, _ = strings.Cut(text, "\n[")
	} else {
		text = text[1:]
	}
	for text != "" { // text begins after the bracket of a header
		line := text
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			line = text[:i]
			text = text[i:]
		}
		if name, why := cutHeader(line); why == "" {
			if k, name := kind.section(name); k.isProfile() {
				names = append(names, name)
			}
		}
		_, text, _ = strings.Cut(text, "\n[")
	}
	return names
}
