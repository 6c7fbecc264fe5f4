package shell

import "strings"

// An Alias is a short name for the function with some words behind it.
type Alias struct{ Name, Words string }

// Aliases are the short names that Init.Aliases asks for: those of
// zsh-aws-vault, for what does the same here.
func Aliases() []Alias {
	return []Alias{
		{"av", ""},
		{"avs", "use"},
		{"avo", "off"},
		{"avr", "refresh"},
		{"ave", "exec"},
		{"avsh", "exec"},
		{"avp", "list"},
		{"avl", "login"},
		{"avll", "login --stdout"},
		{"avli", "login --private"},
	}
}

// aliases returns the code that defines the short names, but where something
// has the name already.
func (d Dialect) aliases() string {
	var words []string
	for _, a := range Aliases() {
		words = append(words, d.Quote(a.Name), d.Quote(a.Words))
	}
	list := strings.Join(words, " ")
	switch d {
	case Zsh:
		list = "typeset -ga __VAULT_ALIASES=(" + list + ")\n"
	case Fish:
		list = "builtin set -g __VAULT_ALIASES " + list + "\n"
	default:
		list = "__VAULT_ALIASES=(" + list + ")\n"
	}
	return list + script("aliases."+string(d))
}
