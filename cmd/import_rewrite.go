package cmd

import (
	"fmt"
	"slices"
	"strings"
)

// rewrites returns the credential_process lines that call aws-vault and can
// call vault once the keys are imported.
func (im *importer) rewrites() ([]processLine, error) {
	if !im.rewrite {
		return nil, nil
	}
	var lines []processLine
	for _, name := range im.files.Names() {
		p, err := im.files.Profile(name)
		if err != nil {
			continue // a source that is missing: not for import to say
		}
		line := im.lineOf(im.files, p)
		c := callsAWSVault(line.old)
		switch {
		case c.profile == "":
			continue
		case c.why != "":
			im.note(fmt.Sprintf("%s:%d: credential_process of profile %q stays: %s", tilde(line.path, im.Home), line.at, name, c.why))
			continue
		case !im.willResolve(c.profile):
			im.note(fmt.Sprintf("%s:%d: credential_process of profile %q stays: vault has no credentials for profile %q", tilde(line.path, im.Home), line.at, name, c.profile))
			continue
		}
		line.new = im.processValue(c.profile) + c.flags
		lines = append(lines, line)
	}
	return lines, nil
}

// willResolve reports whether vault has, or will have, what the credentials of
// a profile come from.
func (im *importer) willResolve(profile string) bool {
	for name := range im.sourcesOf(profile) {
		if im.index.Keys[name].AccessKeyID != "" || slices.ContainsFunc(im.keys, func(k foundKey) bool {
			return k.profile == name && (k.state == keyNew || k.state == keySame || k.state == keyReplaces)
		}) {
			return true
		}
	}
	// Identity Center and the like, which need no key. A line that asks for
	// its own profile is no source once it is rewritten.
	return im.resolvesWithout(im.files, profile) == nil
}

// sourcesOf returns the profiles that a profile's credentials may come from:
// itself, and those that it names one after the other.
func (im *importer) sourcesOf(profile string) map[string]bool {
	names := map[string]bool{profile: true}
	if chain, err := im.files.Chain(profile); err == nil {
		for _, p := range chain {
			names[p.Name] = true
		}
	}
	return names
}

// rewritten returns the lines whose profiles have their keys by now.
func (im *importer) rewritten(lines []processLine) []processLine {
	return slices.DeleteFunc(lines, func(l processLine) bool { return !im.willResolve(callsAWSVault(l.old).profile) })
}

// quirks are what in the config means one thing to aws-vault and another to
// vault, or to the AWS CLI: a line each.
func (im *importer) quirks() []string {
	var lines []string
	only := map[string][]string{}
	calls := 0
	for p, ok := range im.files.Profiles() {
		if !ok {
			continue
		}
		for _, key := range []string{"include_profile", "mfa_process", "session_tags", "transitive_session_tags", "source_identity", "web_identity_token_process"} {
			if v, has := p.Own(key); has && v.Text != "" {
				only[key] = append(only[key], p.Name)
			}
		}
		if v, has := p.Own("credential_process"); has && callsAWSVault(v.Text).profile != "" {
			calls++
		}
	}
	for _, key := range sortedKeys(only) {
		lines = append(lines, fmt.Sprintf("%s of %s: vault reads it as aws-vault does; the AWS CLI and SDKs do not", key, profileList(only[key])))
	}
	if calls > 0 && !im.rewrite {
		lines = append(lines, fmt.Sprintf("credential_process of %s calls aws-vault: --rewrite has it call vault", count(calls, "profile")))
	}
	if calls > 0 || im.comesFromAWSVault() {
		lines = append(lines, im.inherits()...)
	}
	return lines
}

// comesFromAWSVault reports whether the user has used it.
func (im *importer) comesFromAWSVault() bool {
	return im.source == "aws-vault" || slices.ContainsFunc(im.keys, func(k foundKey) bool {
		return slices.ContainsFunc(k.from, func(from string) bool { return strings.HasPrefix(from, "aws-vault ") })
	})
}

// inherits says what aws-vault has all profiles inherit from [default].
func (im *importer) inherits() []string {
	base, err := im.files.Profile("default")
	if err != nil {
		return nil
	}
	var lines []string
	for _, key := range inherited {
		v, ok := base.Own(key)
		if !ok || v.Text == "" {
			continue
		}
		var heirs []string
		for p, ok := range im.files.Profiles() {
			if _, own := p.Lookup(key); ok && !own && p.Name != "default" && p.Get("include_profile") == "" {
				heirs = append(heirs, p.Name)
			}
		}
		if len(heirs) > 0 {
			lines = append(lines, fmt.Sprintf("%s of [default] (%s:%d) was inherited from it in aws-vault by %s; vault does as the AWS CLI, which does not", key, tilde(v.File, im.Home), v.Line, profileList(heirs)))
		}
	}
	return lines
}

// profileList names a few profiles and counts the others.
func profileList(names []string) string {
	const most = 4
	if len(names) <= most {
		return "profile " + strings.Join(names, ", ")
	}
	return fmt.Sprintf("profile %s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
