package cmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// picking returns a console with vault's own picker, whatever is installed,
// and a key for the profiles "simple" and "plain".
func (w *world) picking(t *testing.T, s setup) *console {
	t.Helper()
	w.store("simple")
	c := w.console(t, s)
	c.settings(`picker = "builtin"`)
	return c
}

// settings writes vault's config.toml for a console.
func (c *console) settings(text string) { c.write("vault/config.toml", text+"\n") }

// counts waits until the picker says how many profiles fit what was typed.
func (c *console) counts(typed string, fit, all int) {
	c.t.Helper()
	c.expect(fmt.Sprintf("profile> %s  %d/%d", typed, fit, all))
}

// TestPTYPicker chooses a profile in each shell.
func TestPTYPicker(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.config(w.read(".aws/config") + "[profile plain-too]\nrole_arn = arn:aws:iam::222222222222:role/Developer\nsource_profile = simple\n")
		c := w.picking(t, setup{shell: shell})
		before := c.environ()
		c.line("vault use")
		c.counts("", 7, 7)
		c.send("too")
		c.counts("too", 1, 7)
		c.send("\r")
		c.prompt()
		if got := c.env()["AWS_VAULT"]; c.status != 0 || got != "plain-too" {
			t.Fatalf("status %d, in %q", c.status, got)
		}
		// The very name is taken, though the other was used just now.
		c.line("vault use")
		c.counts("", 7, 7)
		c.send("plain")
		c.counts("plain", 2, 7)
		c.send("\r")
		c.prompt()
		if got := c.env()["AWS_VAULT"]; c.status != 0 || got != "plain" {
			t.Fatalf("status %d, in %q", c.status, got)
		}
		c.shows(`\(plain ` + hour + `\)`)
		c.echoes()

		// Whoever leaves has changed nothing.
		in := c.environ()
		for name, keys := range map[string]string{"^C": "\x03", "Esc": "\x1b", "^G": "\x07", "^D": "\x04", "^C after letters": "sim\x03", "^Z, then ^C": "\x1a\x1a\x03"} {
			c.line("vault use")
			c.counts("", 7, 7)
			c.send(keys)
			c.prompt()
			if c.status != 130 {
				t.Errorf("%s: status %d", name, c.status)
			}
			c.same(in, c.environ(), "after "+name)
			c.echoes()
		}

		// Flags hold for what is chosen; the last one is ahead, and is known.
		c.line("vault use --region eu-north-1")
		c.expect("> plain ")
		c.expect("in use here")
		c.send("\r")
		c.prompt()
		if env := c.env(); c.status != 0 || env["AWS_VAULT"] != "plain" || env["AWS_REGION"] != "eu-north-1" {
			t.Errorf("status %d, in %q, %q", c.status, env["AWS_VAULT"], env["AWS_REGION"])
		}
		c.ok("vault off")
		c.same(before, c.environ(), "after off")

		c.line("vault exec -- printenv AWS_VAULT")
		c.counts("", 7, 7)
		c.send("\r")
		if out := c.prompt(); c.status != 0 || !strings.Contains(out, "plain") {
			t.Errorf("exec: status %d: %s", c.status, out)
		}
		c.line("vault export --format json >out")
		c.counts("", 7, 7)
		c.send("\r")
		c.prompt()
		if out := c.read("out"); c.status != 0 || !strings.HasPrefix(out, `{"Version":1`) {
			t.Errorf("export: status %d", c.status)
		}
		c.hides(w.secret)
	})
}

// TestPTYPickerKeys presses the keys of fzf.
func TestPTYPickerKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var text strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, "[profile p%02d]\nregion = eu-west-1\n", i)
	}
	text.WriteString("[profile zebra]\nrole_arn = arn:aws:iam::123456789012:role/Étagère\nsource_profile = simple\nregion = il-central-1\n" +
		"[profile Upper]\nregion = eu-west-1\n[profile upper-two]\nregion = eu-west-1\n[profile 日本語の環境]\nregion = ap-northeast-1\n")
	w.config(text.String())
	c := w.picking(t, setup{shell: "bash"})
	if err := pty.Setsize(c.tty, &pty.Winsize{Rows: 12, Cols: 100}); err != nil { // ten of them
		t.Fatal(err)
	}
	const esc = "\x1b"
	for _, test := range []struct{ name, keys, want string }{
		{"Enter", "", "Upper"},
		{"down", esc + "[B" + esc + "[B", "p01"},
		{"down, as application keys", esc + "OB" + esc + "OB", "p01"},
		{"with Control", esc + "[1;5B", "p00"},
		{"^N", "\x0e\x0e\x0e", "p02"},
		{"^J", "\n\n\n\n", "p03"},
		{"Tab", "\t", "p00"},
		{"up", "\x0e\x0e\x0e" + esc + "[A", "p01"},
		{"^P", "\x0e\x0e\x0e\x10", "p01"},
		{"^K", "\x0e\x0e\x0e\x0b\x0b", "p00"},
		{"up at the top", esc + "[A" + esc + "[A", "Upper"},
		{"Page Down", esc + "[6~" + esc + "[6~", "p19"},
		{"Page Up", esc + "[6~" + esc + "[6~" + esc + "[5~", "p09"},
		{"End", esc + "[F", "日本語の環境"},
		{"End of another terminal", esc + "[4~" + esc + "[A", "zebra"},
		{"down at the bottom", esc + "OF" + esc + "[B" + esc + "[B", "日本語の環境"},
		{"Home", esc + "[F" + esc + "[H", "Upper"},
		{"letters", "zeb", "zebra"},
		{"letters apart", "zba", "zebra"},
		{"words in any order", "two upp", "upper-two"},
		{"lower case fits both", "upper", "Upper"},
		{"upper case fits one", "Up", "Upper"},
		{"of equal ones the shorter", "upp", "Upper"},
		{"the name itself is first", "upper-two", "upper-two"},
		{"an account", "123456789012", "zebra"},
		{"a role, without its accents", "etagere", "zebra"},
		{"a region", "il-central", "zebra"},
		{"wide letters", "本環", "日本語の環境"},
		{"Backspace", "zex" + "\x7f", "zebra"},
		{"Backspace of a wide letter", "zeb日" + "\x7f", "zebra"},
		{"^H", "zex\x08", "zebra"},
		{"^W", "zeb xyz\x17", "zebra"},
		{"Alt-Backspace", "zeb xyz" + esc + "\x7f", "zebra"},
		{"^U", "p12\x15zeb", "zebra"},
		{"Left", "eb" + esc + "[D" + esc + "[Dz", "zebra"},
		{"^A, ^E", "eb\x01z\x05ra", "zebra"},
		{"^B, ^F", "zra\x02\x02e\x06\x06", "zebra"},
		{"Home in what was typed", "eb" + esc + "[Hz" + esc + "[Fra", "zebra"},
		{"Delete", "xzeb\x01" + esc + "[3~", "zebra"},
		{"^D", "xzeb\x01\x04", "zebra"},
		{"nothing fits, so Enter is of no use", "nosuch\r\x15zeb", "zebra"},
		{"keys of no meaning", "z\x1a\x00" + esc + "[15~" + esc + "[[A" + esc + "OP" + esc + "[200~e" + esc + "x" + esc + "[<0;1;2Mb\xff", "zebra"},
		{"a letter in pieces", "日", "日本語の環境"},
	} {
		c.line("vault explain")
		c.counts("", 65, 65)
		for _, b := range []byte(test.keys + "\r") {
			c.send(string([]byte{b}))
		}
		c.prompt()
		if got := c.explained(); got != test.want {
			t.Errorf("%s: chose %q, want %q", test.name, got, test.want)
		}
	}
	c.echoes()
}

// explained returns the profile that explain, after the picker, spoke of last.
func (c *console) explained() string {
	raw := c.bytes()
	raw = raw[strings.LastIndex(raw, "\x1b[?1049l"):]
	line, _, _ := strings.Cut(strings.TrimLeft(readable(raw), "\n"), "\n")
	name, _, _ := strings.Cut(line, ":")
	return strings.TrimSpace(name)
}

// TestPTYPickerScreen looks at what is drawn: cut to the size of the terminal,
// also when that changes, and never more than letters of what files say.
func TestPTYPickerScreen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := "[profile 日本語の名前のプロフィール]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/a\x1b]0;evil\x07b\n"
	for i := range 30 {
		config += fmt.Sprintf("[profile p%02d]\nrole_arn = arn:aws:iam::123456789012:role/Developer\nsource_profile = p00\n", i)
	}
	w.config(config)
	c := w.picking(t, setup{shell: "zsh"})
	c.settings("picker = \"builtin\"\n[[profile]]\nmatch = \"p0*\"\nprotected = true\naccount = \"pro\\u001b[31mduction\"\n")
	size := func(rows, cols uint16) {
		t.Helper()
		if err := pty.Setsize(c.tty, &pty.Winsize{Rows: rows, Cols: cols}); err != nil {
			t.Fatal(err)
		}
	}
	size(10, 100)
	c.line("vault explain")
	c.counts("", 32, 32)
	c.expect("PROFILE")
	c.expect("> p00 ")
	c.expect("pro?[31mduction 123456789012  Developer")
	c.expect("protected")
	c.expect("  p07")
	c.send("日")
	c.expect("> 日本語の名前のプロフィール  123456789012  a?]0;evil?b")

	size(10, 24)
	_, found := c.wait("a name that is cut", regexp.MustCompile(`\n> (日[^\n]*)`))
	if got := strings.TrimRight(found[1], " "); got != "日本語の名前のプロ…" && got != "日本語の名前のプロフ…" {
		t.Errorf("in 24 columns: %q", got)
	}
	c.send("\x15")
	c.counts("", 32, 32)
	size(3, 100)
	c.expect("profile>   32/32\n> p00")
	c.expect("  p01")
	size(1, 100)
	c.expect("profile>   32/32")
	c.send("\x0e")
	c.expect("profile>   32/32")
	size(40, 100)
	c.expect("> p01")
	c.expect("  p29")
	c.send("\r")
	c.prompt()
	if got := c.explained(); got != "p01" {
		t.Errorf("chose %q", got)
	}
	if strings.Contains(c.bytes(), "\x1b]0;evil") || strings.Contains(c.bytes(), "\x1b[31mduction") {
		t.Error("a file speaks to the terminal")
	}
	c.echoes()
}

// TestPTYPickerEnds ends the binary from outside while somebody chooses.
func TestPTYPickerEnds(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		c := w.picking(t, setup{shell: shell})
		before := c.environ()
		for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
			c.line("vault use")
			c.counts("", 6, 6)
			for _, pid := range c.asking() {
				if err := syscall.Kill(pid, s); err != nil {
					t.Fatal(err)
				}
			}
			c.prompt()
			if c.status != 130 {
				t.Errorf("%s: status %d", s, c.status)
			}
			c.same(before, c.environ(), "after "+s.String())
			c.echoes()
		}
		if got := strings.Count(c.bytes(), "\x1b[?1049h"); got != 3 || strings.Count(c.bytes(), "\x1b[?1049l") != got {
			t.Errorf("%d screens were opened, %d closed", got, strings.Count(c.bytes(), "\x1b[?1049l"))
		}
	})
}

// asking returns the processes of vault.
func (c *console) asking() []int {
	c.t.Helper()
	var list []int
	entries, err := os.ReadDir("/proc")
	if err != nil {
		c.t.Skip("there is no /proc")
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		exe, _ := os.Readlink(filepath.Join("/proc", e.Name(), "exe"))
		environ, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if exe == binary && strings.Contains(string(environ), c.w.home+"\x00") {
			list = append(list, pid)
		}
	}
	return list
}

// TestPTYPickerMany chooses among 10,000 profiles.
func TestPTYPickerMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config(w.read(".aws/config") + manyProfiles(10_000))
	c := w.picking(t, setup{shell: "fish"})
	c.line("vault use")
	c.counts("", 10_006, 10_006)
	c.send("team 9876 role")
	c.counts("team 9876 role", 1, 10_006)
	c.expect("> team-09876/role  000000009876  Developer  eu-west-1")
	c.send("\x15")
	c.counts("", 10_006, 10_006)
	c.send("\x1b[F")
	c.expect("> team-09999/role")
	c.send("\x15000000009998")
	c.counts("000000009998", 1, 10_006)
	c.send("\x15plain\r")
	c.prompt()
	if got := c.env()["AWS_VAULT"]; c.status != 0 || got != "plain" {
		t.Errorf("status %d, in %q", c.status, got)
	}
}

// TestPTYPickerPlain asks by numbered lines where the terminal can show no
// more, or the setting says so.
func TestPTYPickerPlain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store("simple")
	var more strings.Builder
	for i := range 30 {
		fmt.Fprintf(&more, "[profile q%02d]\nregion = eu-west-1\n", i)
	}
	w.config(w.read(".aws/config") + more.String())
	c := w.console(t, setup{shell: "bash", env: []string{"TERM=dumb"}})
	question := "profile (number or name): "
	ask := func() { t.Helper(); c.line("vault explain"); c.expect(question) }
	ask()
	for _, test := range []struct{ name, answers, want string }{
		{"a number", "2", "dev"},
		{"a name", "q17", "q17"},
		{"a part of it", "plai", "plain"},
		{"what fits several", "q2,3", "q22"},
		{"what fits none", "nosuch,1", "bastion"},
		{"a number that does not stand there", "21,1", "q21"},
	} {
		for i, answer := range strings.Split(test.answers, ",") {
			if i > 0 {
				c.expect(question)
			}
			c.line(answer)
		}
		if out := c.prompt(); !regexp.MustCompile("\n" + test.want + "(:.*)?\n").MatchString(out) {
			t.Errorf("%s: %q does not speak of %s", test.name, out, test.want)
		}
		ask()
	}
	c.send("\x03")
	c.prompt()
	if c.status != 130 {
		t.Errorf("^C: status %d", c.status)
	}
	ask()
	c.line("")
	c.prompt()
	if c.status != 130 {
		t.Errorf("no answer: status %d", c.status)
	}
	c.echoes()
	if strings.Contains(c.bytes(), "\x1b[?1049h") {
		t.Error("a dumb terminal got a screen")
	}
	c.ok("export TERM=xterm")
	c.settings(`picker = "list"`)
	ask()
	c.send("\x03")
	c.prompt()
}

// fzf is a picker that writes down what it gets and chooses the line with
// what CHOOSE says; it ends as STATUS says.
const fzf = `#!/bin/sh
cat >lines
printf '%s\n' "$@" >arguments
env >environment
[ -z "$STATUS" ] || exit "$STATUS"
grep -e "$CHOOSE" lines
`

// TestPTYPickerFzf has the user's own fzf ask.
func TestPTYPickerFzf(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("simple")
		c := w.console(t, setup{shell: shell})
		c.write("bin/fzf", fzf)
		c.do(by(shell, map[string]string{"bash": "PATH=$PWD/bin:$PATH; export CHOOSE=plain STATUS=\n", "fish": "set -gx PATH $PWD/bin $PATH; set -gx CHOOSE plain; set -gx STATUS\n"}))
		c.ok("vault use")
		if got := c.env()["AWS_VAULT"]; got != "plain" {
			t.Errorf("in %q", got)
		}
		lines := strings.Split(c.read("lines"), "\n")
		if len(lines) != 7 || lines[0] != "0\tbastion  111111111111  eu-central-1" || lines[3] != "3\tprod     444444444444  Admin  us-east-1" {
			t.Errorf("fzf got %q", lines)
		}
		if got := c.read("environment"); strings.Contains(got, "AWS_VAULT_FILE_PASSPHRASE") || strings.Contains(got, passphrase) {
			t.Error("fzf got the passphrase")
		}
		if got := c.read("arguments"); strings.Contains(got, "plain") {
			t.Errorf("names are arguments: %q", got)
		}

		// What was used comes first: the last, and then by how often.
		for _, profile := range []string{"simple", "plain", "simple"} {
			c.ok("vault use " + profile)
		}
		c.ok("vault exec plain -- true")
		c.ok("vault use simple --no-session")
		c.ok("vault export plain --format json >out")
		c.ok("vault use")
		var names []string
		for line := range strings.Lines(c.read("lines")) {
			_, rest, _ := strings.Cut(line, "\t")
			names = append(names, strings.Fields(rest)[0])
		}
		if got, want := strings.Join(names, " "), "plain simple bastion dev prod staging"; got != want {
			t.Errorf("the order is %s, want %s", got, want)
		}
		if lines := c.read("lines"); !strings.Contains(lines, "in use here") || !regexp.MustCompile(`plain .* \d+m`).MatchString(lines) {
			t.Errorf("the sessions are missing in %q", lines)
		}
		info, err := os.Stat(filepath.Join(w.home, ".local/state/vault/recent"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("recent: %v %v", info.Mode(), err)
		}

		in := c.environ()
		for status, want := range map[string]int{"130": 130, "1": 130} {
			c.do(by(shell, map[string]string{"bash": "STATUS=" + status, "fish": "set -gx STATUS " + status}))
			c.fails(want, "vault use")
		}
		// One that does not work is replaced.
		for _, code := range []map[string]string{{"bash": "STATUS=2", "fish": "set -gx STATUS 2"}, {"bash": "STATUS= CHOOSE=nosuch", "fish": "set -gx STATUS; set -gx CHOOSE nosuch"}} {
			c.do(by(shell, code))
			c.line("vault use")
			if strings.Contains(code["bash"], "nosuch") { // as if nothing fitted
				c.prompt()
				continue
			}
			c.expect("vault: fzf does not work as a picker: exit status 2")
			c.counts("", 6, 6)
			c.send("\x03")
			c.prompt()
			if c.status != 130 {
				t.Errorf("status %d", c.status)
			}
		}
		c.do(by(shell, map[string]string{"bash": "STATUS=; CHOOSE=plain", "fish": "set -gx STATUS; set -gx CHOOSE plain"}))
		_ = in
		c.settings(`picker = "builtin"`)
		c.line("vault use")
		c.counts("", 6, 6)
		c.send("\x03")
		c.prompt()
		c.echoes()
	})
}

// TestPTYPickerKeysOnly offers for removal what has a key.
func TestPTYPickerKeysOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.picking(t, setup{shell: "bash"})
	c.line("vault remove")
	c.counts("", 1, 1)
	c.expect("> simple")
	c.send("\r")
	c.expect("Remove access key " + w.keyID + " of profile \"simple\"? [y/N] ")
	c.line("y")
	c.prompt()
	if c.status != 0 {
		t.Errorf("status %d", c.status)
	}
	if out := c.fails(2, "vault remove"); !strings.Contains(out, "remove: there is no profile to choose from") {
		t.Errorf("without keys: %q", out)
	}
	c.echoes()
}

// TestPTYPickerBackground asks nobody from the background.
func TestPTYPickerBackground(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.picking(t, setup{shell: "bash"})
	c.ok("{ vault explain 2>errors; echo $? >status; } & wait")
	if got := c.read("status") + c.read("errors"); !strings.HasPrefix(got, "2\nvault: explain: PROFILE is missing") {
		t.Errorf("in the background: %q", got)
	}
}

// TestRecent keeps count in whatever state the file is.
func TestRecent(t *testing.T) {
	w := newWorld(t)
	w.store("simple")
	path := filepath.Join(w.home, ".local/state/vault/recent")
	use := func(profile string) {
		t.Helper()
		if r := w.vault("use", profile, "--shell", "bash"); r.code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	use("plain")
	use("plain")
	text := w.read(".local/state/vault/recent")
	if !regexp.MustCompile(`^1 \d{13} plain\n$`).MatchString(text) {
		t.Errorf("%q", text)
	}
	use("simple")
	use("plain")
	if got := w.read(".local/state/vault/recent"); !strings.HasPrefix(got, text) || strings.Count(got, "\n") != 3 {
		t.Errorf("%q", got)
	}
	// A long one is made shorter, with what counts.
	now := time.Now().UnixMilli()
	long := strings.Repeat(fmt.Sprintf("1 %d simple\nbroken\n", now-1000), 4000)
	w.write(".local/state/vault/recent", long)
	use("plain")
	if got := w.read(".local/state/vault/recent"); !regexp.MustCompile(`^4e\+03 \d{13} simple\n1 \d{13} plain\n$`).MatchString(got) {
		t.Errorf("%q", got)
	}
	// Nothing that stands in the way is an error, or is followed.
	for _, block := range []func() error{
		func() error { return os.WriteFile(path, []byte("\x00\xff 1 2 3\n"), 0o000) },
		func() error { return os.Mkdir(path, 0o700) },
		func() error { return os.Symlink(filepath.Join(w.home, "elsewhere"), path) },
		func() error { return syscall.Mkfifo(path, 0o600) },
	} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := block(); err != nil {
			t.Fatal(err)
		}
		use("plain")
	}
	if _, err := os.Stat(filepath.Join(w.home, "elsewhere")); err == nil {
		t.Error("a link was followed")
	}
}
