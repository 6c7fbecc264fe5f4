package config

import (
	"cmp"
	"slices"
	"strings"
)

// nearestMax is how many names a hint should have at most.
const nearestMax = 3

// Nearest returns up to three of have that someone who typed name may have
// meant, the likeliest first: those that differ in case only, begin with it,
// contain it, or are a few typing errors away.
func Nearest(name string, have []string) []string {
	type candidate struct {
		name  string
		score int
	}
	if name == "" {
		return nil
	}
	low := strings.ToLower(name)
	limit := max(1, len(low)/3)
	var found []candidate
	var rows [3][]int
	for _, h := range have {
		hl := strings.ToLower(h)
		score := -1
		switch {
		case hl == low:
			score = 0
		case len(low) > 1 && strings.HasPrefix(hl, low):
			score = 2
		case len(low) > 2 && strings.Contains(hl, low):
			score = 3
		case len(hl) > 2 && strings.HasPrefix(low, hl):
			score = 4
		}
		if d := distance(low, hl, limit, &rows); d <= limit && (score < 0 || d < score) {
			score = d
		}
		if score >= 0 {
			found = append(found, candidate{h, score})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(len(a.name), len(b.name)), cmp.Compare(a.name, b.name))
	})
	var near []string
	for _, c := range found[:min(len(found), nearestMax)] {
		near = append(near, c.name)
	}
	return near
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour that make a into b; something above limit where it is more.
// rows is scratch space.
func distance(a, b string, limit int, rows *[3][]int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	for i := range rows {
		rows[i] = slices.Grow(rows[i][:0], len(b)+1)[:len(b)+1]
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	least := 0 // of the row before
	for i := 1; i <= len(a); i++ {
		before, last, row := rows[(i+1)%3], rows[(i+2)%3], rows[i%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		now := slices.Min(row)
		if least > limit && now > limit {
			return limit + 1 // what follows is made from these two rows
		}
		least = now
	}
	return rows[len(a)%3][len(b)]
}
