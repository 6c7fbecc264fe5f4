package config

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

// ScanNames returns those of the names that Load and Names would which begin
// with prefix. It looks at the headers only, a block of the file at a time: it
// is for completion, which must be quick and has no use for an error about a
// malformed line.
func ScanNames(p Paths, prefix string) ([]string, error) {
	names, err := scanFile(nil, ConfigFile, p.Config, prefix)
	if err != nil {
		return nil, err
	}
	names, err = scanFile(names, CredentialsFile, p.Credentials, prefix)
	if err != nil {
		return nil, err
	}
	return sortNames(names), nil
}

// scanBlock is how much of a file is in memory at a time; a longer line makes
// it grow.
const scanBlock = 128 << 10

func scanFile(names []string, kind FileKind, path, prefix string) ([]string, error) {
	if path == "" {
		return names, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return names, nil
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	names, err = scanReader(names, kind, f, prefix, make([]byte, scanBlock))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return names, nil
}

// scanReader reads a file through buf.
func scanReader(names []string, kind FileKind, r io.Reader, prefix string, buf []byte) ([]string, error) {
	have, first := 0, true
	for {
		n, err := r.Read(buf[have:])
		have += n
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		whole := have // how much of buf is whole lines
		if err == nil {
			whole = bytes.LastIndexByte(buf[:have], '\n') + 1
		}
		text := buf[:whole]
		if first && whole > 0 {
			text = bytes.TrimPrefix(text, []byte(bom))
			first = false
		}
		names = scanNames(names, kind, text, prefix)
		if err != nil {
			return names, nil
		}
		have = copy(buf, buf[whole:have])
		if have == len(buf) {
			buf = append(buf, make([]byte, len(buf))...)
		}
	}
}

// scanNames appends the names in text, which begins with a line.
func scanNames(names []string, kind FileKind, text []byte, prefix string) []string {
	for {
		if len(text) == 0 || text[0] != '[' {
			i := bytes.Index(text, []byte("\n["))
			if i < 0 {
				return names
			}
			text = text[i+1:]
		}
		text = text[1:] // behind the bracket of a header
		line, rest := text, []byte(nil)
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, rest = text[:i], text[i:]
		}
		text = rest
		if !bytes.Contains(line, []byte(prefix)) {
			continue
		}
		if name, why := cutHeader(string(line)); why == "" {
			if k, name := kind.section(name); k.isProfile() && strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
	}
}
