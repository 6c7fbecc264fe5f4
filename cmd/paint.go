package cmd

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/fatih/color"
)

// A painter colours words where the output is a terminal that wants it.
type painter struct{ on bool }

// painter follows NO_COLOR (no-color.org) and a dumb terminal.
func (app *App) painter() painter {
	return painter{app.StdoutTTY && app.Env["NO_COLOR"] == "" && app.Env["TERM"] != "dumb"}
}

func (p painter) paint(s string, attributes ...color.Attribute) string {
	if !p.on || s == "" {
		return s
	}
	c := color.New(attributes...)
	c.EnableColor()
	return c.Sprint(s)
}

func (p painter) bold(s string) string   { return p.paint(s, color.Bold) }
func (p painter) faint(s string) string  { return p.paint(s, color.Faint) }
func (p painter) green(s string) string  { return p.paint(s, color.FgGreen) }
func (p painter) yellow(s string) string { return p.paint(s, color.FgYellow) }
func (p painter) red(s string) string    { return p.paint(s, color.FgRed) }

// printTable prints rows in aligned columns; columns that are empty below
// their head are left out. paint colours a cell after it was measured.
func printTable(w io.Writer, rows [][]string, paint func(row, column int, cell string) string) error {
	return printRows(w, len(rows), func(i int) []string { return rows[i] }, paint)
}

// printRows is printTable for n rows, of which each is asked for twice and may
// overwrite the one before: there may be many.
func printRows(w io.Writer, n int, row func(int) []string, paint func(row, column int, cell string) string) error {
	width := make([]int, len(row(0)))
	used := make([]bool, len(width))
	for i := range n {
		for j, cell := range row(i) {
			width[j] = max(width[j], utf8.RuneCountInString(cell))
			used[j] = used[j] || i > 0 && cell != ""
		}
	}
	b := bufio.NewWriterSize(w, 32<<10)
	for i := range n {
		pad := 0
		for j, cell := range row(i) {
			if !used[j] {
				continue
			}
			if cell != "" {
				for ; pad > 0; pad-- {
					b.WriteByte(' ')
				}
				if !plain(cell) {
					cell = oneLine(cell)
				}
				b.WriteString(paint(i, j, cell))
			}
			pad += width[j] - utf8.RuneCountInString(cell) + 2
		}
		b.WriteByte('\n')
	}
	return b.Flush()
}

// plain reports whether s is printable ASCII, as nearly all cells are.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// printJSON prints v in the form of all that --json prints.
func (app *App) printJSON(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(app.Stdout, "%s\n", text)
	return err
}
