package config

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unsafe"
)

// ScanNames returns those of the names that Load and Names would which begin
// with prefix. It looks at the headers only, a block of the file at a time: it
// is for completion, which must be quick and has no use for an error about a
// malformed line.
func ScanNames(p Paths, prefix string) ([]string, error) {
	text, err := ScanLines(p, prefix)
	if err != nil || text == "" {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n"), nil
}

// ScanLines is ScanNames with the names in one text, each with a newline: of
// ten thousand, a list would take longer than the scan.
func ScanLines(p Paths, prefix string) (string, error) {
	s := nameScanner{prefix: prefix}
	if err := s.file(ConfigFile, p.Config); err != nil {
		return "", err
	}
	if err := s.file(CredentialsFile, p.Credentials); err != nil {
		return "", err
	}
	return s.lines(), nil
}

// A nameScanner gathers the names that begin with prefix.
type nameScanner struct {
	prefix string
	text   strings.Builder // the names, each with a newline
	runs   []int           // where each run of names in ascending order begins
	last   string
}

func (s *nameScanner) add(name string) {
	if !strings.HasPrefix(name, s.prefix) || name == s.last {
		return
	}
	at := s.text.Len()
	if at == 0 || name < s.last {
		s.runs = append(s.runs, at)
	}
	s.text.WriteString(name)
	s.last = s.text.String()[at:]
	s.text.WriteByte('\n')
}

// mostRuns is how many runs are merged; names in more are sorted.
const mostRuns = 16

// lines returns the names in order, each once. Files are in some order, by
// number if not by name, so that there is little to do.
func (s *nameScanner) lines() string {
	text := s.text.String()
	switch {
	case len(s.runs) < 2:
		return text
	case len(s.runs) > mostRuns:
		return strings.Join(sortNames(strings.Split(text[:len(text)-1], "\n")), "\n") + "\n"
	}
	runs := make([]string, len(s.runs))
	for i, end := range append(s.runs[1:], len(text)) {
		runs[i] = text[s.runs[i]:end]
	}
	return mergeLines(runs, len(text))
}

// mergeLines merges texts of lines in ascending order, as many bytes, into one
// that has each line once.
func mergeLines(runs []string, size int) string {
	line := func(text string) string { return text[:strings.IndexByte(text, '\n')] }
	var merged strings.Builder
	merged.Grow(size)
	last := ""
	for len(runs) > 0 {
		// As long as no other run begins with less, the lines are those of one.
		least, limit, others := 0, "", false
		for i := 1; i < len(runs); i++ {
			l := line(runs[i])
			if first := line(runs[least]); l < first {
				least, l = i, first
			}
			if !others || l < limit {
				limit, others = l, true
			}
		}
		run := runs[least]
		for run != "" {
			l := line(run)
			if others && l > limit {
				break
			}
			if l != last {
				merged.WriteString(run[:len(l)+1])
				last = l
			}
			run = run[len(l)+1:]
		}
		if runs[least] = run; run == "" {
			runs = slices.Delete(runs, least, least+1)
		}
	}
	return merged.String()
}

// expect makes room for the names in a file of that size, so that they need
// not be moved: memory that nobody writes to costs nothing.
func (s *nameScanner) expect(size int64) { s.text.Grow(int(min(size/4, 16<<20))) }

// scanBlock is how much of a file is in memory at a time; a longer line makes
// it grow.
const scanBlock = 64 << 10

func (s *nameScanner) file(kind FileKind, path string) error {
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unreadable(path, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		s.expect(info.Size())
	}
	if err := s.read(kind, f, make([]byte, scanBlock)); err != nil {
		return unreadable(path, err)
	}
	return nil
}

// read reads a file through buf.
func (s *nameScanner) read(kind FileKind, r io.Reader, buf []byte) error {
	return eachBlock(r, buf, func(text string, _ int) bool {
		s.scan(kind, text)
		return true
	})
}

// eachBlock reads r through buf, which grows if it is shorter than a line, and
// hands on what it reads in blocks of whole lines, each with its offset, until
// found returns false. A byte order mark is left out. The text of a block is
// overwritten by the next.
func eachBlock(r io.Reader, buf []byte, found func(text string, at int) bool) error {
	have, at := 0, 0
	for {
		n, err := r.Read(buf[have:])
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		before := have // of the last line, which is not whole yet
		have += n
		whole := have
		if err == nil {
			whole = 0
			if i := bytes.LastIndexByte(buf[before:have], '\n'); i >= 0 {
				whole = before + i + 1
			}
		}
		if whole > 0 {
			text, top := unsafe.String(&buf[0], whole), 0
			if at == 0 {
				top = topOf(text)
			}
			if !found(text[top:], at+top) {
				return nil
			}
			at += whole
		}
		if err != nil {
			return nil
		}
		have = copy(buf, buf[whole:have])
		if have > mostBytes {
			return errTooLarge // a line
		}
		if have == len(buf) {
			buf = append(buf, make([]byte, len(buf))...)
		}
	}
}

// scan adds the names in text, which begins with a line.
func (s *nameScanner) scan(kind FileKind, text string) {
	for i := 0; ; i++ {
		n := strings.IndexByte(text[i:], '[')
		if n < 0 {
			return
		}
		if i += n; i > 0 && text[i-1] != '\n' {
			continue
		}
		name, next := kind.plainHeader(text, i)
		if next >= 0 {
			s.add(name)
		} else {
			next = lineEnd(text, i)
			if header, why := cutHeader(withoutEnding(text[i+1 : next])); why == "" {
				if k, name := kind.section(header); k.isProfile() {
					s.add(name)
				}
			}
		}
		i = next - 1
	}
}
