package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// manyProfiles returns a config file of n profiles, some 200 bytes each.
func manyProfiles(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `[profile account-%05d]
# team %d
role_arn = arn:aws:iam::%012d:role/engineering/Developer
source_profile = account-00000
region = eu-west-%d
mfa_serial = arn:aws:iam::123456789012:mfa/someone

`, i, i%7, i, i%3)
	}
	return b.String()
}

const benchProfiles = 10_000

func benchPaths(b *testing.B) Paths {
	text := manyProfiles(benchProfiles)
	p := Paths{filepath.Join(b.TempDir(), "config"), ""}
	write(b, p.Config, text)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	return p
}

func BenchmarkLoad(b *testing.B) {
	p := benchPaths(b)
	for b.Loop() {
		if _, err := Load(p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	text := []byte(manyProfiles(benchProfiles))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(Paths{"config", "credentials"}, text, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoadAndChain(b *testing.B) {
	p := benchPaths(b)
	for b.Loop() {
		f, err := Load(p)
		if err != nil {
			b.Fatal(err)
		}
		if chain, err := f.Chain("account-09999"); err != nil || len(chain) != 2 {
			b.Fatal(chain, err)
		}
	}
}

func BenchmarkLoadForAndChain(b *testing.B) {
	p := benchPaths(b)
	for b.Loop() {
		f, err := LoadFor(p, "account-09999")
		if err != nil {
			b.Fatal(err)
		}
		if chain, err := f.Chain("account-09999"); err != nil || len(chain) != 2 {
			b.Fatal(chain, err)
		}
	}
}

func BenchmarkProfiles(b *testing.B) {
	f := mustParse(b, manyProfiles(benchProfiles), "")
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for p := range f.Profiles() {
			if p.Region() != "" && p.Get("role_arn") != "" && p.Get("sso_session") == "" {
				n++
			}
		}
		if n != benchProfiles {
			b.Fatal(n)
		}
	}
}

func BenchmarkScanNames(b *testing.B) {
	p := benchPaths(b)
	for b.Loop() {
		if names, err := ScanNames(p, ""); err != nil || len(names) != benchProfiles {
			b.Fatal(len(names), err)
		}
	}
}

func BenchmarkNotFound(b *testing.B) {
	f := mustParse(b, manyProfiles(benchProfiles), "")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Profile("acount-04711"); err == nil {
			b.Fatal("found")
		}
	}
}

func BenchmarkAddSections(b *testing.B) {
	text := []byte(manyProfiles(benchProfiles))
	b.ReportAllocs()
	for b.Loop() {
		e, err := NewEditor("config", ConfigFile, text)
		if err != nil {
			b.Fatal(err)
		}
		for i := range 500 {
			if err := e.AddProfile(fmt.Sprint("new", i), [][2]string{{"region", "eu-west-1"}}); err != nil {
				b.Fatal(err)
			}
		}
	}
}
