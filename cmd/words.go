package cmd

import (
	"fmt"
	"slices"
	"strings"
)

// shellWords splits a command line at white space outside of quotes, as a
// shell does, without what else a shell knows.
func shellWords(line string) []string {
	var words []string
	var b strings.Builder
	quote, some := rune(0), false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, some = r, true
		case quote == 0 && (r == ' ' || r == '\t' || r == '\n'):
			if some {
				words = append(words, b.String())
			}
			b.Reset()
			some = false
		default:
			b.WriteRune(r)
			some = true
		}
	}
	if some {
		words = append(words, b.String())
	}
	return words
}

// An awsVaultCall is a command line that has aws-vault print the JSON of a
// credential_process.
type awsVaultCall struct {
	profile string // "" if it is another command
	flags   string // of ours that say the same, with a space in front
	why     string // it cannot be said in ours
}

// Flags of aws-vault that take a value, and say nothing to vault: where
// aws-vault keeps its keys, how it asks, and which region it calls.
var awsVaultFlags = []string{
	"--backend", "--prompt", "--region", "--keychain", "--secret-service-collection-name", "--pass-dir", "--pass-cmd", "--pass-prefix", "--file-dir",
}

// callsAWSVault reads "aws-vault export --format=json P" and "aws-vault exec
// --json P" (its docs, USAGE.md, "Using credential_process").
func callsAWSVault(line string) awsVaultCall {
	words := shellWords(line)
	if len(words) < 2 || words[0] != "aws-vault" && !strings.HasSuffix(words[0], "/aws-vault") {
		return awsVaultCall{}
	}
	var c awsVaultCall
	sub, isJSON := "", false
	words = words[1:]
	for len(words) > 0 {
		name, value, has := strings.Cut(words[0], "=")
		words = words[1:]
		take := func() string {
			if !has && len(words) > 0 {
				value, words = words[0], words[1:]
			}
			return value
		}
		switch {
		case !strings.HasPrefix(name, "-") && sub == "":
			sub = name
		case !strings.HasPrefix(name, "-") && c.profile == "":
			c.profile = name
			if has {
				c.profile += "=" + value
			}
		case name == "--json" || name == "-j":
			isJSON = true
		case name == "--format":
			isJSON = take() == "json"
		case name == "--no-session" || name == "-n":
			c.flags += " --no-session"
		case name == "--duration" || name == "-d":
			c.flags += " --duration " + word(take())
		case name == "--debug" || name == "--no-debug":
		case slices.Contains(awsVaultFlags, name):
			take()
		default:
			c.why = "vault does not know what takes the place of " + name + " of aws-vault"
		}
	}
	if sub != "export" && sub != "exec" || !isJSON || c.profile == "" {
		return awsVaultCall{}
	}
	return c
}

// count says how many there are of what has that name.
func count(n int, one string, several ...string) string {
	switch {
	case n == 1:
		return "1 " + one
	case len(several) > 0:
		return fmt.Sprintf("%d %s", n, several[0])
	}
	return fmt.Sprintf("%d %ss", n, one)
}
