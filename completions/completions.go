// Package completions holds the completion of vault's words for zsh, bash and
// fish. All three ask the binary; it answers from the config file alone, with
// no keystore and no network.
package completions

import "embed"

//go:embed _vault vault.bash vault.fish
var files embed.FS

// File returns the completion as it is installed for all users: for the
// command "vault" as it is found on PATH.
func File(shell string) string {
	name := map[string]string{"zsh": "_vault", "bash": "vault.bash", "fish": "vault.fish"}[shell]
	text, err := files.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(text)
}

// Loaded returns the completion as the init script of a shell carries it: for
// the function and the binary in __VAULT_INIT.
func Loaded(shell string) string { return File(shell) }
