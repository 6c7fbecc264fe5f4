#!/bin/sh
# Prints what vault costs: whole processes against a Go hello world of the same
# run, the prompt segment inside each shell, size and memory, the parser.
set -eu
cd "$(dirname "$0")/.."
go="${GO:-go}"
"$go" test ./cmd -run '^$' -bench 'Start|Prompt|Size' -benchtime "${ROUNDS:-50}x" | grep -v '^PASS'
"$go" test ./config -run '^$' -bench . | grep -v '^PASS'
