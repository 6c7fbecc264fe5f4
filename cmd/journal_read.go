package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// journalDisorder is how far the times of entries may be out of order, as where
// the clock was set.
const journalDisorder = time.Hour

// A journalQuery says which entries are wanted.
type journalQuery struct {
	since   time.Time // zero: from the beginning on
	most    int       // the latest of them, 0 for all
	profile string    // "" for any
	session string    // "" for any
}

func (q journalQuery) wants(e journalEntry) bool {
	return !e.Time.Before(q.since) && (q.profile == "" || e.Profile == q.profile) && (q.session == "" || e.Session == q.session)
}

// readJournal returns the entries that are wanted, the oldest first, and how
// many lines it could not read. It reads from the end, and no further than it
// has to.
func (app *App) readJournal(q journalQuery) (list []journalEntry, damaged int, err error) {
	take := func(line []byte) bool {
		e, ok := parseEntry(line)
		if !ok {
			damaged++
			return true
		}
		if q.wants(e) {
			list = append(list, e)
		}
		return (q.most == 0 || len(list) < q.most) && !e.Time.Before(q.since.Add(-journalDisorder))
	}
	for _, path := range []string{app.journalFile(), olderJournal(app.journalFile())} {
		more, err := backwards(path, take)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, 0, err
		}
		if !more && err == nil {
			break
		}
	}
	slices.Reverse(list)
	return list, damaged, nil
}

// parseEntry reads a line of the journal. Of one that a full disk cut off and
// another entry follows, it reads that.
func parseEntry(line []byte) (e journalEntry, ok bool) {
	if i := bytes.LastIndex(line, []byte(`{"time":`)); i > 0 {
		line = line[i:]
	}
	err := json.Unmarshal(line, &e)
	return e, err == nil && !e.Time.IsZero()
}

// journalChunk is how much of the journal is read at a time.
const journalChunk = 64 << 10

// backwards hands the lines of a file to take, the last one first, until that
// wants no more.
func backwards(path string, take func(line []byte) (more bool)) (more bool, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return true, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return true, err
	}
	if !info.Mode().IsRegular() {
		return true, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	var rest []byte // of the line whose beginning was not read yet
	for at := info.Size(); at > 0; {
		n := min(at, journalChunk)
		at -= n
		text := make([]byte, n, int(n)+len(rest))
		if _, err := f.ReadAt(text, at); err != nil && err != io.EOF {
			return true, err
		}
		text = append(text, rest...)
		for {
			i := bytes.LastIndexByte(text, '\n')
			if i < 0 {
				break
			}
			line := text[i+1:]
			text = text[:i]
			if len(line) > 0 && !take(line) {
				return false, nil
			}
		}
		rest = text
	}
	return len(rest) == 0 || take(rest), nil
}
