package config

import (
	"fmt"
	"strings"
)

// A LoopError reports profiles that refer to each other in a circle.
type LoopError struct {
	Key   string   // source_profile or include_profile
	Names []string // the members in order, each once
}

func (e *LoopError) Error() string {
	return fmt.Sprintf("%s loop: %s -> %s", e.Key, strings.Join(e.Names, " -> "), e.Names[0])
}

// loop returns the part of path from name on.
func loop(key string, path []*Profile, name string) error {
	e := &LoopError{Key: key}
	for _, p := range path {
		if len(e.Names) > 0 || p.Name == name {
			e.Names = append(e.Names, p.Name)
		}
	}
	return e
}

// Chain returns the profile and the ones that its credentials come from, by
// source_profile: [prod, bastion]. The rules are those of the AWS SDKs and
// Tools Reference Guide, page "Assume role credential provider":
//
// A profile that is its own source_profile is legal (its static keys are
// meant) and ends the chain. A profile with static keys ends it too, even if
// it has a source_profile, unless it is the one asked for and has a role_arn:
// without one, source_profile says nothing to a profile that has credentials
// of its own, and may name what is not there. A loop is a
// *LoopError. A source that is missing is an error that says who refers to it
// and where, and wraps a *NotFoundError.
func (f *Files) Chain(name string) ([]*Profile, error) {
	p, err := f.Profile(name)
	if err != nil {
		return nil, err
	}
	chain := []*Profile{p}
	seen := map[string]bool{name: true}
	for {
		source, _ := p.Lookup("source_profile")
		if source.Text == "" || source.Text == p.Name {
			return chain, nil
		}
		if role := p.Get("role_arn") != ""; len(chain) > 1 || !role {
			if _, ok, _ := p.StaticKeys(); ok || !role && p.namesSource() {
				return chain, nil
			}
		}
		if seen[source.Text] {
			return nil, loop("source_profile", chain, source.Text)
		}
		next, err := f.Profile(source.Text)
		if err != nil {
			return nil, referred(p.Name, "source_profile", source, err)
		}
		seen[next.Name] = true
		chain = append(chain, next)
		p = next
	}
}

// namesSource reports whether a profile without role_arn says where its
// credentials come from.
func (p *Profile) namesSource() bool {
	for _, key := range []string{"sso_session", "sso_account_id", "login_session", "credential_process"} {
		if p.Get(key) != "" {
			return true
		}
	}
	return false
}

// referred says which profile led to err, and where.
func referred(profile, key string, at Value, err error) error {
	return fmt.Errorf("%s: %s of profile %q: %w", at.Where(), key, profile, err)
}
