# Short names for vault. Printed ahead of this file:
#   typeset -ga __VAULT_ALIASES=(NAME WORDS ...)
# A name that the user has given to something else is left alone. Completion
# sees through an alias.
function __vault_aliases {
  local name words
  typeset -gA __VAULT_ALIASED
  for name words in "${(@)__VAULT_ALIASES}"; do
    words="${__VAULT_INIT[2]}${words:+ $words}"
    # Our own is made anew: the function may be called otherwise now.
    if ! whence -- "$name" >/dev/null 2>&1 || [[ -n "${__VAULT_ALIASED[$name]-}" && "$(whence -- "$name")" == "${__VAULT_ALIASED[$name]}" ]]; then
      alias -- "$name=$words"
      __VAULT_ALIASED[$name]="$words"
    fi
  done
}
[[ ! -o interactive ]] || __vault_aliases
