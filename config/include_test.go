package config

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// sameProfiles checks that Profiles yields what Profile returns.
func sameProfiles(t *testing.T, f *Files) {
	t.Helper()
	var names []string
	for p, ok := range f.Profiles() {
		names = append(names, p.Name)
		want, err := f.Profile(p.Name)
		if ok != (err == nil) {
			t.Fatalf("%q: got %v, but Profile says %v", p.Name, ok, err)
		}
		if !ok {
			continue
		}
		if !slices.Equal(p.Keys(), want.Keys()) {
			t.Fatalf("%q: got keys %q, want %q", p.Name, p.Keys(), want.Keys())
		}
		for _, key := range append(want.Keys(), "no such key") {
			if got, want := fmt.Sprint(p.Lookup(key)), fmt.Sprint(want.Lookup(key)); got != want {
				t.Fatalf("%s of %q: got %s, want %s", key, p.Name, got, want)
			}
		}
	}
	if !slices.Equal(names, f.Names()) {
		t.Fatalf("got %q, want %q", names, f.Names())
	}
}

func TestProfiles(t *testing.T) {
	tests := []struct{ name, config, credentials string }{
		{"both files", "[profile a]\nx=1\ny=2\nz=3\n[profile b]\nx=1\n", "[a]\nx=4\n[c]\nx=5\n"},
		{"sections merged", "[profile a]\nx=1\n[profile b]\n[profile a]\ny=2\n[default]\nz=1\n[profile c]\nx=\n y=1\n", ""},
		{"included", "[profile a]\ninclude_profile=b\n[profile b]\nx=1\ninclude_profile=d\n[profile c]\ninclude_profile=b\nx=2\n", "[d]\ny=2\naws_access_key_id=i\n"},
		{"loops", "[profile a]\ninclude_profile=b\n[profile b]\ninclude_profile=c\n[profile c]\ninclude_profile=b\n[profile d]\ninclude_profile=d\n[profile e]\n", ""},
		{"missing", "[profile a]\ninclude_profile=b\n[profile b]\ninclude_profile=x\n[profile c]\n", ""},
		{"many properties", "[profile a]\n" + numbered(fewProperties+1, "k%d = v%[1]d\n") + "k0 = w\n[profile b]\n" + numbered(fewProperties, "k%d = v%[1]d\n"), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { sameProfiles(t, mustParse(t, test.config, test.credentials)) })
	}
}

// numbered returns format for each number below n.
func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// A profile has what the nearest that it includes says, whoever was looked at
// before.
func TestLongInclude(t *testing.T) {
	const n = 5 * answersEvery
	text := numbered(n, "[profile p%03d]\n") + "[profile end]\nlast = x\naws_secret_access_key = s\n"
	for i := range n {
		next := fmt.Sprintf("p%03d", i+1)
		if i == n-1 {
			next = "end"
		}
		text += fmt.Sprintf("[profile p%03d]\ninclude_profile = %s\n", i, next)
		if i%7 == 0 {
			text += fmt.Sprintf("seventh = %d\n", i)
		}
	}
	orders := map[string]func(i int) int{
		"down":    func(i int) int { return i },
		"up":      func(i int) int { return n - 1 - i },
		"jumping": func(i int) int { return i * 37 % n },
	}
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			f := mustParse(t, text, "")
			for range 2 {
				for i := range n {
					i = order(i)
					p, err := f.Profile(fmt.Sprintf("p%03d", i))
					if err != nil {
						t.Fatal(err)
					}
					want := ""
					if next := (i + 6) / 7 * 7; next < n {
						want = fmt.Sprint(next)
					}
					_, found := p.Lookup("nowhere")
					if p.Get("seventh") != want || p.Get("last") != "x" || found || p.Get("aws_secret_access_key") != "" {
						t.Fatalf("p%03d: got %q, %q, %v, want %q", i, p.Get("seventh"), p.Get("last"), found, want)
					}
				}
			}
			// Without these each lookup would go all the way.
			remember := 0
			for _, n := range f.included.byName {
				if len(n.answers) > 0 {
					remember++
				}
			}
			if remember != n/answersEvery {
				t.Errorf("%d inclusions remember an answer, want %d", remember, n/answersEvery)
			}
		})
	}
}

// Several goroutines may use the same files; the race detector looks on.
func TestFilesAtOnce(t *testing.T) {
	p := Paths{Config: filepath.Join(t.TempDir(), "config")}
	write(t, p.Config, "[profile q]\n"+numbered(3*answersEvery, "include_profile = q%d\n[profile q%[1]d]\n")+"region = r\n"+strings.Repeat("# long\n", scanBlock/7))
	f, err := LoadFor(p, "q")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, name := range f.Names() {
				if p, err := f.Profile(name); err != nil || p.Region() != "r" || p.Get("output") != "" {
					t.Errorf("%q: got %v, %v", name, p, err)
				}
			}
		})
	}
	wg.Wait()
}

// work returns how many bytes of memory f asks for.
func work(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Twice as much of anything is twice the work, not four times.
func TestWorkGrowsInProportion(t *testing.T) {
	tests := []struct {
		name string
		text func(n int) string
	}{
		{"profiles", func(n int) string { return numbered(n, "[profile p%d]\nregion = r\nsource_profile = p0\n") }},
		{"one profile in many sections", func(n int) string { return numbered(n, "[profile p0]\nk%d = v\n") }},
		{"properties", func(n int) string { return "[profile p0]\n" + numbered(n, "k%d = v\n") }},
		{"lines of a value", func(n int) string { return "[profile p0]\nk = v\n" + numbered(n, " %d\n") }},
		{"sub-properties", func(n int) string { return "[profile p0]\nk =\n" + numbered(n, " k%d = v\n") }},
		{"a long value", func(n int) string { return "[profile p0]\nk = " + numbered(n, "[%d] ") }},
		{"included in a row", func(n int) string {
			return numbered(n, "[profile p%d]\ninclude_profile = p%[1]d0\n[profile p%[1]d0]\ninclude_profile = p%[1]d00\n") + "[profile q]\n" +
				numbered(n, "include_profile = q%d\n[profile q%[1]d]\n")
		}},
		{"included in a circle", func(n int) string {
			return numbered(n, "[profile p%d]\ninclude_profile = p%[1]d\n") + "[profile q]\n" + numbered(n, "include_profile = q%d\n[profile q%[1]d]\n") + "include_profile = q\n"
		}},
		{"included but missing", func(n int) string { return numbered(n, "[profile p%d]\ninclude_profile = q%[1]d\n") }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			measure := func(n int) uint64 {
				text := []byte(test.text(n))
				return work(func() {
					f, err := Parse(Paths{"config", "credentials"}, text, nil)
					if err != nil {
						t.Fatal(err)
					}
					for p, ok := range f.Profiles() {
						if ok {
							_, _ = p.Get("region"), p.Get("mfa_serial")
						}
					}
					for p, ok := range f.Profiles() {
						if _, err := f.Profile(p.Name); err == nil != ok {
							t.Fatal(err)
						}
						break
					}
				})
			}
			const n = 3000
			once, twice := measure(n), measure(2*n)
			if twice > 3*once {
				t.Errorf("%d bytes for %d, %d bytes for %d", once, n, twice, 2*n)
			}
		})
	}
}
