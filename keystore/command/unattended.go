package command

import (
	"slices"
	"strings"
)

// Unattended returns environ with what keeps known programs from asking.
func Unattended(environ []string) []string {
	env := slices.Clone(environ)
	// pass(1), "ENVIRONMENT VARIABLES": options of every call of gpg, which
	// then fails where it would have opened a window. gopass reads the same
	// variable where it has none of its own.
	for _, name := range []string{"PASSWORD_STORE_GPG_OPTS", "GOPASS_GPG_OPTS"} {
		old, set := lookup(env, name)
		if set || name == "PASSWORD_STORE_GPG_OPTS" {
			env = append(env, name+"="+strings.TrimSpace(old+" --pinentry-mode=error"))
		}
	}
	return append(env,
		"OP_BIOMETRIC_UNLOCK_ENABLED=false", // 1Password CLI, "Environment variables": no question by its app
		"BW_NOINTERACTION=true",             // bw sets it for its own --nointeraction
	)
}

// lookup returns the value of the last variable of that name.
func lookup(env []string, name string) (value string, ok bool) {
	for _, entry := range env {
		if v, found := strings.CutPrefix(entry, name+"="); found {
			value, ok = v, true
		}
	}
	return value, ok
}
