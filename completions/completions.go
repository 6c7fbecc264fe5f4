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
