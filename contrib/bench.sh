#!/bin/sh
# Prints what vault costs: whole processes against a Go hello world of the same
# run, also with 10 to 10,000 profiles and beside aws-vault and the AWS CLI where
# they are installed; size and memory; requests to the endpoint; the parser.
# ROUNDS says how often each is timed.
set -eu
cd "$(dirname "$0")/.."
go="${GO:-go}"
"$go" test ./cmd -run '^$' -bench 'Start|Growth|Cold|Keystores|Size' -benchtime "${ROUNDS:-50}x" | grep -v '^PASS'
"$go" test ./sts/endpoint -run '^$' -bench Server -benchtime 20000x | grep -v '^PASS'
"$go" test ./config -run '^$' -bench . | grep -v '^PASS'
