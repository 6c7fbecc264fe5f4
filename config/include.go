package config

import (
	"slices"
	"sync"
)

// An inclusion is a profile as part of those that include it: aws-vault's
// include_profile, described in its USAGE.md. What a profile says itself is
// stronger, and static keys are not included.
//
// There is one inclusion for each profile, however many include it, so that
// the time for profiles which include one another does not grow with the
// square of their number.
type inclusion struct {
	name   string
	layers []layer
	at     Value      // its include_profile
	next   *inclusion // the profile that it includes in turn
	broken *broken    // why that cannot be

	open    bool // next and broken are being looked for
	depth   int  // how many follow
	answers map[string]*Value
	mu      *sync.Mutex // of answers
}

// broken is an include_profile that leads nowhere.
type broken struct {
	from *inclusion // whose it is
	loop []string   // the profiles that include one another, nil where one is missing
}

// answersEvery says which inclusions remember what was looked up: one in so
// many of a chain, each would take too much memory.
const answersEvery = 32

// find returns a property of the profile or of those that it includes, nil
// where it is not set.
func (n *inclusion) find(key string) *Value {
	if isStaticKey(key) {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var v *Value
	var passed []*inclusion
	for ; n != nil; n = n.next {
		if v = find(n.layers, key); v != nil {
			break
		}
		if n.depth%answersEvery == answersEvery-1 {
			if known, ok := n.answers[key]; ok {
				v = known
				break
			}
			passed = append(passed, n)
		}
	}
	for _, n := range passed {
		if n.answers == nil {
			n.answers = map[string]*Value{}
		}
		n.answers[key] = v
	}
	return v
}

// inclusions are those of the profiles of some files.
type inclusions struct {
	mu     sync.Mutex
	byName map[string]*inclusion
}

// include adds to p, below its own properties, those of the profile that
// include_profile names, and so on from there. It says why it cannot.
func (f *Files) include(p *Profile) *broken {
	if at, _ := p.Lookup("include_profile"); at.Text == "" {
		return nil
	}
	n := f.inclusion(p.Name)
	p.include = n.next
	return n.broken
}

// inclusion returns that of a profile which there is.
func (f *Files) inclusion(name string) *inclusion {
	set := &f.included
	set.mu.Lock()
	defer set.mu.Unlock()
	if set.byName == nil {
		set.byName = map[string]*inclusion{}
	}
	var path []*inclusion // from the profile to where its inclusions are known
	var next *inclusion
	var why *broken
	for at := name; ; {
		n := set.byName[at]
		if n != nil {
			if next, why = n, n.broken; n.open {
				next, why = nil, newLoop(path[slices.Index(path, n):])
			}
			break
		}
		p := f.plainProfile(at)
		if p == nil {
			why = &broken{from: path[len(path)-1]}
			break
		}
		n = &inclusion{name: at, layers: p.layers, open: true, mu: &set.mu}
		n.at, _ = p.Lookup("include_profile")
		set.byName[at] = n
		path = append(path, n)
		if at = n.at.Text; at == "" {
			break
		}
	}
	for _, n := range slices.Backward(path) {
		n.open, n.broken = false, why
		if next != nil && why == nil {
			n.next, n.depth = next, next.depth+1
		}
		next = n
	}
	return set.byName[name]
}

// newLoop is why none of the members, of which each includes the next and the
// last the first, can be had. It begins with the same one whichever was asked.
func newLoop(members []*inclusion) *broken {
	first := 0
	for i, n := range members {
		if n.name < members[first].name {
			first = i
		}
	}
	members = slices.Concat(members[first:], members[:first])
	b := &broken{from: members[len(members)-1]}
	for _, n := range members {
		b.loop = append(b.loop, n.name)
	}
	return b
}

// err says what is broken.
func (b *broken) err(f *Files) error {
	var why error
	if b.loop != nil {
		why = &LoopError{Key: "include_profile", Names: b.loop}
	} else {
		why = f.notFound(b.from.at.Text)
	}
	return referred(b.from.name, "include_profile", b.from.at, why)
}
