#!/bin/sh
# Installs the newest .deb of bin/packages in a root folder that holds nothing else, runs
# what was installed, removes it, and looks for what is left.
set -eu
cd "$(dirname "$0")/.."
deb=''
for file in bin/packages/shellvault_*_"$(dpkg --print-architecture)".deb; do
  [ -z "$deb" ] || [ "$file" -nt "$deb" ] || continue
  deb=$file
done
[ -e "$deb" ] || { echo "no package: make packages" >&2; exit 1; }

root=$(mktemp -d "${TMPDIR:-/tmp}/vault-root.XXXXXX")
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/tmp"
: >"$root/var/lib/dpkg/status"
find "$root" -mindepth 1 >"$root.before"
trap 'rm -rf "$root" "$root.before"' EXIT

dpkg --root="$root" --install "$deb" >/dev/null
[ "$(chroot "$root" /usr/bin/vault version)" != '' ]
chroot "$root" /usr/bin/env true 2>/dev/null && { echo "the root is not clean" >&2; exit 1; }
HOME=/tmp chroot "$root" /usr/bin/vault init bash | bash -n
for file in share/man/man1/vault.1.gz share/man/man1/vault-sso-login.1.gz share/bash-completion/completions/vault \
  share/fish/vendor_completions.d/vault.fish share/zsh/vendor-completions/_vault share/doc/shellvault/docs/security.md; do
  [ -s "$root/usr/$file" ] || { echo "$deb lacks $file" >&2; exit 1; }
done
echo "installed: $(chroot "$root" /usr/bin/vault version)"

dpkg --root="$root" --remove shellvault >/dev/null
left=$(find "$root" -mindepth 1 -path "$root/var" -prune -o -print | grep -vxF -f "$root.before" || :)
[ -z "$left" ] || { printf 'left behind:\n%s\n' "$left" >&2; exit 1; }
echo "removed: nothing is left"
