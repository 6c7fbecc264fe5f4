package cmd

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/junegunn/fzf/src/algo"
	"github.com/junegunn/fzf/src/util"
)

// A Menu is what a person chooses from.
type Menu struct {
	Names  []string // in the order to show them
	Recent int      // how many of them stand first because they were used
	Heads  []string // of what Details returns

	// Details returns what else there is to know about a name. It is called
	// when that is looked at, so that many names cost nothing.
	Details func(i int) []string
	Color   bool
}

// A finder is a menu with what was typed, and the names that fit it.
type finder struct {
	Menu
	texts   []util.Chars // Names, as they are matched
	details []util.Chars // what is known of Details
	cells   [][]string
	known   int // how many of them are known from the first on

	query []rune
	at    int   // where in query the cursor is
	stale bool  // hits are those of an earlier query
	hits  []int // numbers of the names that fit, the best first
	row   int   // the chosen one among them
	top   int   // the first one on the screen

	slab *util.Slab
}

var initMatching = sync.OnceFunc(func() { algo.Init("default") })

func newFinder(m Menu) *finder {
	initMatching()
	f := &finder{
		Menu: m, texts: make([]util.Chars, len(m.Names)), details: make([]util.Chars, len(m.Names)), cells: make([][]string, len(m.Names)),
		slab: util.MakeSlab(16<<10, 2<<10), // in fzf it is six times as large, for longer lines
	}
	for i, name := range m.Names {
		f.texts[i] = util.ToChars([]byte(name))
	}
	f.find()
	return f
}

// cellsOf returns the details of a name.
func (f *finder) cellsOf(i int) []string {
	if f.cells[i] == nil {
		f.cells[i] = append(f.Details(i), "") // not nil
		f.details[i] = util.ToChars([]byte(strings.Join(f.cells[i], " ")))
	}
	return f.cells[i]
}

// learn looks at the details of some more names; more is false when all are
// known.
func (f *finder) learn() (more bool) {
	const some = 200 // take less than a person notices
	for end := min(f.known+some, len(f.Names)); f.known < end; f.known++ {
		f.cellsOf(f.known)
	}
	return f.known < len(f.Names)
}

// A part is a word of what was typed. All have to fit.
type part struct {
	letters []rune
	exact   bool // upper case matters, because it has some
}

func (f *finder) parts() []part {
	var parts []part
	for _, word := range strings.Fields(string(f.query)) {
		parts = append(parts, part{
			letters: algo.NormalizeRunes([]rune(word)), // as the names are: é fits e
			exact:   strings.ContainsFunc(word, unicode.IsUpper),
		})
	}
	return parts
}

// most is how many names are matched in the best way; where there are more the
// quick one has to do until something is typed that fits few.
const most = 2000

// match reports whether a text fits a part and how well.
func (f *finder) match(p part, text *util.Chars, many bool) (score int, ok bool) {
	how := algo.FuzzyMatchV2
	if many {
		how = algo.FuzzyMatchV1
	}
	r, _ := how(p.exact, true, true, text, p.letters, false, f.slab)
	return r.Score, r.Start >= 0
}

// settle looks for the names that fit, if that was not done since the query
// changed: not at every letter of a word that is pasted.
func (f *finder) settle() {
	if f.stale {
		f.find()
	}
}

// find looks for the names that fit what was typed, and chooses the best one.
func (f *finder) find() {
	f.row, f.top, f.stale = 0, 0, false
	parts, typed := f.parts(), strings.TrimSpace(string(f.query))
	f.hits = f.hits[:0]
	scores := make([]int, len(f.Names))
	for i := range f.Names {
		fits := true
		for _, p := range parts {
			score, ok := f.match(p, &f.texts[i], len(f.Names) > most)
			if !ok { // the account or the role may
				f.cellsOf(i)
				score, ok = f.match(p, &f.details[i], len(f.Names) > most)
				score /= 2
			}
			if fits = ok; !fits {
				break
			}
			scores[i] += score
		}
		if f.Names[i] == typed {
			scores[i] = math.MaxInt
		}
		if fits {
			f.hits = append(f.hits, i)
		}
	}
	if len(parts) == 0 {
		return
	}
	slices.SortFunc(f.hits, func(a, b int) int {
		return cmp.Or(
			-cmp.Compare(scores[a], scores[b]),
			cmp.Compare(min(a, f.Recent), min(b, f.Recent)), // by use
			cmp.Compare(f.texts[a].Length(), f.texts[b].Length()),
			cmp.Compare(a, b),
		)
	})
}

// marks returns which letters of a name fit what was typed.
func (f *finder) marks(i int) map[int]bool {
	marks := map[int]bool{}
	for _, p := range f.parts() {
		if r, at := algo.FuzzyMatchV2(p.exact, true, true, &f.texts[i], p.letters, true, f.slab); r.Start >= 0 && at != nil {
			for _, j := range *at {
				marks[j] = true
			}
		}
	}
	return marks
}

// press does what a key stands for; page is how many names are on the screen.
func (f *finder) press(k key, letter rune, page int) {
	switch k {
	case keyText:
		f.query = slices.Insert(f.query, f.at, letter)
		f.at++
		f.stale = true
	case keyBackspace:
		f.delete(f.at-1, f.at)
	case keyDelete, keyDeleteOrLeave:
		f.delete(f.at, f.at+1)
	case keyDeleteLine:
		f.delete(0, f.at)
	case keyDeleteWord:
		start := f.at
		for start > 0 && f.query[start-1] == ' ' {
			start--
		}
		for start > 0 && f.query[start-1] != ' ' {
			start--
		}
		f.delete(start, f.at)
	case keyLeft:
		f.at = max(f.at-1, 0)
	case keyRight:
		f.at = min(f.at+1, len(f.query))
	case keyLineStart:
		f.at = 0
	case keyLineEnd:
		f.at = len(f.query)
	case keyUp:
		f.move(-1)
	case keyDown:
		f.move(1)
	case keyPageUp:
		f.move(-page)
	case keyPageDown:
		f.move(page)
	case keyHome, keyEnd:
		f.ends(k)
	}
}

func (f *finder) move(rows int) {
	f.settle()
	f.row = max(min(f.row+rows, len(f.hits)-1), 0)
}

// ends goes to an end of what was typed, as in fzf, or of the list where
// nothing was.
func (f *finder) ends(k key) {
	switch {
	case k == keyHome && len(f.query) > 0:
		f.at = 0
	case k == keyHome:
		f.move(-len(f.Names))
	case len(f.query) > 0:
		f.at = len(f.query)
	default:
		f.move(len(f.Names))
	}
}

func (f *finder) delete(from, to int) {
	if from, to = max(from, 0), min(to, len(f.query)); from < to {
		f.query = slices.Delete(f.query, from, to)
		f.at, f.stale = from, true
	}
}

// chosen returns the number of the chosen name, -1 if nothing fits.
func (f *finder) chosen() int {
	f.settle()
	if len(f.hits) == 0 {
		return -1
	}
	return f.hits[f.row]
}

// scroll brings the chosen name onto a screen of that many names.
func (f *finder) scroll(page int) {
	f.top = max(min(f.top, f.row), f.row-page+1, 0)
	f.top = max(min(f.top, len(f.hits)-page), 0)
}
