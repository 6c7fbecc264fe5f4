package cmd_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestArrows reads the import graph: cmd imports all, sts imports config and
// keystore, and no other package of the house imports another.
func TestArrows(t *testing.T) {
	const module = "github.com/shellvault/vault/"
	allowed := map[string][]string{
		"cmd": {"completions", "config", "keystore", "shell", "sts"},
		"sts": {"config", "keystore"},
	}
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}|{{join .Imports " "}}|{{join .GoFiles " "}}`, module+"...").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var clients []string
	for line := range strings.Lines(string(out)) {
		path, rest, _ := strings.Cut(strings.TrimSpace(line), "|")
		imports, _, _ := strings.Cut(rest, "|")
		from := strings.TrimPrefix(path, module)
		room, _, _ := strings.Cut(from, "/")
		if !slices.Contains([]string{"cmd", "completions", "config", "keystore", "shell", "sts"}, room) {
			t.Errorf("%s is a room that the house does not have", room)
		}
		for _, imported := range strings.Fields(imports) {
			if strings.HasPrefix(imported, "github.com/aws/aws-sdk-go-v2/config") {
				t.Errorf("%s imports the SDK's config package", from)
			}
			if strings.HasPrefix(imported, "github.com/aws/aws-sdk-go-v2/service/") && !strings.HasSuffix(imported, "/types") {
				clients = append(clients, from+" imports "+imported)
			}
			to, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			to, _, _ = strings.Cut(to, "/")
			if to != room && !slices.Contains(allowed[room], to) {
				t.Errorf("%s imports %s", from, to)
			}
			if strings.HasSuffix(imported, "test") && !strings.Contains(from, "test") {
				t.Errorf("%s imports the test package %s", from, imported)
			}
		}
	}
	if want := []string{"sts imports github.com/aws/aws-sdk-go-v2/service/sts"}; !slices.Equal(clients, want) {
		t.Errorf("got %q, want %q", clients, want)
	}
}

// TestOneExit looks for os.Exit outside of main: deferred calls would not run.
func TestOneExit(t *testing.T) {
	out, err := exec.Command("grep", "-rln", "--include=*.go", "--exclude=*_test.go", "os\\.Exit(", "..").Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range strings.Fields(string(out)) {
		if !strings.Contains(file, "ststest") {
			got = append(got, filepath.ToSlash(file))
		}
	}
	if want := []string{"../.ci/darwincheck/main.go", "../cmd/vault/main.go"}; !slices.Equal(got, want) {
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
