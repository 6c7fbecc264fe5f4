# Loads vault into zsh (5.3 and newer). Printed ahead of this file:
#   typeset -ga __VAULT_INIT=(EXE NAME PROMPT HOOK STAMPS CALLER)
# the binary, the function's name, 1 where we draw in the prompt, 1 where we
# renew, the folder of the stamps, and the binary's first argument. Go wraps
# all of it in a sticky emulation, so that no option or alias of the user
# changes what is defined here.
#
# Every new shell evaluates this file, so that it holds little: the 14 KB of all
# files take 3 ms, as long as starting the binary once more. What only a shell
# with a profile in use needs stands in session.zsh. The binary prints it along
# with this where the shell inherits a profile, else when it is first needed.

unset __VAULT_HOOK __VAULT_SAY __vault_state __vault_f __vault_line __vault_seen __vault_first __vault_wake __vault_since __vault_sig __vault_file __vault_drawn
unalias -- "${__VAULT_INIT[2]}" 2>/dev/null || true
eval "function ${__VAULT_INIT[2]} { __vault_main \"\$@\" }"

function __vault_main {
  if [[ ! -x "${__VAULT_INIT[1]}" ]]; then
    print -ru2 -- "vault: ${__VAULT_INIT[1]} is gone: open a new shell"
    return 127
  fi
  case "$1" in
    (use|off|refresh|region|logout)
      __vault_switch "$@"
      return
      ;;
    # What a folder asks for is looked at again.
    (allow|deny) unset __vault_at __vault_dir ;;
    (exec)
      # A program that is not found may be something that only this shell knows.
      local __vault_w="${@[${@[(ie)--]}+1]}" __vault_k=''
      if (( ${+functions[$__vault_w]} )); then
        __vault_k=function
      elif (( ${+aliases[$__vault_w]} )); then
        __vault_k=alias
      fi
      __VAULT_WORD="$__vault_k" "${__VAULT_INIT[1]}" "${__VAULT_INIT[6]}" "$@"
      return
      ;;
  esac
  "${__VAULT_INIT[1]}" "${__VAULT_INIT[6]}" "$@"
}

# __vault_load PART has the binary print a part of the shell's code, and defines
# it: session or completion. The binary says why it cannot.
function __vault_load {
  local __vault_c='' __vault_end=$'\n: vault-end'
  setopt local_options local_traps
  trap - DEBUG ZERR
  __vault_c="$("${__VAULT_INIT[1]}" "${__VAULT_INIT[6]}" init zsh --part "$1" </dev/null)" || return
  typeset -g __vault_part=''
  [[ "$__vault_c" != *"$__vault_end" ]] || eval "${__vault_c%"$__vault_end"}"
  if [[ "$__vault_part" != "$1" ]]; then
    print -ru2 -- 'vault: the answer was cut off: nothing was changed'
    return 1
  fi
}

# These stand for those of session.zsh, which take their names.
function __vault_switch {
  __vault_load session && __vault_switch "$@"
}
function __vault_enlist __vault_p10k {
  __vault_load session 2>/dev/null && "$0" "$@"
}

# vault_prompt_info [plain]: the segment, for prompts made by hand:
#   setopt prompt_subst; PROMPT='$(vault_prompt_info)%~ %# '
# plain is the text alone, as for a title.
function vault_prompt_info {
  [[ -z "${__VAULT_STATE-}" ]] || ! __vault_load session 2>/dev/null || vault_prompt_info "$@"
}

# prompt_vault: a segment of powerlevel10k, by the name "vault" in
# POWERLEVEL9K_LEFT_PROMPT_ELEMENTS or POWERLEVEL9K_RIGHT_PROMPT_ELEMENTS.
typeset -f prompt_vault >/dev/null 2>&1 || function prompt_vault {
  [[ -z "${__VAULT_STATE-}" ]] || __vault_p10k
}

# __vault_idle looks before each prompt whether a profile has come into use by
# what did not go through our function, as direnv. It stands in precmd_functions
# while none is. Where the binary is gone by then, one line says so, once.
function __vault_idle {
  [[ -z "${__VAULT_STATE-}" ]] || __vault_woken
}
function __vault_woken {
  if ! __vault_enlist; then
    precmd_functions=("${(@)precmd_functions:#__vault_idle}")
    print -ru2 -- "vault: ${__VAULT_INIT[1]} is gone or another version: open a new shell"
  elif [[ "${__VAULT_INIT[3]}" == 1 ]]; then
    __vault_prompt
  fi
}

# Completion is loaded when it is first asked for.
function _vault {
  __vault_load completion 2>/dev/null && _vault "$@"
}

if [[ -o interactive ]]; then
  typeset -ga precmd_functions preexec_functions
  precmd_functions=("${(@)precmd_functions:#__vault_(idle|precmd|prompt|compdef)}")
  preexec_functions=("${(@)preexec_functions:#__vault_preexec}")
  [[ "${__VAULT_INIT[3]}${__VAULT_INIT[4]}" == 00 ]] || precmd_functions+=(__vault_idle)
  typeset -g __vault_first=1
  # A segment that was drawn before this was loaded again.
  if [[ -n "${__VAULT_MARK-}" ]]; then
    PROMPT="${PROMPT/"$__VAULT_MARK"/}"
    unset __VAULT_MARK
  fi
  # compinit may still be to come: then wait for the first prompt.
  function __vault_compdef {
    precmd_functions=("${(@)precmd_functions:#__vault_compdef}")
    ! typeset -f compdef >/dev/null 2>&1 || compdef _vault "${__VAULT_INIT[2]}"
  }
  if typeset -f compdef >/dev/null 2>&1; then
    __vault_compdef
  else
    precmd_functions+=(__vault_compdef)
  fi
fi
