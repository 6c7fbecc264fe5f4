# Follows the .vault-profile of the folder that the shell is in. Comes after
# init.zsh, where the user has switched that on.

# __vault_directory [prompt] looks for the nearest file when the folder has
# changed, in that and the fifteen above it. Most folders have none: then it
# calls nothing, as a call takes longer than the search. The binary is asked
# where there is another file than before, or none any more.
#
# It runs at a cd, so that what stands behind it in the line has the profile
# already: but not in a subshell, whose switch would be lost, in a key's widget,
# which must not print, or before the first prompt.
function __vault_directory {
  [[ -n "${1-}" ]] || (( ZSH_SUBSHELL == 0 )) && [[ -n "${__vault_begun-}" && -z "${WIDGET-}" ]] || return 0
  [[ "$PWD" != "${__vault_at-}" ]] || return 0
  typeset -g __vault_at="$PWD"
  local found='' u=../../../.. f=.vault-profile
  if [[ -e $f || -e ../$f || -e ../../$f || -e ../../../$f ||
    -e $u/$f || -e $u/../$f || -e $u/../../$f || -e $u/../../../$f ||
    -e $u/$u/$f || -e $u/$u/../$f || -e $u/$u/../../$f || -e $u/$u/../../../$f ||
    -e $u/$u/$u/$f || -e $u/$u/$u/../$f || -e $u/$u/$u/../../$f || -e $u/$u/$u/../../../$f ]]; then
    found="$f"
    while [[ ! -e "$found" ]]; do found="../$found"; done
    found="${found:A}"
  fi
  # A shell begins outside, unless it has inherited a switch.
  [[ "$found" != "${__vault_dir-${__VAULT_STATE:+?}}" ]] || return 0
  typeset -g __vault_dir="$found"
  __vault_entered
  [[ -n "${1-}" ]] || __vault_tell
}

# __vault_entered has the binary say what the folder asks for, and does it.
function __vault_entered {
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

function __vault_tell {
  if [[ -n "${__VAULT_SAY-}" ]]; then
    print -ru2 -- "$__VAULT_SAY"
    unset __VAULT_SAY
  fi
}

# __vault_at_prompt looks for what no cd has told of. Before the first prompt
# nothing is printed.
function __vault_at_prompt {
  [[ "$PWD" != "${__vault_at-}" || -n "${__VAULT_SAY-}" || -z "${__vault_begun-}" ]] || return 0
  __vault_directory prompt
  [[ -z "${__vault_begun-}" ]] || __vault_tell
  typeset -g __vault_begun=1
}

if [[ -o interactive ]]; then
  unset __vault_at __vault_dir __vault_begun
  typeset -ga chpwd_functions
  chpwd_functions=("${(@)chpwd_functions:#__vault_(chpwd|directory)}" __vault_directory)
  precmd_functions=(__vault_at_prompt "${(@)precmd_functions:#__vault_at_prompt}")
fi
