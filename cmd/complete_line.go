package cmd

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// completionLine returns the command line that a shell wants completed by way
// of "complete -C vault vault" (bash(1), "Programmable Completion"), which is
// what oh-my-zsh and bash-completion set up for HashiCorp's tool: the line is
// in COMP_LINE and COMP_POINT. The arguments are the command, the word and the
// word before it; from zsh, there are none.
func (app *App) completionLine(args []string) (line string, ok bool) {
	line, ok = app.Env["COMP_LINE"]
	point, err := strconv.Atoi(app.Env["COMP_POINT"])
	if !ok || err != nil || point < 0 {
		return "", false
	}
	switch len(args) {
	case 0:
	case 3:
		first, _, _ := strings.Cut(strings.TrimLeft(line, " \t"), " ")
		if filepath.Base(first) != filepath.Base(args[0]) {
			return "", false
		}
	default:
		return "", false
	}
	letters := []rune(line)
	return string(letters[:min(point, len(letters))]), true
}

// completeLine prints what the last word of the line may be, one a line and
// nothing else, each as it has to be typed.
func (app *App) completeLine(ctx context.Context, line string, args []string) int {
	words, raw := splitLine(line)
	if len(words) < 2 {
		return 0
	}
	c := app.completion(ctx, append([]string{cobra.ShellCompNoDescRequestCmd}, words[1:]...))
	if c.command >= 0 {
		return 0
	}
	head := ""
	if last := words[len(words)-1]; strings.HasPrefix(last, "--") && strings.Contains(last, "=") {
		head, _, _ = strings.Cut(last, "=")
		head += "="
	}
	// bash replaces the word as it sees it: what follows a colon, as it is set.
	cut := ""
	if len(args) == 3 {
		cut, _ = strings.CutSuffix(raw, args[1])
	}
	var text strings.Builder
	for l := range strings.Lines(c.lines) {
		l, _, _ = strings.Cut(strings.TrimSuffix(l, "\n"), "\t")
		text.WriteString(strings.TrimPrefix(escaped(head+l), cut) + "\n")
	}
	if _, err := app.Stdout.Write([]byte(text.String())); err != nil {
		return exitFailed
	}
	return 0
}

// splitLine returns the words of a command line, the last of which is the one
// that is being typed, and that also as it stands there.
func splitLine(line string) (words []string, raw string) {
	var word strings.Builder
	var quote rune
	start, in, skip := 0, false, false
	for i, r := range line {
		if !in && quote == 0 && (r == ' ' || r == '\t') {
			start = i + 1
			continue
		}
		in = true
		switch {
		case skip:
			word.WriteRune(r)
			skip = false
		case r == '\\' && quote != '\'':
			skip = true
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case r == quote:
			quote = 0
		case quote == 0 && (r == ' ' || r == '\t'):
			words = append(words, word.String())
			word.Reset()
			in, start = false, i+1
		default:
			word.WriteRune(r)
		}
	}
	return append(words, word.String()), line[start:]
}

// escaped returns a word with a backslash before all that a shell may take for
// more than a letter.
func escaped(word string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@+%,="
	var b strings.Builder
	for _, r := range word {
		if r < 0x80 && !strings.ContainsRune(safe, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
