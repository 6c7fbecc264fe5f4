#!/bin/sh
# Shows vault's main job without an AWS account: builds it, starts a fake AWS on
# this machine, makes a throw-away home with a realistic config, and opens your
# shell in it. Where there is no terminal it plays a session in a real shell.
# It touches nothing of yours, and removes what it made.
# shellcheck disable=SC2016 # what is quoted is for the shells of the demo
set -eu
cd "$(dirname "$0")/.."
umask 077

fail() {
  printf 'demo: %s\n' "$1" >&2
  exit 1
}

# What of the environment reaches the demo: enough to build and to draw, no
# more, so that no account of yours can come in.
path=$PATH term=${TERM:-dumb} lang=${LANG:-C.UTF-8} ctype=${LC_ALL:-}

shell=${DEMO_SHELL:-${SHELL##*/}}
case "$shell" in zsh | bash | fish) command -v "$shell" >/dev/null 2>&1 || shell='' ;; *) shell='' ;; esac
for candidate in zsh bash fish; do
  [ -n "$shell" ] || ! command -v "$candidate" >/dev/null 2>&1 || shell=$candidate
done
[ -n "$shell" ] || fail 'zsh, bash or fish is needed'
command -v "${GO:-go}" >/dev/null 2>&1 || fail 'Go is needed: https://go.dev/dl'

dir=$(mktemp -d "${TMPDIR:-/tmp}/vault-demo.XXXXXX")
aws=''
cleanup() {
  trap '' INT TERM HUP
  # What rests in the kernel for this home goes too.
  if [ -x "$dir/bin/vault" ]; then
    run "$dir/bin/vault" clear >/dev/null 2>&1 || :
    run "$dir/bin/vault" lock >/dev/null 2>&1 || :
  fi
  [ -z "$aws" ] || kill "$aws" 2>/dev/null || :
  rm -rf "$dir" 2>/dev/null || rm -rf "$dir" || :
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

mkdir -p "$dir/bin" "$dir/home/.aws" "$dir/home/.config/fish" "$dir/run"
# The first fish of a home makes completions from manual pages in the
# background, where it does not find this folder.
mkdir -p "$dir/home/.local/share/fish/generated_completions"
home=$dir/home

echo 'building vault and a fake AWS ...' >&2
CGO_ENABLED=0 "${GO:-go}" build -trimpath -ldflags '-s -w -X main.version=demo' -o "$dir/bin/vault" ./cmd/vault
CGO_ENABLED=0 "${GO:-go}" build -trimpath -o "$dir/bin/fakeaws" ./sts/ststest/fakeaws

"$dir/bin/fakeaws" -seed demo -addr-file "$dir/address" >"$dir/world.json" 2>"$dir/log" &
aws=$!
tries=0
while [ ! -s "$dir/world.json" ] || [ ! -s "$dir/address" ]; do
  kill -0 "$aws" 2>/dev/null || fail "the fake AWS did not start: $(cat "$dir/log")"
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || fail 'the fake AWS did not start in time'
  sleep 0.1
done

field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$dir/world.json"; }
url=$(field url) serial=$(field mfa_serial) seed=$(field mfa_seed) start=$(field sso_start_url)

# run starts a program in the demo's world and in nothing else.
run() {
  env -i HOME="$home" USER=demo LOGNAME=demo SHELL="$(command -v "$shell")" PATH="$dir/bin:$path" TERM="$term" \
    LANG="$lang" ${ctype:+LC_ALL="$ctype"} XDG_RUNTIME_DIR="$dir/run" TMPDIR="$dir" \
    AWS_ENDPOINT_URL="$url" AWS_VAULT_FILE_PASSPHRASE=demo BROWSER="$dir/bin/browser" "$@"
}

cat >"$home/.aws/config" <<EOF
# The user: its access key is in vault's keystore.
[profile bastion]
region     = eu-central-1
mfa_serial = $serial

# Roles in other accounts, assumed with that user's MFA.
[profile dev]
role_arn       = $(field dev)
source_profile = bastion
mfa_serial     = $serial
region         = eu-west-1

[profile staging]
role_arn       = $(field staging)
source_profile = bastion
mfa_serial     = $serial
region         = eu-west-1

[profile prod]
role_arn       = $(field prod)
source_profile = bastion
mfa_serial     = $serial
region         = us-east-1

# An Identity Center, and a role of a person who signs in there.
[sso-session corp]
sso_start_url = $start
sso_region    = eu-central-1

[profile sandbox]
sso_session    = corp
sso_account_id = 555555555555
sso_role_name  = Developer
region         = eu-west-1
EOF
mkdir -p "$home/.config/vault"
cat >"$home/.config/vault/config.toml" <<'EOF'
[[profile]]
match = "prod*"
color = "magenta"
EOF
printf '#!/bin/sh\nexec "%s/bin/fakeaws" -totp %s\n' "$dir" "$seed" >"$dir/bin/mfa"
printf '#!/bin/sh\nexec "%s/bin/fakeaws" -visit "$1"\n' "$dir" >"$dir/bin/browser"
chmod 700 "$dir/bin/mfa" "$dir/bin/browser"
printf '%s\n%s\n' "$(field access_key_id)" "$(field secret_access_key)" >"$dir/key"

cd "$home"
if [ -t 0 ] && [ -t 1 ]; then
  run "$dir/bin/vault" add bastion --stdin <"$dir/key"
  rm -f "$dir/key"
  cat <<'EOF'

  This shell has vault loaded, a fake AWS, and a user "bastion" whose key is stored.
  1.  mfa                       prints the code of the MFA device; then type it at: vault use dev
  2.  vault use prod            asks nothing more; try: vault status --verify, vault list, vault use -
  3.  vault use sandbox         signs in to Identity Center; the browser of the demo agrees to all it is asked.
                                By hand: vault sso login --no-browser, and in another shell: browser ADDRESS
  4.  vault sso sync            writes a profile for each account and role that has none
  5.  vault off                 everything as it was; exit leaves the demo and removes it

EOF
  case "$shell" in
    zsh)
      printf '%s\n' 'autoload -Uz compinit && compinit -u -d "$HOME/.zcompdump"' 'eval "$(vault init zsh)"' "PROMPT='%~ %# '" >"$home/.zshrc"
      run zsh -d -i || :
      ;;
    bash)
      printf '%s\n' "PS1='\\w \\\$ '" 'eval "$(vault init bash)"' >"$home/.bashrc"
      run bash --rcfile "$home/.bashrc" -i || :
      ;;
    fish)
      printf '%s\n' 'set -g fish_greeting' 'vault init fish | source' >"$home/.config/fish/config.fish"
      run fish -i || :
      ;;
  esac
  exit 0
fi

# No terminal: play a session. The segment in front of each line is what the
# prompt shows, without its colours.
if command -v aws >/dev/null 2>&1 && [ "${DEMO_AWS:-1}" = 1 ]; then
  caller='vault exec staging -- aws sts get-caller-identity'
else
  caller='vault exec staging -- vault status --verify'
fi
cat >"$dir/session" <<EOF
vault add bastion --stdin < "$dir/key"
vault list
vault use dev --mfa-code \$(mfa)
vault status
vault use prod
$caller
vault use -
vault sso login
vault use sandbox
vault sso sync
vault list
vault off
vault status
EOF
case "$shell" in
  fish)
    sed 's/\$(mfa)/(mfa)/' "$dir/session" >"$dir/session.fish"
    cat >"$dir/play" <<'EOF'
vault init fish | source
while read -l line
  set -l segment (vault_prompt_info | string replace -ra '\e[^m]*m' '' | string replace -ra '[^[:print:]]' '')
  echo "$segment~ > $line"
  eval $line; or exit 1
  echo
end < $argv[1]
EOF
    run fish "$dir/play" "$dir/session.fish" 2>&1
    ;;
  zsh)
    cat >"$dir/play" <<'EOF'
eval "$(vault init zsh)"
while IFS= read -r line <&3; do
  segment=$(vault_prompt_info)
  print -r -- "${${segment//\%(F\{[a-z]#\}|f)/}//\%%/%}~ % $line"
  eval "$line" || exit 1
  print
done 3<"$1"
EOF
    run zsh -f -o extended_glob "$dir/play" "$dir/session" 2>&1
    ;;
  bash)
    cat >"$dir/play" <<'EOF'
eval "$(vault init bash)"
while IFS= read -r line <&3; do
  printf '%s~ $ %s\n' "$(vault_prompt_info | sed "s/$(printf '\001')[^$(printf '\002')]*$(printf '\002')//g")" "$line"
  eval "$line" || exit 1
  echo
done 3<"$1"
EOF
    run bash --norc "$dir/play" "$dir/session" 2>&1
    ;;
esac
