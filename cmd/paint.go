package cmd

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
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
	width := make([]int, len(rows[0]))
	used := make([]bool, len(rows[0]))
	for i, row := range rows {
		for j, cell := range row {
			width[j] = max(width[j], utf8.RuneCountInString(cell))
			used[j] = used[j] || i > 0 && cell != ""
		}
	}
	var b strings.Builder
	for i, row := range rows {
		pad := 0
		for j, cell := range row {
			if !used[j] {
				continue
			}
			if cell != "" {
				b.WriteString(strings.Repeat(" ", pad))
				pad = 0
				b.WriteString(paint(i, j, oneLine(cell)))
			}
			pad += width[j] - utf8.RuneCountInString(cell) + 2
		}
		b.WriteByte('\n')
	}
	_, err := fmt.Fprint(w, b.String())
	return err
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
