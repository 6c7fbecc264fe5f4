package cmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/fatih/color"
)

// An event is one line of JSON of a fan-out: a line of output, or the end of a
// command.
type event struct {
	Profile      string
	Stream, Line string
	Error        string
	Exit         int
}

// MarshalJSON prints a line of output, or the end of a command.
func (e event) MarshalJSON() ([]byte, error) {
	switch {
	case e.Error != "":
		return json.Marshal(struct {
			Profile string `json:"profile"`
			Error   string `json:"error"`
			Exit    int    `json:"exit"`
		}{e.Profile, e.Error, e.Exit})
	case e.Stream != "":
		return json.Marshal(struct {
			Profile string `json:"profile"`
			Stream  string `json:"stream"`
			Line    string `json:"line"`
		}{e.Profile, e.Stream, e.Line})
	}
	return json.Marshal(struct {
		Profile string `json:"profile"`
		Exit    int    `json:"exit"`
	}{e.Profile, e.Exit})
}

// A printer prints what many commands print, whole lines, each behind the
// name of its profile. Where stderr is a terminal its last line says how far
// all of it is.
type printer struct {
	*App
	json  bool
	color map[string]color.Attribute
	width int
	total int

	mu      sync.Mutex
	done    int
	running []string
	shown   bool // the line of progress stands
}

// palette tells profiles apart that have no colour of their own.
var palette = []color.Attribute{color.FgCyan, color.FgMagenta, color.FgBlue, color.FgYellow, color.FgGreen}

var colors = map[string]color.Attribute{
	"black": color.FgBlack, "red": color.FgRed, "green": color.FgGreen, "yellow": color.FgYellow,
	"blue": color.FgBlue, "magenta": color.FgMagenta, "cyan": color.FgCyan, "white": color.FgWhite,
}

func (app *App) newPrinter(names []string, asJSON bool) *printer {
	p := &printer{App: app, json: asJSON, color: map[string]color.Attribute{}, total: len(names)}
	settings, _ := app.ownSettings() // was read before
	for i, name := range names {
		p.width = max(p.width, utf8.RuneCountInString(name))
		c, ok := colors[settings.For(name).Color]
		if !ok {
			c = palette[i%len(palette)]
		}
		p.color[name] = c
	}
	return p
}

// write prints whole lines.
func (p *printer) write(e event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	switch {
	case p.json:
		text, err := json.Marshal(e)
		if err == nil {
			_, _ = p.Stdout.Write(append(text, '\n'))
		}
	case e.Error != "":
		fmt.Fprintf(p.Stderr, "vault: %s\n", oneLine(e.Error))
	case e.Stream != "":
		paint := p.painter()
		w := io.Writer(p.Stdout)
		if e.Stream == "stderr" {
			w, paint.on = p.Stderr, p.StderrTTY && p.Env["NO_COLOR"] == "" && p.Env["TERM"] != "dumb"
		}
		pad := strings.Repeat(" ", p.width-utf8.RuneCountInString(e.Profile))
		_, _ = io.WriteString(w, paint.paint(e.Profile+pad+" |", p.color[e.Profile])+" "+e.Line+"\n")
	}
	p.progress()
}

func (p *printer) started(profile string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = append(p.running, profile)
	p.progress()
}

func (p *printer) ended(profile string, code int) {
	p.mu.Lock()
	p.done++
	p.running = slices.DeleteFunc(p.running, func(s string) bool { return s == profile })
	p.mu.Unlock()
	p.write(event{Profile: profile, Exit: code})
}

// failed reports a profile whose command was not run.
func (p *printer) failed(profile string, err error) {
	p.mu.Lock()
	p.done++
	p.mu.Unlock()
	p.write(event{Profile: profile, Error: profile + ": " + err.Error(), Exit: exitCode(err)})
}

// progress prints the last line anew.
func (p *printer) progress() {
	if !p.StderrTTY || p.done == p.total || p.Env["TERM"] == "dumb" {
		return
	}
	text := fmt.Sprintf("%d of %d done: %s", p.done, p.total, strings.Join(p.running, " "))
	if len(text) > 70 {
		text = text[:67] + "..."
	}
	fmt.Fprintf(p.Stderr, "\r\x1b[K%s", oneLine(text))
	p.shown = true
}

// wipe takes the line of progress away.
func (p *printer) wipe() {
	if p.shown {
		_, _ = io.WriteString(p.Stderr, "\r\x1b[K")
		p.shown = false
	}
}

func (p *printer) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
}

// A lineWriter hands on what a command writes line by line.
type lineWriter struct {
	p       *printer
	profile string
	stream  string
	rest    []byte
}

func (p *printer) stream(profile, stream string) *lineWriter {
	return &lineWriter{p: p, profile: profile, stream: stream}
}

// mostHeld is how much of a line is waited for.
const mostHeld = 1 << 20

func (w *lineWriter) Write(data []byte) (int, error) {
	w.rest = append(w.rest, data...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 && len(w.rest) < mostHeld {
			return len(data), nil
		}
		if i < 0 {
			w.emit(w.rest)
			w.rest = nil
			return len(data), nil
		}
		w.emit(w.rest[:i])
		w.rest = w.rest[i+1:]
	}
}

func (w *lineWriter) emit(line []byte) {
	w.p.write(event{Profile: w.profile, Stream: w.stream, Line: string(bytes.TrimSuffix(line, []byte("\r")))})
}

// close hands on a last line without an end.
func (w *lineWriter) close() {
	if len(w.rest) > 0 {
		w.emit(w.rest)
		w.rest = nil
	}
}
