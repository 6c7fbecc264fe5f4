# Follows the .vault-profile of the folder that the shell is in. Comes after
# init.zsh, where the user has switched that on.

# __vault_near succeeds where there is a file in the folder that the shell is in,
# or in one of the fifteen above it.
function __vault_near {
  local u=../../../.. f=.vault-profile
  [[ -e $f || -e ../$f || -e ../../$f || -e ../../../$f ||
    -e $u/$f || -e $u/../$f || -e $u/../../$f || -e $u/../../../$f ||
    -e $u/$u/$f || -e $u/$u/../$f || -e $u/$u/../../$f || -e $u/$u/../../../$f ||
    -e $u/$u/$u/$f || -e $u/$u/$u/../$f || -e $u/$u/$u/../../$f || -e $u/$u/$u/../../../$f ]]
}

# __vault_directory looks for the nearest file when the folder has changed. The
# binary is asked where there is another one than before, or none any more.
function __vault_directory {
  [[ "$PWD" != "${__vault_at-}" ]] || return 0
  typeset -g __vault_at="$PWD"
  local found=''
  if __vault_near; then
    found=.vault-profile
    while [[ ! -e "$found" ]]; do found="../$found"; done
    found="${found:A}"
  fi
  # A shell begins outside, unless it has inherited a switch.
  [[ "$found" != "${__vault_dir-${__VAULT_STATE:+?}}" ]] || return 0
  typeset -g __vault_dir="$found"
  [[ -x "${__VAULT_INIT[1]}" ]] || return 0
  local __vault_c='' __vault_end=$'\n: vault-end' __vault_l="${__VAULT_STATE-}"
  setopt local_options local_traps
  trap - DEBUG ZERR
  __vault_c="$("${__VAULT_INIT[1]}" "${__VAULT_INIT[6]}" hook dir 2>/dev/null </dev/null)" || return 0
  [[ "$__vault_c" == *"$__vault_end" ]] || return 0
  eval "${__vault_c%"$__vault_end"}" 2>/dev/null || true
  [[ "${__VAULT_STATE-}" != "$__vault_l" ]] || return 0
  [[ -z "$__vault_l" ]] || typeset -g +x __VAULT_LAST="$__vault_l"
  __vault_enlist
}

# __vault_chpwd runs at a cd, so that what stands behind it in the line has the
# profile already: but not in a subshell, whose switch would be lost, in a key's
# widget, which must not print, or before the first prompt.
function __vault_chpwd {
  (( ZSH_SUBSHELL == 0 )) && [[ -n "${__vault_begun-}" ]] || return 0
  if zle 2>/dev/null; then
    return 0
  fi
  __vault_at_prompt
}

# __vault_at_prompt looks for what no cd has told of. Before the first prompt
# nothing is printed.
function __vault_at_prompt {
  __vault_directory
  if [[ -n "${__VAULT_SAY-}" && -n "${__vault_begun-}" ]]; then
    print -ru2 -- "$__VAULT_SAY"
    unset __VAULT_SAY
  fi
  typeset -g __vault_begun=1
}

if [[ -o interactive ]]; then
  unset __vault_at __vault_dir __vault_begun
  typeset -ga chpwd_functions
  chpwd_functions=("${(@)chpwd_functions:#__vault_chpwd}" __vault_chpwd)
  precmd_functions=(__vault_at_prompt "${(@)precmd_functions:#__vault_at_prompt}")
fi
