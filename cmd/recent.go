package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The file "recent" in the state folder says which profiles were used: lines of
// COUNT WHEN PROFILE, WHEN in milliseconds since 1970. A use appends one, which
// takes a hundredth of the time that a new file takes; from time to time the
// lines of a profile become one.

// A usage says how a profile was used.
type usage struct {
	count float64 // of uses; each counts half after halfLife
	last  time.Time
}

const (
	halfLife   = 7 * 24 * time.Hour
	sameUse    = time.Minute      // a script that calls often uses a profile once
	fullRecent = 64 << 10         // bytes, from which on the lines become fewer
	mostRecent = 1 << 20          // bytes that are read
	mostUsage  = 500              // profiles that are remembered then
	deadAfter  = 10 * time.Second // who has not written the file by then was killed
)

// at returns how often the profile was used, as of now.
func (u usage) at(now time.Time) float64 {
	return u.count * math.Exp2(-max(now.Sub(u.last), 0).Seconds()/halfLife.Seconds())
}

func (app *App) recentFile() string {
	return filepath.Join(app.folder("XDG_STATE_HOME", ".local/state"), "recent")
}

// used notes that a profile was used. It is for convenience alone: no error of
// it is worth a word, nothing is waited for, and a crash may lose it.
func (app *App) used(profile string) {
	if profile == "" || strings.Contains(profile, "\n") {
		return
	}
	path, now := app.recentFile(), app.Now()
	f, err := openRecent(path, os.O_RDWR|os.O_APPEND|os.O_CREATE)
	if errors.Is(err, fs.ErrNotExist) && os.MkdirAll(filepath.Dir(path), 0o700) == nil {
		f, err = openRecent(path, os.O_RDWR|os.O_APPEND|os.O_CREATE)
	}
	if err != nil {
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	line := recentLine(profile, usage{1, now})
	end := make([]byte, len(line))
	n, _ := f.ReadAt(end, max(info.Size()-int64(len(line)), 0))
	if name, u, ok := parseRecent(strings.TrimSuffix(string(end[:n]), "\n")); ok && name == profile && u.last.Add(sameUse).After(now) && !u.last.After(now) {
		return
	}
	if _, err := f.WriteString(line); err == nil && info.Size() > fullRecent {
		_ = compactRecent(path, now)
	}
}

func openRecent(path string, flags int) (*os.File, error) {
	return os.OpenFile(path, flags|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0o600)
}

func recentLine(profile string, u usage) string {
	return fmt.Sprintf("%.3g %d %s\n", u.count, u.last.UnixMilli(), profile)
}

func parseRecent(line string) (profile string, u usage, ok bool) {
	count, rest, _ := strings.Cut(line, " ")
	when, profile, _ := strings.Cut(rest, " ")
	c, cerr := strconv.ParseFloat(count, 64)
	last, err := strconv.ParseInt(when, 10, 64)
	return profile, usage{c, time.UnixMilli(last)}, cerr == nil && err == nil && c > 0 && c < mostRecent && profile != ""
}

// readRecent returns what the file says; a line that it cannot read says
// nothing.
func readRecent(path string) map[string]usage {
	all := map[string]usage{}
	f, err := openRecent(path, os.O_RDONLY)
	if err != nil {
		return all
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, mostRecent))
	for line := range strings.Lines(string(text)) {
		line, whole := strings.CutSuffix(line, "\n")
		if name, u, ok := parseRecent(line); ok && whole {
			if before, ok := all[name]; ok {
				u.count += before.at(u.last)
			}
			all[name] = u
		}
	}
	return all
}

// byUse returns the profiles that were used: the last one first, the others by
// how often, where a use of a week ago counts half.
func (app *App) byUse() []string {
	all, now := readRecent(app.recentFile()), app.Now()
	last := ""
	for name, u := range all {
		if c := u.last.Compare(all[last].last); c > 0 || c == 0 && name < last {
			last = name
		}
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == last:
			return -1
		case b == last:
			return 1
		}
		return cmp.Or(-cmp.Compare(all[a].at(now), all[b].at(now)), strings.Compare(a, b))
	})
}

// compactRecent makes one line of those of a profile. The new file is the lock,
// too: while another process writes it, it fails.
func compactRecent(path string, now time.Time) error {
	temp := path + ".new"
	f, err := openRecent(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		if info, serr := os.Lstat(temp); serr == nil && now.Sub(info.ModTime()) > deadAfter {
			_ = os.Remove(temp)
		}
		return err
	}
	all := readRecent(path)
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return all[a].last.Compare(all[b].last) })
	var text strings.Builder
	for _, name := range names[max(len(names)-mostUsage, 0):] {
		text.WriteString(recentLine(name, all[name]))
	}
	_, err = f.WriteString(text.String())
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
	}
	return err
}
