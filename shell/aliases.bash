# shellcheck shell=bash
# Short names for vault. Printed ahead of this file:
#   __VAULT_ALIASES=(NAME WORDS ...)
# A name that the user has given to something else is left alone.
__vault_aliases() {
  \builtin local i name words kind
  # shellcheck disable=SC2153 # printed ahead
  for ((i = 0; i < ${#__VAULT_ALIASES[@]}; i += 2)); do
    name="${__VAULT_ALIASES[i]}"
    words="${__VAULT_INIT[1]}${__VAULT_ALIASES[i + 1]:+ ${__VAULT_ALIASES[i + 1]}}"
    kind="$(\builtin type -t -- "$name")" || kind=''
    # Our own is made anew: the function may be called otherwise now.
    case "$kind:$(\builtin alias "$name" 2>/dev/null)" in
      :*) ;;
      "alias:alias $name='${__VAULT_ALIASED[i]-}'") ;;
      *) \builtin continue ;;
    esac
    # shellcheck disable=SC2139 # the words are those of now
    \builtin alias "$name=$words"
    __VAULT_ALIASED[i]="$words"
    \builtin complete -F __vault_complete_alias "$name"
  done
}

# __vault_complete_alias completes a short name as what it stands for.
__vault_complete_alias() {
  \builtin local IFS=$' \t\n' i words
  for ((i = 0; i < ${#__VAULT_ALIASES[@]}; i += 2)); do
    case "${__VAULT_ALIASES[i]}" in
      "$1")
        # shellcheck disable=SC2206 # words without blanks
        words=(${__VAULT_ALIASED[i]})
        COMP_LINE="${__VAULT_ALIASED[i]}${COMP_LINE#"$1"}"
        COMP_POINT="$((COMP_POINT + ${#__VAULT_ALIASED[i]} - ${#1}))"
        COMP_CWORD="$((COMP_CWORD + ${#words[@]} - 1))"
        COMP_WORDS=("${words[@]}" "${COMP_WORDS[@]:1}")
        _vault_complete
        \builtin return
        ;;
    esac
  done
}

case "$-" in *i*) __vault_aliases ;; esac
