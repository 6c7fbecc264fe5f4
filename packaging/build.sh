#!/bin/sh
# Builds the packages for Linux into bin/packages, for each of ARCHS (this machine's
# kind, else: amd64 arm64). GO and VERSION are as in the Makefile.
set -eu
cd "$(dirname "$0")/.."
go=${GO:-go}
version=${VERSION:-dev}
nfpm='github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.0'

# A version of Debian's begins with a digit.
number=${version#v}
case "$number" in [0-9]*.[0-9]*) ;; *) number="0.0.0~$number" ;; esac

for arch in ${ARCHS:-$("$go" env GOARCH)}; do
  rm -rf bin/packages/root
  mkdir -p bin/packages/root/man
  CGO_ENABLED=0 GOOS=linux GOARCH="$arch" "$go" build -trimpath -ldflags "-s -w -X main.version=$version" -o bin/packages/root/vault ./cmd/vault
  # The pages are made by a vault that runs here.
  CGO_ENABLED=0 "$go" run -trimpath -ldflags "-X main.version=$version" ./cmd/vault man --dir bin/packages/root/man
  gzip -n -9 bin/packages/root/man/*
  cp -r docs bin/packages/root/docs
  for kind in deb rpm; do
    ARCH="$arch" VERSION="$number" "$go" run "$nfpm" package --config packaging/nfpm.yaml --packager "$kind" --target bin/packages/
  done
done
