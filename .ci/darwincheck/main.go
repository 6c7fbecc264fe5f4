// Command darwincheck type-checks packages for macOS on a machine without a C
// compiler for it.
//
// Go's own tools need clang to look at files that use cgo. This one asks
// "go list" for the files of each package as darwin with cgo has them, reads
// them and checks them with go/types, taking every name of C on trust. The
// packages named are checked in full, and so are those of other modules that
// use cgo; what else they import only as far as its declarations.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// listed is what go list says of a package.
type listed struct {
	ImportPath string
	Dir        string
	Standard   bool
	DepOnly    bool
	GoFiles    []string
	CgoFiles   []string
	ImportMap  map[string]string
	Error      *struct{ Err string }
}

// whole reports whether the bodies of functions are checked, too. Those of
// the standard library are Go's own to check, and other modules without cgo
// are built by "go vet" with GOOS=darwin.
func (p listed) whole() bool { return !p.DepOnly || !p.Standard && len(p.CgoFiles) > 0 }

func main() {
	arch := flag.String("arch", "arm64", "GOARCH")
	flag.Parse()
	patterns := flag.Args()
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	full, problems, err := check(*arch, patterns)
	if err != nil {
		fmt.Fprintln(os.Stderr, "darwincheck:", err)
		os.Exit(2)
	}
	fmt.Printf("darwin/%s: %d packages checked, %d problems\n", *arch, full, problems)
	if problems > 0 {
		os.Exit(1)
	}
}

func check(arch string, patterns []string) (full, problems int, err error) {
	packages, err := list(arch, patterns)
	if err != nil {
		return 0, 0, err
	}
	files := token.NewFileSet()
	done := map[string]*types.Package{"unsafe": types.Unsafe}
	for _, p := range packages {
		if done[p.ImportPath] != nil || p.ImportPath == "C" || strings.HasSuffix(p.ImportPath, ".test") {
			continue
		}
		report := func(err error) {
			if p.whole() {
				fmt.Fprintln(os.Stderr, err)
				problems++
			}
		}
		if p.Error != nil {
			report(errors.New(strings.TrimSpace(p.Error.Err)))
		}
		var parsed []*ast.File
		for _, name := range append(p.GoFiles, p.CgoFiles...) {
			f, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				report(err)
				continue
			}
			parsed = append(parsed, f)
		}
		config := types.Config{
			FakeImportC:      true,
			IgnoreFuncBodies: !p.whole(),
			Sizes:            types.SizesFor("gc", arch),
			Error:            report,
			Importer: importer(func(path string) (*types.Package, error) {
				if mapped, ok := p.ImportMap[path]; ok {
					path = mapped
				}
				if found := done[path]; found != nil {
					return found, nil
				}
				return nil, fmt.Errorf("%s is not loaded", path)
			}),
		}
		// The error is one that report has seen.
		done[p.ImportPath], _ = config.Check(p.ImportPath, files, parsed, nil)
		if p.whole() {
			full++
		}
	}
	return full, problems, nil
}

// list returns the packages, each after what it imports.
func list(arch string, patterns []string) ([]listed, error) {
	args := append([]string{"list", "-e", "-deps", "-test", "-json=ImportPath,Dir,Standard,DepOnly,GoFiles,CgoFiles,ImportMap,Error"}, patterns...)
	c := exec.Command("go", args...)
	c.Env = append(os.Environ(), "GOOS=darwin", "GOARCH="+arch, "CGO_ENABLED=1")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return nil, err
	}
	var packages []listed
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
}

type importer func(path string) (*types.Package, error)

func (f importer) Import(path string) (*types.Package, error) { return f(path) }
