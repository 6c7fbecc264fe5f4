#!/bin/sh
# Prints what vault costs inside the shells, beside direnv's hook where that is
# installed: a prompt with a profile in use and without one; Enter to the next
# prompt at a terminal, against a shell without vault; and the start of a shell
# that loads vault, the binary's included, against a Go hello world.
set -eu
cd "$(dirname "$0")/.."
"${GO:-go}" test ./cmd -run '^$' -bench 'Hook|Enter|Load' -benchtime "${ROUNDS:-20}x" | grep -v '^PASS'
