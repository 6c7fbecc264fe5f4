package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shellvault/vault/config"
)

// checkConfig looks for what in the AWS config is hardly meant.
func (d *doctor) checkConfig(context.Context) []finding {
	if d.filesErr != nil {
		return []finding{failing(d.fixOf(d.filesErr), "%s", d.filesErr)}
	}
	var list []finding
	for _, o := range d.files.Oddities() {
		list = append(list, warning(d.editing(o.File, o.Line), "%s:%d: %s", o.File, o.Line, o.Why))
	}
	list = d.few(list, "sections like that")
	p := d.look()
	list = slices.Concat(list, d.few(p.typos, "settings that nothing reads"), d.few(d.chains(p), "profiles that lead nowhere"), d.few(d.hidden(p), "settings that are not used"))
	return or(list, "%s", count(p.n, "profile")+", and nothing odd in them")
}

// profilesSeen is what one look at all profiles tells: there may be many.
type profilesSeen struct {
	n       int
	typos   []finding
	sources map[string]string // from a profile to its source_profile
	several []string          // that say more than once where their credentials come from
}

func (d *doctor) look() profilesSeen {
	seen := profilesSeen{sources: map[string]string{}}
	meant := map[string]string{} // by key, "" for one that is right
	for p := range d.files.Profiles() {
		seen.n++
		if source := p.Get("source_profile"); source != "" && source != p.Name {
			seen.sources[p.Name] = source
		}
		ways := 0
		for _, key := range p.Keys() {
			word, known := meant[key]
			if !known {
				word, _ = config.Typo(key)
				meant[key] = word
			}
			if word != "" {
				v, _ := p.Lookup(key)
				seen.typos = append(seen.typos, warning(d.editing(v.File, v.Line), "%s: nothing reads %q of profile %q; is %q meant?", v.Where(), key, p.Name, word))
			}
			if slices.Contains(sources, key) {
				ways++
			}
		}
		if ways > 1 {
			seen.several = append(seen.several, p.Name)
		}
	}
	return seen
}

// chains follows the source of each profile once, and says which go in a circle
// or end at a profile that is not there.
func (d *doctor) chains(p profilesSeen) (list []finding) {
	const walking, done = 1, 2
	state := map[string]int{}
	for _, name := range sortedKeys(p.sources) {
		var walked []string
		at := name
		for state[at] == 0 && p.sources[at] != "" {
			state[at] = walking
			walked = append(walked, at)
			at = p.sources[at]
		}
		// Whether that is a mistake is for the rules of chains to say.
		if suspect := state[at] == walking || !d.files.Has(at); suspect && len(walked) > 0 {
			_, err := d.files.Chain(walked[len(walked)-1])
			if loop := new(config.LoopError); errors.As(err, &loop) {
				v := d.setting("source_profile", loop.Names[0])
				list = append(list, failing(d.editing(v.File, v.Line), "%s: %s", v.Where(), err))
			} else if err != nil {
				v := d.setting("source_profile", walked[len(walked)-1])
				list = append(list, failing(d.editing(v.File, v.Line), "%s", err))
			}
		}
		for _, name := range walked {
			state[name] = done
		}
	}
	return list
}

// setting returns a setting of a profile, with its place.
func (d *doctor) setting(key, profile string) config.Value {
	p, err := d.files.Profile(profile)
	if err != nil {
		return config.Value{}
	}
	v, _ := p.Lookup(key)
	return v
}

// mostResolved bounds how many profiles are planned for.
const mostResolved = 50

// hidden says which of the ways to credentials that a profile names is not
// gone.
func (d *doctor) hidden(p profilesSeen) (list []finding) {
	for _, name := range p.several[:min(len(p.several), mostResolved)] {
		r, err := d.resolveIn(d.files, name, switchFlags{})
		if err != nil {
			continue // use says it
		}
		for _, line := range d.shadowed(r) {
			list = append(list, warning(fmt.Sprintf("%s explain %s", d.name(), word(name)), "profile %q: %s", name, strings.TrimSpace(line)))
		}
	}
	return list
}
