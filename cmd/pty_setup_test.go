package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	askSegment   = "Show the profile and its time left in front of the prompt? [Y/n] "
	askLine      = "Add it? [Y/n] "
	askBackend   = "Keep them in [1] "
	askFolders   = `Let .vault-profile files name the profile of a folder? It writes directories = true to `
	askImportOne = "Import 1 key? [y/N] "
)

// newcomer is a console of somebody who has not loaded vault, with a key in
// the credentials file.
func newcomer(t *testing.T) (*world, *console) {
	t.Helper()
	w := newWorld(t)
	w.write(".aws/credentials", "[simple]\naws_access_key_id = "+w.keyID+"\naws_secret_access_key = "+w.secret+"\n")
	w.write(".bashrc", "# mine")
	return w, w.console(t, setup{shell: "bash", bare: true, env: []string{"SHELL=/bin/bash"}})
}

// TestPTYSetup goes through all questions, and then again: it is all done.
func TestPTYSetup(t *testing.T) {
	w, c := newcomer(t)
	answers := []struct{ asked, typed string }{
		{askSegment, "what"},
		{askSegment, "n"},
		{askLine, ""},
		{askBackend, "9"},
		{askBackend, ""},
		{askFolders, "y"},
		{askImportOne, "y"},
	}
	c.line("vault setup")
	for _, a := range answers {
		c.expect(a.asked)
		c.line(a.typed)
	}
	out := c.prompt()
	if c.status != 0 || !strings.Contains(out, "imported 1 of 1 key") {
		t.Errorf("status %d\n%s", c.status, out)
	}
	if got, want := w.read(".bashrc"), "# mine\neval \"$(vault init bash --no-prompt)\"\n"; got != want {
		t.Errorf(".bashrc is %q, want %q", got, want)
	}
	if got, want := c.read("vault/config.toml"), "directories = true\n"; got != want {
		t.Errorf("config.toml is %q, want %q", got, want)
	}
	if !w.has(sealedFile) {
		t.Error("the key is not stored")
	}

	c.run("vault setup")
	for _, want := range []string{"bash loads vault already: ~/.bashrc:2", "keys are kept in ~/.local/share/vault/keys, where the first one went", ".vault-profile files name profiles", "stored already"} {
		if out := c.text(); !strings.Contains(out, want) {
			t.Errorf("the second time: no %q", want)
		}
	}
	if got := w.read(".bashrc"); strings.Count(got, "vault init") != 1 {
		t.Errorf(".bashrc is %q", got)
	}
}

// TestPTYSetupNo says no to everything: nothing is written.
func TestPTYSetupNo(t *testing.T) {
	w, c := newcomer(t)
	c.line("vault setup")
	for _, a := range []struct{ asked, typed string }{{askSegment, ""}, {askLine, "n"}, {askBackend, "1"}, {askFolders, ""}, {askImportOne, "n"}} {
		c.expect(a.asked)
		c.line(a.typed)
	}
	if out := c.prompt(); c.status != 0 || !strings.Contains(out, "nothing was changed") {
		t.Errorf("status %d\n%s", c.status, out)
	}
	if w.read(".bashrc") != "# mine" || w.has(sealedFile) || exists(filepath.Join(c.dir, "vault", "config.toml")) {
		t.Error("something was written")
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// TestPTYSetupInterrupt gives ^C at each question: what was answered before it
// is done, and nothing else.
func TestPTYSetupInterrupt(t *testing.T) {
	w, c := newcomer(t)
	questions := []struct{ asked, typed string }{{askSegment, "y"}, {askLine, "n"}, {askBackend, ""}, {askFolders, "n"}, {askImportOne, ""}}
	for i := range questions {
		c.line("vault setup")
		for _, q := range questions[:i] {
			c.expect(q.asked)
			c.line(q.typed)
		}
		c.expect(questions[i].asked)
		c.send("\x03")
		if out := c.prompt(); c.status != 130 || strings.Contains(out, "vault: ") {
			t.Errorf("^C at %q: status %d, and it says %q", questions[i].asked, c.status, out)
		}
	}
	if w.read(".bashrc") != "# mine" || w.has(sealedFile) || exists(filepath.Join(c.dir, "vault", "config.toml")) {
		t.Error("something was written")
	}
}

// TestPTYImport asks for the passphrase of files that aws-vault sealed: each
// may have its own, and three wrong ones are enough.
func TestPTYImport(t *testing.T) {
	w := newWorld(t)
	script, err := os.ReadFile("testdata/script/importsealed.txtar")
	if err != nil {
		t.Fatal(err)
	}
	_, sealed, _ := strings.Cut(string(script), "-- written --\n")
	sealed, _, _ = strings.Cut(sealed, "\n")
	w.write(".awsvault/keys/prod%2Feu", sealed)
	c := w.console(t, setup{shell: "bash"})
	const asked = "Passphrase of aws-vault in ~/.awsvault/keys: "
	c.line("vault import aws-vault --no-verify")
	for range 3 {
		c.expect(asked)
		c.line("wrong")
	}
	if out := c.prompt(); c.status != 4 || !strings.Contains(out, "profile prod/eu not opened: wrong passphrase") {
		t.Errorf("wrong passphrases: status %d\n%s", c.status, out)
	}

	c.line("vault import aws-vault --no-verify")
	c.expect(asked)
	c.send("\x03")
	if c.prompt(); c.status != 130 {
		t.Errorf("^C: status %d", c.status)
	}
	if w.has(sealedFile) {
		t.Error("a keystore was made")
	}

	c.line("vault import aws-vault --no-verify")
	c.expect(asked)
	c.line("pw")
	c.expect("Import 1 key? [y/N] ")
	c.line("y")
	if out := c.prompt(); c.status != 0 || !strings.Contains(out, "imported 1 of 1 key") {
		t.Errorf("status %d\n%s", c.status, out)
	}
	if strings.Contains(c.text(), "pw\n") {
		t.Error("the passphrase was shown")
	}
}
