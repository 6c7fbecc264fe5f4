# shellcheck shell=bash
# Follows the .vault-profile of the folder that the shell is in. Comes after
# init.bash, where the user has switched that on; __vault_prompt and
# __vault_precmd call it.

# __vault_directory looks for the nearest file when the folder has changed: not
# in the home folder, and not in the root. The binary is asked where there is
# another one than before, or none any more.
__vault_directory() {
  \builtin local at="$PWD" found='' __vault_c='' __vault_l="${__VAULT_STATE-}" __vault_end=$'\n: vault-end'
  __vault_at="$PWD"
  while \builtin :; do
    case "$at" in '' | "$HOME") \builtin break ;; esac
    if [[ -e "$at/.vault-profile" ]]; then
      found="$at/.vault-profile"
      \builtin break
    fi
    at="${at%/*}"
  done
  # A shell begins outside, unless it has inherited a switch.
  case "$found" in "${__vault_dir-${__VAULT_STATE:+?}}") \builtin return 0 ;; esac
  __vault_dir="$found"
  \builtin test -x "${__VAULT_INIT[0]}" || \builtin return 0
  __vault_c="$("${__VAULT_INIT[0]}" "${__VAULT_INIT[5]}" hook dir 2>/dev/null </dev/null)" || \builtin return 0
  case "$__vault_c" in *"$__vault_end") ;; *) \builtin return 0 ;; esac
  __vault_eval "${__vault_c%"$__vault_end"}" 2>/dev/null || \builtin :
  case "$__vault_l" in
    '' | "${__VAULT_STATE-}") ;;
    *) __VAULT_LAST="$__vault_l" ;;
  esac
}

\builtin unset -v __vault_at __vault_dir
case "$-" in *i*) __vault_at='' && \builtin export -n __vault_at ;; esac
