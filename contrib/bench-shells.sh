#!/bin/sh
# Prints what vault costs inside the shells, beside direnv's hook where that is
# installed: a prompt with a profile in use and without one, from Enter to
# the prompt at a terminal, and the start of a
# shell that loads vault.
set -eu
cd "$(dirname "$0")/.."
"${GO:-go}" test ./cmd -run '^$' -bench 'Hook|Enter|Load' -benchtime "${ROUNDS:-20}x" | grep -v '^PASS'
