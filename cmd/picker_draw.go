package cmd

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/fatih/color"
	"github.com/rivo/uniseg"
)

// What is sent to the terminal (xterm's control sequences): its other screen,
// so that nothing that stands there is lost, and long lines cut, not wrapped.
const (
	screenOpen  = "\x1b[?1049h\x1b[?7l"
	screenClose = "\x1b[?7h\x1b[H\x1b[J\x1b[?1049l\x1b[?25h"
	cursorHide  = "\x1b[?25l"
	cursorShow  = "\x1b[?25h"
	cursorHome  = "\x1b[H"
	lineClear   = "\x1b[K"
	nextLine    = "\r\n" + lineClear
	screenRest  = "\r\n\x1b[J"
	reverse     = "\x1b[7m"
	unreversed  = "\x1b[0m"
)

const pickerPrompt = "profile> "

// Rows of the screen that show no names.
const (
	rowsAbove      = 2 // what is typed, and the heads
	rowsAboveSmall = 1 // without the heads, on a low screen
	lowScreen      = 6
)

// page returns how many names a screen of that height shows.
func (f *finder) page(height int) int {
	if height < lowScreen {
		return max(height-rowsAboveSmall, 1)
	}
	return height - rowsAbove
}

// draw returns what shows the finder on a screen of that size.
func (f *finder) draw(width, height int) string {
	f.settle()
	page := f.page(height)
	f.scroll(page)
	rows := f.hits[f.top:min(f.top+page, len(f.hits))]
	widths := f.widths(rows)
	typed, cursor := f.typed(width)
	lines := []string{typed}
	if height >= lowScreen {
		lines = append(lines, f.heads(widths, width))
	}
	for i, hit := range rows {
		lines = append(lines, f.line(hit, f.top+i == f.row, widths, width))
	}
	if len(f.hits) == 0 {
		lines = append(lines, cut("  no profile is like that", width))
	}
	lines = lines[:min(len(lines), height)]
	text := cursorHide + cursorHome + lineClear + strings.Join(lines, nextLine)
	if len(lines) < height {
		text += screenRest // of an earlier picture
	}
	return text + fmt.Sprintf("\x1b[1;%dH", cursor+1) + cursorShow
}

// typed returns the line with what was typed, its end if it is too long, and
// the column of the cursor.
func (f *finder) typed(width int) (line string, cursor int) {
	before, after := string(f.query[:f.at]), string(f.query[f.at:])
	prompt := pickerPrompt
	if width < 2*len(prompt) {
		prompt = "> "
	}
	room := max(width-len(prompt)-1, 1)
	for uniseg.StringWidth(before) > room {
		_, before, _, _ = uniseg.FirstGraphemeClusterInString(before, -1)
	}
	cursor = len(prompt) + uniseg.StringWidth(before)
	count := fmt.Sprintf("  %d/%d", len(f.hits), len(f.Names))
	line = prompt + before + after
	if uniseg.StringWidth(line+count) < width {
		return line + f.paint(count, color.Faint), cursor
	}
	return cut(line, width), cursor
}

// widths returns how wide the columns of rows are: the names', and those of
// the details, 0 where there are none.
func (f *finder) widths(rows []int) []int {
	widths := make([]int, 1+len(f.Heads))
	for _, i := range rows {
		widths[0] = max(widths[0], uniseg.StringWidth(printable(f.Names[i])))
		for j, cell := range f.cellsOf(i)[:len(f.Heads)] {
			widths[1+j] = max(widths[1+j], uniseg.StringWidth(printable(cell)))
		}
	}
	for j, head := range f.Heads {
		if widths[1+j] > 0 {
			widths[1+j] = max(widths[1+j], len(head))
		}
	}
	widths[0] = max(widths[0], len("PROFILE"))
	return widths
}

func (f *finder) heads(widths []int, width int) string {
	line := "  " + pad("PROFILE", widths[0])
	for j, head := range f.Heads {
		if widths[1+j] > 0 {
			line += "  " + pad(head, widths[1+j])
		}
	}
	return f.paint(cut(line, width), color.Faint)
}

// line returns the row of a name.
func (f *finder) line(i int, chosen bool, widths []int, width int) string {
	var b strings.Builder
	room := width
	// Colours would end the reverse of the chosen row.
	write := func(s string, colored func(string) string) {
		s = cut(s, room)
		room -= uniseg.StringWidth(s)
		if !chosen {
			s = colored(s)
		}
		b.WriteString(s)
	}
	space := func(n int) {
		n = min(n, room)
		room -= n
		b.WriteString(strings.Repeat(" ", n))
	}
	pointer := "  "
	if chosen {
		pointer = "> "
		b.WriteString(reverse)
	}
	write(pointer, func(s string) string { return s })
	name := printable(f.Names[i])
	write(name, func(s string) string { return f.marked([]rune(s), f.marks(i)) })
	gap := widths[0] - uniseg.StringWidth(name)
	for j, cell := range f.cellsOf(i)[:len(f.Heads)] {
		if widths[1+j] == 0 {
			continue
		}
		space(gap + 2)
		cell = printable(cell)
		write(cell, func(s string) string { return f.paint(s, f.colorOf(j)) })
		gap = widths[1+j] - uniseg.StringWidth(cell)
	}
	if chosen {
		space(room)
		b.WriteString(unreversed)
	}
	return b.String()
}

// marked returns letters with those coloured that are marked.
func (f *finder) marked(letters []rune, marks map[int]bool) string {
	var b strings.Builder
	for start, end := 0, 0; start < len(letters); start = end {
		for end < len(letters) && marks[end] == marks[start] {
			end++
		}
		s := string(letters[start:end])
		if marks[start] {
			s = f.paint(s, color.FgCyan, color.Bold)
		}
		b.WriteString(s)
	}
	return b.String()
}

// colorOf returns the colour of a column of the details.
func (f *finder) colorOf(column int) color.Attribute {
	switch f.Heads[column] {
	case headSession:
		return color.FgGreen
	case headProtected:
		return color.FgRed
	}
	return color.Faint
}

func (f *finder) paint(s string, attributes ...color.Attribute) string {
	return painter{f.Color}.paint(s, attributes...)
}

// printable returns s without what speaks to a terminal or changes the order
// of what stands beside it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// cut returns s as it fits into width columns (UAX #11, #29): what was cut off
// is marked, so that a part of an account's number is not taken for another.
func cut(s string, width int) string {
	if len(s) <= width || uniseg.StringWidth(s) <= width {
		return s // no letter is wider than it is long
	}
	if width <= 0 {
		return ""
	}
	rest, end := s, 0
	for width--; rest != ""; { // the mark takes one
		cluster, more, w, _ := uniseg.FirstGraphemeClusterInString(rest, -1)
		if w > width {
			break
		}
		end, rest, width = end+len(cluster), more, width-w
	}
	return s[:end] + "…"
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-uniseg.StringWidth(s), 0))
}
