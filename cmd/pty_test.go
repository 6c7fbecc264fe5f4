package cmd_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// patience is how long a console waits for what has to come. It bounds a test
// that hangs; no test that passes gets near it.
const patience = 60 * time.Second

// A setup says how the shell of a console starts.
type setup struct {
	shell  string   // zsh, bash or fish
	before string   // of its rc file, ahead of the line that loads vault
	init   string   // more words of "vault init"
	bare   bool     // the rc file does not load vault
	after  string   // of its rc file, behind that line
	env    []string // changes to the world's environment
	config string   // vault's own settings
}

// A console is an interactive shell at a pseudo-terminal, as a person sits in
// front of it: it types, and it reads what appears.
type console struct {
	t     *testing.T
	w     *world
	shell string
	dir   string // the shell's folder, with its rc file: $ZDOTDIR
	tty   *os.File
	cmd   *exec.Cmd

	mu   sync.Mutex
	raw  []byte        // all that appeared
	more chan struct{} // closed when there is more, or no more to come
	done bool

	from   int    // where in raw the looking begins
	seen   int    // how much of the readable text from there was looked at
	count  int    // of the prompt that was seen last
	status int    // that it showed
	left   string // what stood before it in its line: the segment
	files  int
}

// console starts the shell of s in the world w and waits for its prompt.
func (w *world) console(t *testing.T, s setup) *console {
	t.Helper()
	program := need(t, s.shell)
	c := &console{t: t, w: w, shell: s.shell, dir: t.TempDir(), more: make(chan struct{})}
	c.write(c.rc(), c.script(s))
	if s.config != "" {
		c.write("vault/config.toml", s.config)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	changes := []string{
		"USER=" + me.Username, "LOGNAME=" + me.Username, // as zsh and fish set them
		"ZDOTDIR=" + c.dir, "XDG_CONFIG_HOME=" + c.dir, "XDG_DATA_HOME=" + filepath.Join(w.home, ".local/share"),
		// So that Debian's /etc/zsh/zshrc does not run compinit on its own.
		"skip_global_compinit=1",
	}
	argv := map[string][]string{"zsh": {"-i"}, "bash": {"--noprofile", "--rcfile", filepath.Join(c.dir, c.rc()), "-i"}, "fish": {"-i"}}[s.shell]
	// An interactive fish without this folder makes completions of all manual
	// pages in the background.
	if err := os.MkdirAll(filepath.Join(w.home, ".local/share/fish/generated_completions"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.cmd = exec.Command(program, argv...)
	c.cmd.Env, c.cmd.Dir = w.environ(append(changes, s.env...)...), c.dir
	tty, err := pty.StartWithSize(c.cmd, &pty.Winsize{Rows: 50, Cols: 150})
	if err != nil {
		t.Fatal(err)
	}
	// Again, as a file that Close takes away from a Read; no other shell may
	// have it, which would keep the terminal from ending.
	fd, err := unix.FcntlInt(tty.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty.Close()
	c.tty = os.NewFile(uintptr(fd), "pty")
	ended := make(chan struct{})
	go c.listen(ended)
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
		c.tty.Close() // whatever the shell has left running gets a SIGHUP
		<-ended
		if t.Failed() {
			t.Logf("what appeared in %s:\n%s", c.shell, c.text())
		}
	})
	c.fresh()
	return c
}

// rc is the name of the shell's rc file in its folder.
func (c *console) rc() string {
	return map[string]string{"zsh": ".zshrc", "bash": "bashrc", "fish": "fish/config.fish"}[c.shell]
}

// script returns an rc file. Its prompt shows a number that grows with each
// command, and the status of the last one: <7:0>.
func (c *console) script(s setup) string {
	prompt := map[string]string{
		"zsh":  "unsetopt prompt_sp\nPROMPT='<%h:%?> '\n",
		"bash": "HISTFILE=\nPS1='<\\#:$?> '\n",
		"fish": `set -g fish_greeting
set -g fish_autosuggestion_enabled 0
set -g test_count 1
function test_count --on-event fish_postexec
  set -g test_count (builtin math $test_count + 1)
end
function fish_prompt
  builtin echo -n "<$test_count:$status> "
end
function fish_title
end
`}[s.shell]
	load := ""
	switch {
	case s.bare:
	case s.shell == "fish":
		load = "vault init fish " + s.init + " | source\n"
	default:
		load = `eval "$(vault init ` + s.shell + " " + s.init + ")\"\n"
	}
	return prompt + s.before + "\n" + load + s.after + "\n"
}

func (c *console) write(name, text string) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) read(name string) string {
	c.t.Helper()
	data, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(data)
}

func (c *console) stat(name string) (os.FileInfo, error) { return os.Stat(filepath.Join(c.dir, name)) }

func (c *console) listen(ended chan<- struct{}) {
	defer close(ended)
	buf := make([]byte, 16<<10)
	for {
		n, err := c.tty.Read(buf)
		c.mu.Lock()
		c.raw = append(c.raw, buf[:n]...)
		c.done = err != nil
		close(c.more)
		c.more = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// escape matches what a terminal does not show (ECMA-48; xterm's control
// sequences), the beginning of such a thing at the end included.
var escape = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*(?:[@-~]|$)|[\]Pk][^\x07\x1b]*(?:\x07|\x1b\\|\x1b?$)|[ -/]+(?:[0-~]|$)|[0-OQ-Z\\^-jl-~]|$)|[\x00\x07\x08\x0e\x0f]`)

// unfinished matches the beginning of an escape sequence at the end.
var unfinished = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*|[\]Pk][^\x07\x1b]*\x1b?|[ -/]*)$`)

// returnMark matches what fish draws to begin its prompt in a line of its own.
var returnMark = regexp.MustCompile(`⏎ *(\r|$)`)

// readable returns output as a person reads it.
func readable(raw string) string {
	text := escape.ReplaceAllString(raw, "")
	text = returnMark.ReplaceAllString(text, "\r")
	for strings.Contains(text, "\r\r") {
		text = strings.ReplaceAll(text, "\r\r", "\r")
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.ReplaceAll(text, "\r", "\n")
}

// text returns all that appeared, readable.
func (c *console) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return readable(string(c.raw))
}

// bytes returns all that appeared as it came.
func (c *console) bytes() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.raw)
}

// wait waits until match finds something in what appeared since it last did,
// and returns it with the text before it. match returns the offsets of what
// it found, as a regexp does.
func (c *console) wait(what string, pattern *regexp.Regexp) (before string, found []string) {
	c.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		c.mu.Lock()
		raw, done, more := string(c.raw[c.from:]), c.done, c.more
		c.mu.Unlock()
		text := readable(raw)
		// What is not finished yet may read otherwise when it is.
		text = strings.TrimSuffix(text, "\n")
		rest := text[min(c.seen, len(text)):]
		if at := pattern.FindStringSubmatchIndex(rest); at != nil {
			for i := 0; i < len(at); i += 2 {
				if at[i] < 0 {
					found = append(found, "")
				} else {
					found = append(found, rest[at[i]:at[i+1]])
				}
			}
			c.seen += at[1]
			if c.seen == len(text) && !unfinished.MatchString(raw) {
				c.from, c.seen = c.from+len(raw), 0
			}
			return rest[:at[0]], found
		}
		if done {
			c.t.Fatalf("%s ended before %s appeared", c.shell, what)
		}
		select {
		case <-more:
		case <-deadline.C:
			c.t.Fatalf("%s did not appear in %s", what, c.shell)
		}
	}
}

// expect waits for text, and returns what appeared before it.
func (c *console) expect(text string) string {
	c.t.Helper()
	before, _ := c.wait(strconv.Quote(text), regexp.MustCompile(regexp.QuoteMeta(text)))
	return before
}

// send types keys.
func (c *console) send(keys string) {
	c.t.Helper()
	if _, err := c.tty.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

// line types a line, which is not waited for.
func (c *console) line(s string) {
	c.t.Helper()
	c.send(s + "\r")
}

// prompt waits for the prompt after the last one and returns what appeared
// before it.
func (c *console) prompt() string {
	c.t.Helper()
	return c.promptAs(strconv.Itoa(c.count + 1))
}

// fresh waits for the first prompt of a shell.
func (c *console) fresh() string {
	c.t.Helper()
	return c.promptAs("1")
}

func (c *console) promptAs(number string) string {
	c.t.Helper()
	before, found := c.wait("a prompt", regexp.MustCompile(`<(`+number+`):(\d+)> `))
	return c.at(before, found[1], found[2])
}

// at takes note of a prompt and returns what stands above it.
func (c *console) at(before, number, status string) string {
	c.count, _ = strconv.Atoi(number)
	c.status, _ = strconv.Atoi(status)
	i := strings.LastIndexByte(before, '\n') + 1
	c.left = before[i:]
	return before[:i]
}

// segment returns the segment of the last prompt, "" if it had none.
func (c *console) segment() string { return strings.TrimSpace(c.left) }

// run types a line, waits for the next prompt, and returns what the line
// printed.
func (c *console) run(line string) string {
	c.t.Helper()
	c.line(line)
	return output(line, c.prompt())
}

// output takes the echo of a line away; an editor may have drawn it piece by
// piece.
func output(line, text string) string {
	if i := strings.Index(text, line+"\n"); i >= 0 {
		text = text[i:]
	}
	_, text, _ = strings.Cut(text, "\n")
	return strings.TrimLeft(text, "\n")
}

// do has the shell read code of any length from a file.
func (c *console) do(code string) string {
	c.t.Helper()
	return c.run(`source "$ZDOTDIR/` + c.file(code) + `"`)
}

// file writes code to a new file.
func (c *console) file(code string) string {
	c.t.Helper()
	c.files++
	name := fmt.Sprintf("f%d", c.files)
	c.write(name, code)
	return name
}

// ok runs a line that has to succeed.
func (c *console) ok(line string) string {
	c.t.Helper()
	out := c.run(line)
	if c.status != 0 {
		c.t.Fatalf("%s: %q: status %d\n%s", c.shell, line, c.status, out)
	}
	return out
}

// fails runs a line that has to fail with the status.
func (c *console) fails(status int, line string) string {
	c.t.Helper()
	out := c.run(line)
	if c.status != status {
		c.t.Fatalf("%s: %q: status %d, want %d\n%s", c.shell, line, c.status, status, out)
	}
	return out
}

// environ returns the environment that a child of the shell gets, sorted,
// without what the shell itself changes as it likes.
func (c *console) environ() []string {
	c.t.Helper()
	env, _ := c.look("")
	return env
}

// printEnv is a program by its path, so that no alias stands in its way.
var printEnv, _ = exec.LookPath("env")

// look returns the environment, and what else a command prints.
func (c *console) look(more string) (env []string, printed string) {
	c.t.Helper()
	c.files++
	name := fmt.Sprintf("f%d", c.files)
	line := printEnv + ` -0 >"$ZDOTDIR/` + name + `"`
	if more != "" {
		line += "; " + more + ` >"$ZDOTDIR/` + name + `+"`
	}
	c.ok(line)
	for _, s := range strings.Split(c.read(name), "\x00") {
		switch name, _, _ := strings.Cut(s, "="); name {
		case "", "_", "LINES", "COLUMNS": // the last two under "set -a"
		default:
			env = append(env, s)
		}
	}
	slices.Sort(env)
	if more != "" {
		printed = c.read(name + "+")
	}
	return env, printed
}

// env returns the environment by name.
func (c *console) env() map[string]string {
	c.t.Helper()
	return byName(c.environ())
}

func byName(environ []string) map[string]string {
	env := map[string]string{}
	for _, s := range environ {
		name, value, _ := strings.Cut(s, "=")
		env[name] = value
	}
	return env
}

// same fails the test where two environments differ.
func (c *console) same(before, after []string, when string) {
	c.t.Helper()
	if slices.Equal(before, after) {
		return
	}
	for _, s := range before {
		if !slices.Contains(after, s) {
			c.t.Errorf("%s: %s: %.200q is gone", c.shell, when, s)
		}
	}
	for _, s := range after {
		if !slices.Contains(before, s) {
			c.t.Errorf("%s: %s: %.200q has come", c.shell, when, s)
		}
	}
	if !c.t.Failed() {
		c.t.Errorf("%s: %s: the environments differ", c.shell, when)
	}
}

// echoes fails the test unless the terminal is as a shell expects it.
func (c *console) echoes() {
	c.t.Helper()
	c.ok("command stty -a >stty")
	words := strings.Fields(strings.ReplaceAll(c.read("stty"), ";", " "))
	for _, w := range []string{"echo", "icanon", "isig", "icrnl"} {
		if !slices.Contains(words, w) {
			c.t.Errorf("%s: the terminal is left without %s: %q", c.shell, w, words)
		}
	}
}

// hides fails the test where one of the secrets appeared.
func (c *console) hides(secrets ...string) {
	c.t.Helper()
	all := c.bytes() + c.text()
	for _, s := range secrets {
		if s == "" {
			c.t.Errorf("%s: an empty secret", c.shell)
		} else if strings.Contains(all, s) {
			c.t.Errorf("%s: a secret appeared", c.shell)
		}
	}
}

// inShells runs f for each shell, or for those that are named, side by side.
func inShells(t *testing.T, f func(t *testing.T, shell string), shells ...string) {
	t.Parallel()
	if len(shells) == 0 {
		shells = []string{"zsh", "bash", "fish"}
	}
	for _, name := range shells {
		t.Run(name, func(t *testing.T) {
			need(t, name)
			t.Parallel()
			f(t, name)
		})
	}
}

// by picks the code for the shell; bash stands in for zsh where that has none
// of its own.
func by(shell string, code map[string]string) string {
	if s, ok := code[shell]; ok {
		return s
	}
	if shell == "zsh" {
		return code["bash"]
	}
	panic("no code for " + shell + " among " + strings.Join(slices.Sorted(maps.Keys(code)), " "))
}

// either matches any of the texts.
func either(texts ...string) *regexp.Regexp {
	for i, s := range texts {
		texts[i] = regexp.QuoteMeta(s)
	}
	return regexp.MustCompile(strings.Join(texts, "|"))
}
