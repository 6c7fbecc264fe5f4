package cmd

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// mostListed is how many names a numbered list shows at a time.
const mostListed = 20

// chooseByNumber asks for a line: the number of a name, the name, or what the
// name has in it. It is for terminals that can show nothing but lines.
func (app *App) chooseByNumber(ctx context.Context, terminal Terminal, m Menu) (int, error) {
	f := newFinder(m)
	for {
		answer, err := terminal.Ask(ctx, f.numbered()+"profile (number or name): ", false)
		if err != nil {
			return 0, err
		}
		answer = strings.TrimSpace(answer)
		if answer == "" {
			return 0, context.Canceled
		}
		if n, err := strconv.Atoi(answer); err == nil && 1 <= n && n <= min(len(f.hits), mostListed) {
			return f.hits[n-1], nil
		}
		f.query = []rune(answer)
		f.find()
		if len(f.hits) == 1 || len(f.hits) > 1 && m.Names[f.hits[0]] == answer {
			return f.hits[0], nil
		}
		if len(f.hits) == 0 {
			app.note(fmt.Sprintf("no profile is like %q", answer))
			f.query = nil
			f.find()
		}
	}
}

// numbered returns the best of the names that fit, a line each.
func (f *finder) numbered() string {
	var b strings.Builder
	for i, hit := range f.hits[:min(len(f.hits), mostListed)] {
		line := fmt.Sprintf("%3d) %s", i+1, f.Names[hit])
		for _, cell := range f.cellsOf(hit) {
			if cell != "" {
				line += "  " + cell
			}
		}
		b.WriteString(printable(line) + "\n")
	}
	if more := len(f.hits) - mostListed; more > 0 {
		fmt.Fprintf(&b, "     and %d more: type a part of a name\n", more)
	}
	return b.String()
}
