# "make help" lists what there is to make.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PREFIX  ?= /usr/local
GO      ?= go
# The race detector needs a C compiler.
RACE    := $(shell command -v cc >/dev/null 2>&1 && echo -race)
LDFLAGS := -s -w -X main.version=$(VERSION)
# Without cgo a start is quicker; on macOS the Keychain needs it.
CGO     := $(if $(filter Darwin,$(shell uname -s)),1,0)

.DEFAULT_GOAL := build
.PHONY: build install uninstall packages check-packages demo test lint bench soak clean help

build: ## build bin/vault
	CGO_ENABLED=$(CGO) $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/vault.linked ./cmd/vault
	@cp bin/vault.linked bin/vault.new && mv -f bin/vault.new bin/vault && rm -f bin/vault.linked # a copy starts a tenth quicker than what the linker mapped

install: build ## install the binary, its manual pages and completions below PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
	  $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -m 755 bin/vault $(DESTDIR)$(PREFIX)/bin/vault
	bin/vault man --dir $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 completions/_vault $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_vault
	install -m 644 completions/vault.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/vault
	install -m 644 completions/vault.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/vault.fish

uninstall: ## remove what install put below PREFIX
	rm -f $(DESTDIR)$(PREFIX)/bin/vault $(DESTDIR)$(PREFIX)/share/man/man1/vault.1 $(DESTDIR)$(PREFIX)/share/man/man1/vault-*.1 \
	  $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_vault $(DESTDIR)$(PREFIX)/share/bash-completion/completions/vault \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/vault.fish

packages: ## build .deb and .rpm of this machine's kind into bin/packages (fetches nfpm)
	@GO='$(GO)' VERSION='$(VERSION)' sh packaging/build.sh

check-packages: packages ## install, run and remove the .deb in a clean root; needs dpkg and root
	@sh packaging/check.sh

demo: ## try vault without an AWS account, in a throw-away home
	@sh contrib/demo.sh

test: ## run all tests; installs the shells they drive, where it can
	@sh .ci/install
	$(GO) test $(RACE) -timeout 14m ./...

lint: ## run the linters
	@sh .ci/install
	@sh .ci/lint

bench: ## measure: starts against a Go hello world, also with many profiles, the prompt, the parser
	@sh contrib/bench.sh
	@sh contrib/bench-shells.sh

soak: ## serve credentials that live for seconds, over 100 renewals
	SOAK_RENEWALS=100 $(GO) test ./cmd -run TestServeSoak -v -count 1 -timeout 30m
	$(GO) test $(RACE) ./sts/endpoint -run Soak -v -count 5

clean: ## remove what was built
	rm -rf bin dist

help: ## list what there is to make
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS='	' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done
