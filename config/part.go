package config

import (
	"cmp"
	"errors"
	"hash/maphash"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
)

// A part is what Files know of that were loaded for one profile.
type part struct {
	names map[string]bool // all sections of these names are here
	whole func() *Files
}

// whole returns the files as Load would.
func (f *Files) whole() *Files {
	if f.part == nil {
		return f
	}
	return f.part.whole()
}

// with returns files that have all sections of that name.
func (f *Files) with(name string) *Files {
	if f.part == nil || f.part.names[name] {
		return f
	}
	return f.part.whole()
}

// LoadFor is Load for one profile: each line of both files is checked, but of
// a large file only the sections that the profile leads to are kept. What is
// asked beyond them is read when it is asked for.
//
// The result is the same as Load's, and so are the errors. Where there are ten
// thousand profiles most of the time goes into memory for them, which this
// saves.
func LoadFor(p Paths, profile string) (*Files, error) {
	return loadFor(p, profile, scanBlock)
}

// loadFor reads blocks of that size; files of one block are loaded whole.
func loadFor(p Paths, profile string, block int) (*Files, error) {
	config, err := scanSections(ConfigFile, p.Config, block)
	if err != nil {
		return nil, err
	}
	defer config.close()
	credentials, err := scanSections(CredentialsFile, p.Credentials, block)
	if err != nil {
		return nil, err
	}
	defer credentials.close()

	if config.src != nil && credentials.src != nil {
		return newFiles(p, config.src, credentials.src), nil
	}

	whole := func() (*Files, error) {
		c, err := config.load()
		if err != nil {
			return nil, err
		}
		cr, err := credentials.load()
		if err != nil {
			return nil, err
		}
		return newFiles(p, c, cr), nil
	}
	names, ok := reach(profile, config, credentials)
	if !ok || config.changed() || credentials.changed() {
		return whole()
	}
	f := newFiles(p, config.source(), credentials.source())
	f.part = &part{names: names, whole: sync.OnceValue(func() *Files {
		if all, err := whole(); err == nil {
			return all
		}
		// Someone broke the files meanwhile: they are taken as they were.
		return newFiles(p, f.config, f.credentials)
	})}
	return f, nil
}

// mostRounds is how many names in a row may refer to the next before the files
// are loaded whole, so that the time for a chain does not grow with its square.
const mostRounds = 8

// reach keeps the sections of a profile in both files, and of all that it may
// refer to; those of the default profile too, which others are compared with.
// It returns their names, and false if there were too many or a file could not
// be read again.
func reach(profile string, files ...*sections) (map[string]bool, bool) {
	names := map[string]bool{profile: true, "default": true}
	next := []string{profile, "default"}
	for range mostRounds {
		var found []string
		for _, s := range files {
			refs, ok := s.keep(next)
			if !ok {
				return nil, false
			}
			found = append(found, refs...)
		}
		next = nil
		for _, name := range found {
			if !names[name] {
				names[name] = true
				next = append(next, name)
			}
		}
		if next == nil {
			return names, true
		}
	}
	return nil, false
}

// references are the properties that name a section.
var references = []string{"source_profile", "include_profile", "sso_session", "services"}

// sections are the sections of a file that was looked through, and those of
// them that were kept.
type sections struct {
	path string
	kind FileKind
	src  *source // the whole file, where it is small

	file *os.File
	info fs.FileInfo // as the file was opened
	at   []place     // of all sections, in order
	kept []piece
}

// A place is where a section stands. It is small: there may be many.
type place struct {
	name uint32 // hash of the name
	line uint32 // of the header
	head uint32 // offset of the header
}

// A piece is the text of one section.
type piece struct {
	text string
	section
}

func hashName(name string) uint32 { return uint32(maphash.String(seed, name)) }

// scanSections checks a file and finds its sections. It reads a large file
// through a buffer of that size.
func scanSections(kind FileKind, path string, block int) (*sections, error) {
	s := &sections{path: path, kind: kind}
	if path == "" {
		return s, s.whole("")
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, s.whole("")
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	if err := s.read(f, block); err != nil || s.src != nil {
		f.Close()
		return s, err
	}
	s.file = f
	return s, nil
}

// whole keeps the whole file.
func (s *sections) whole(text string) (err error) {
	s.src, err = parse(s.path, s.kind, text)
	return err
}

// load returns the whole file, which is read again unless it was kept.
func (s *sections) load() (*source, error) {
	if s.src != nil {
		return s.src, nil
	}
	text, err := readFile(s.path)
	if err != nil {
		return nil, err
	}
	return parse(s.path, s.kind, text)
}

func (s *sections) read(f *os.File, block int) error {
	info, err := f.Stat()
	if err != nil {
		return unreadable(s.path, err)
	}
	s.info = info
	// A pipe can be read only once.
	if size := info.Size(); !info.Mode().IsRegular() || size <= int64(block) || size > math.MaxUint32 {
		var b strings.Builder
		from := io.Reader(f)
		if !info.Mode().IsRegular() {
			from = io.LimitReader(f, mostBytes+1)
		}
		n, err := io.Copy(&b, from)
		if err == nil && n > mostBytes && !info.Mode().IsRegular() {
			err = errTooLarge
		}
		if err != nil {
			return unreadable(s.path, err)
		}
		return s.whole(b.String())
	}
	s.at = make([]place, 0, info.Size()/128)
	c := checker{kind: s.kind, found: func(x section) {
		s.at = append(s.at, place{hashName(x.name), uint32(x.line), uint32(x.head)})
	}}
	why := ""
	err = eachBlock(f, make([]byte, block), func(text string, at int) bool {
		why = c.check(text, at)
		return why == ""
	})
	switch {
	case err != nil:
		return unreadable(s.path, err)
	case why != "":
		return &ParseError{File: s.path, Line: c.line, Why: why}
	}
	return nil
}

// keep keeps the sections with these names, and returns what they refer to. It
// returns false if they are no longer what they were.
func (s *sections) keep(names []string) (refs []string, ok bool) {
	if s.src != nil {
		for _, name := range names {
			for i := range s.src.sections {
				if x := &s.src.sections[i]; x.name == name {
					refs = appendReferences(refs, s.src.properties(nil, []section{*x}))
				}
			}
		}
		return refs, true
	}
	hashes := make(map[uint32]bool, len(names))
	for _, name := range names {
		hashes[hashName(name)] = true
	}
	for i, at := range s.at {
		if !hashes[at.name] {
			continue
		}
		end := uint32(s.info.Size())
		if i < len(s.at)-1 {
			end = s.at[i+1].head
		}
		text := make([]byte, end-at.head)
		if _, err := s.file.ReadAt(text, int64(at.head)); err != nil {
			return nil, false
		}
		src, err := parse(s.path, s.kind, string(text))
		if err != nil || len(src.sections) != 1 || src.sections[0].head != 0 || hashName(src.sections[0].name) != at.name {
			return nil, false
		}
		p := piece{src.text, src.sections[0]}
		p.line = int(at.line)
		s.kept = append(s.kept, p)
		refs = appendReferences(refs, src.properties(nil, src.sections))
	}
	return refs, true
}

func appendReferences(refs []string, props []Property) []string {
	for _, p := range props {
		if p.Value.Text != "" && slices.Contains(references, p.Key) {
			refs = append(refs, p.Value.Text)
		}
	}
	return refs
}

// changed reports whether the file was written to since it was opened.
func (s *sections) changed() bool {
	if s.file == nil {
		return false
	}
	now, err := s.file.Stat()
	return err != nil || now.Size() != s.info.Size() || !now.ModTime().Equal(s.info.ModTime())
}

func (s *sections) close() {
	if s.file != nil {
		s.file.Close()
	}
}

// source returns the file, or as much of it as was kept.
func (s *sections) source() *source {
	if s.src != nil {
		return s.src
	}
	slices.SortFunc(s.kept, func(a, b piece) int { return cmp.Compare(a.line, b.line) })
	var text strings.Builder
	src := newSource(s.path, s.kind, "")
	for _, p := range s.kept {
		at := text.Len()
		p.head += at
		p.start += at
		p.end += at
		src.sections = append(src.sections, p.section)
		text.WriteString(p.text)
	}
	src.text = text.String()
	return src
}
