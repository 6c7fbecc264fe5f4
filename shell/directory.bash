# shellcheck shell=bash
# Follows the .vault-profile of the folder that the shell is in. Comes after
# init.bash, where the user has switched that on; __vault_prompt and
# __vault_precmd call __vault_moved when the folder has changed.

# __vault_moved looks for the nearest file. Most folders have none.
__vault_moved() {
  if __vault_near || \builtin test -n "${__vault_dir-${__VAULT_STATE:+?}}"; then
    __vault_quiet __vault_directory
  else
    __vault_at="$PWD" __vault_dir=''
    case "$-" in *a*) \builtin export -n __vault_at __vault_dir ;; esac
  fi
}

# __vault_near succeeds where there is a file in the folder that the shell is in,
# or in one of the fifteen above it: one command, as bash takes longer for a loop.
__vault_near() {
  \builtin local u=../../../.. f=.vault-profile
  [[ -e $f || -e ../$f || -e ../../$f || -e ../../../$f ||
    -e $u/$f || -e $u/../$f || -e $u/../../$f || -e $u/../../../$f ||
    -e $u/$u/$f || -e $u/$u/../$f || -e $u/$u/../../$f || -e $u/$u/../../../$f ||
    -e $u/$u/$u/$f || -e $u/$u/$u/../$f || -e $u/$u/$u/../../$f || -e $u/$u/$u/../../../$f ]]
}

# __vault_directory asks the binary, where there is another file than before, or
# none any more.
__vault_directory() {
  \builtin local found='' __vault_c='' __vault_l="${__VAULT_STATE-}" __vault_end=$'\n: vault-end'
  __vault_at="$PWD"
  if __vault_near; then
    found=.vault-profile
    while [[ ! -e $found ]]; do found="../$found"; done
    if [[ $found -ef ${__vault_dir-} ]]; then \builtin return 0; fi
    found="$PWD/$found"
  fi
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
case "$-" in *i*) __vault_at='' ;; esac
