// Package config reads the AWS config and credentials files and vault's own
// settings, says for each value where it stands, follows a profile to its
// sources, and edits the files without touching a byte that need not change.
//
// It knows no network, no terminal, no clock and no environment but the one
// that it is handed, and nothing of keystores or STS: what a setting leads to
// is for others to decide.
//
// The rules of the files are those of the AWS SDKs and Tools Reference Guide,
// page "Shared config and credentials files" (sdkref/latest/guide/file-format.html),
// called "file-format" below.
//
// The AWS CLI reads the files with Python's configparser (botocore.configloader)
// and differs: "key : value" is a property to it, and so is an indented line
// below a header; [DEFAULT] is inherited by all; a value goes on over blank
// lines, and " #" does not end it; the later of [default] and [profile default]
// wins; what stands twice is an error, and a byte order mark is too. There the
// SDKs' rules hold, which refuse or ignore what might be misread. Where only
// the AWS CLI gives something a meaning, names in quotes, it has that meaning.
package config

import (
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
)

// Paths says where the two files of the AWS CLI and the SDKs lie.
type Paths struct{ Config, Credentials string }

// Locate returns the paths that the environment names, or those in home.
//
// AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE win over ~/.aws/config and
// ~/.aws/credentials (AWS SDKs and Tools Reference Guide, page "Location of the
// shared config and credentials files"); a leading "~" or "~/" is home, an
// empty variable counts as unset.
func Locate(getenv func(string) (string, bool), home string) Paths {
	locate := func(variable, file string) string {
		if path, _ := getenv(variable); path != "" {
			return expandHome(path, home)
		}
		return filepath.Join(home, ".aws", file)
	}
	return Paths{
		Config:      locate("AWS_CONFIG_FILE", "config"),
		Credentials: locate("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
	}
}

func expandHome(path, home string) string {
	if path == "~" || strings.HasPrefix(path, "~/") {
		return home + path[1:]
	}
	return path
}

// A ParseError reports a file that cannot be read or has a malformed line.
// It never quotes the line, which may hold a secret.
type ParseError struct {
	File string
	Line int // counted from 1; 0 where the file as a whole is meant
	Why  string
	Err  error // the cause, where there is one
}

func (e *ParseError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Why
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Why)
}

func (e *ParseError) Unwrap() error { return e.Err }

// A NotFoundError reports a profile that neither file defines.
type NotFoundError struct {
	Name string
	Near []string // names like it, the most alike first
	Note string   // "file:line: why", where a section of that name is no profile
}

func (e *NotFoundError) Error() string {
	if e.Note != "" {
		return fmt.Sprintf("no profile %q: %s", e.Name, e.Note)
	}
	return fmt.Sprintf("no profile %q", e.Name)
}

// A SectionError reports a property that names a section which is not there.
type SectionError struct {
	Value   Value // of the property
	Key     string
	Profile string
	Section string // what its header would be, without the brackets
}

func (e *SectionError) Error() string {
	return fmt.Sprintf("%s: %s of profile %q: no section [%s]", e.Value.Where(), e.Key, e.Profile, e.Section)
}

// Files are the two files as they were read. They do not change and may be
// used by several goroutines at once.
type Files struct {
	Paths       Paths
	config      *source
	credentials *source

	names    func() []string
	included inclusions
	part     *part // which part of the files this is, nil if they are whole
}

// Names returns the names of the profiles of both files, sorted, each once.
func (f *Files) Names() []string { return slices.Clone(f.whole().names()) }

func (f *Files) collectNames() []string {
	names := make([]string, 0, len(f.config.sections)+len(f.credentials.sections))
	for _, src := range []*source{f.config, f.credentials} {
		for i := range src.sections {
			if s := &src.sections[i]; s.kind.isProfile() {
				names = append(names, s.name)
			}
		}
	}
	return sortNames(names)
}

// sortNames sorts names in place and drops those that stand twice.
func sortNames(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// Has reports whether one of the files defines the profile.
func (f *Files) Has(name string) bool { return f.plainProfile(name) != nil }

// Profile returns the profile as both files define it: the sections of that
// name merged, the credentials file over the config file (file-format), and
// below both what include_profile brings in. A profile that neither file
// defines is a *NotFoundError.
func (f *Files) Profile(name string) (*Profile, error) {
	p := f.plainProfile(name)
	if p == nil {
		return nil, f.notFound(name)
	}
	if why := f.include(p); why != nil {
		return nil, why.err(f)
	}
	return p, nil
}

// Profiles yields all profiles in the order of Names, and whether Profile
// returns them without an error. A profile is overwritten by the next one.
func (f *Files) Profiles() iter.Seq2[*Profile, bool] {
	return func(yield func(*Profile, bool) bool) {
		f := f.whole()
		p := new(Profile)
		for _, name := range f.names() {
			f.fill(p, name)
			if !yield(p, f.include(p) == nil) {
				return
			}
		}
	}
}

// plainProfile is Profile without include_profile; nil where there is none.
func (f *Files) plainProfile(name string) *Profile {
	p := new(Profile)
	f.with(name).fill(p, name)
	if len(p.layers) == 0 {
		return nil
	}
	return p
}

// fill makes p the profile, without include_profile; p has no layers where
// there is none. A name that needs quotes has to stand in the config file: in
// the credentials file, where the AWS CLI wants none, the SDKs ignore a section
// of that name.
func (f *Files) fill(p *Profile, name string) {
	p.Section = Section{Kind: "profile", Name: name, layers: p.layers[:0]}
	var buf [2][4]section
	inConfig := f.config.profile(buf[0][:0], name)
	if len(inConfig) > 0 || validName(name) {
		p.addLayer(f.credentials, f.credentials.profile(buf[1][:0], name))
	}
	p.addLayer(f.config, inConfig)
}

func (f *Files) notFound(name string) error {
	f = f.whole()
	err := &NotFoundError{Name: name, Near: Nearest(name, f.names())}
	for _, src := range []*source{f.config, f.credentials} {
		for i := range src.sections {
			s := &src.sections[i]
			if why := s.almost(src.kind, name); why != "" {
				err.Note = fmt.Sprintf("%s:%d: %s", src.path, s.line, why)
				return err
			}
		}
	}
	return err
}

// Section returns the section of the config file that other sections refer
// to: kind is "sso-session" or "services". Sections of the same name are
// merged. The result is nil where there is none.
func (f *Files) Section(kind, name string) *Section {
	k := sectionIgnored
	switch kind {
	case "sso-session":
		k = sectionSSO
	case "services":
		k = sectionServices
	default:
		return nil
	}
	f = f.with(name)
	s := &Section{Kind: kind, Name: name}
	s.addLayer(f.config, f.config.find(nil, k, name))
	if len(s.layers) == 0 {
		return nil
	}
	return s
}
