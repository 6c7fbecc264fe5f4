# Loads vault into zsh (5.3 and newer). Printed ahead of this file:
#   typeset -ga __VAULT_INIT=(EXE NAME PROMPT HOOK STAMPS CALLER)
# the binary, the function's name, 1 where we draw in the prompt, 1 where we
# renew, the folder of the stamps, and the binary's first argument. Go wraps
# all of it in a sticky emulation, so that no option or alias of the user
# changes what is defined here.

unset __VAULT_HOOK __VAULT_SAY __vault_state __vault_f __vault_line __vault_seen __vault_first
unalias -- "${__VAULT_INIT[2]}" 2>/dev/null || true
eval "function ${__VAULT_INIT[2]} { __vault_main \"\$@\" }"

function __vault_main {
  if [[ ! -x "${__VAULT_INIT[1]}" ]]; then
    print -ru2 -- "vault: ${__VAULT_INIT[1]} is gone: open a new shell"
    return 127
  fi
  case "$1" in
    (use|off|refresh|region) ;;
    (*)
      "${__VAULT_INIT[1]}" "${__VAULT_INIT[6]}" "$@"
      return
      ;;
  esac
  local __vault_c __vault_end=$'\n: vault-end'
  local -i __vault_s=0
  # ^C ends the binary and not this function, which has to say so. What is
  # exported in here reaches the binary alone. A DEBUG trap may print what is
  # run.
  setopt local_options local_traps
  trap - DEBUG ZERR
  trap '' INT
  __vault_c="$(
    trap - INT
    export __VAULT_LAST="${__VAULT_LAST-}"
    "${__VAULT_INIT[1]}" "${__VAULT_INIT[6]}" "$@"
  )" || __vault_s=$?
  trap - INT
  (( __vault_s == 0 )) || return __vault_s
  if [[ "$__vault_c" != *"$__vault_end" ]]; then
    print -ru2 -- 'vault: the answer was cut off: nothing was changed'
    return 1
  fi
  local __vault_l="${__VAULT_STATE-${__VAULT_LAST-}}"
  eval "${__vault_c%"$__vault_end"}" || return 1
  typeset -g +x __VAULT_LAST="$__vault_l" __VAULT_HOOK='' __VAULT_SAY=''
}

# __vault_read reads the state once, into
#   __vault_f=(VERSION EXPIRES DUE LEAST END KEY HASH STYLE PROFILE LABEL)
# It fails where there is none that can be read. It comes from the environment:
# only numbers that can be some are reckoned with.
function __vault_read {
  if [[ "$__VAULT_STATE" != "${__vault_state-}" ]]; then
    typeset -g __vault_state="$__VAULT_STATE" __vault_line=''
    typeset -ga __vault_f=()
    local n
    local -a f
    f=("${(@s:|:)__VAULT_STATE}")
    [[ "$f[1]" == 2 ]] && (( $#f >= 11 )) || return 1
    for n in "${(@)f[2,5]}"; do
      [[ "$n" == <-> ]] && (( $#n <= 12 )) || return 1
    done
    [[ $#f[7] == 32 && "$f[7]" != *[^0-9a-f]* ]] || return 1
    __vault_f=("${(@)f[1,9]}" "${(j:|:)f[10,-2]//[[:cntrl:]]/?}")
    __vault_f[9]="${f[9]//[[:cntrl:]]/?}"
    (( ${+EPOCHSECONDS} )) || zmodload zsh/datetime
    (( ${+sysparams} )) || zmodload zsh/system 2>/dev/null
  fi
  [[ -n "${__vault_f-}" ]]
}

# __vault_foreign succeeds where somebody else has changed the variables.
function __vault_foreign {
  [[ "${AWS_VAULT-}" != "$__vault_f[9]" || "${AWS_ACCESS_KEY_ID-}" != "$__vault_f[6]" || -n "${AWS_PROFILE-}${AWS_DEFAULT_PROFILE-}" ]]
}

# __vault_stamp reads the stamp into __vault_line: KEY EXPIRES STATE NEXT WAIT.
# One call of read(2) where the module is there: read makes one for each byte.
function __vault_stamp {
  typeset -g __vault_line=''
  if (( ${+sysparams} )); then
    sysread __vault_line <"${__VAULT_INIT[5]}/${__vault_f[7]}.stamp" || true
  else
    read -r __vault_line <"${__VAULT_INIT[5]}/${__vault_f[7]}.stamp" || true
  fi 2>/dev/null
  __vault_line="${__vault_line%$'\n'}"
}

# __vault_hook prompt|exec: what is to be done before a prompt, or before a
# command runs. It starts a process only where there is something to do.
function __vault_hook {
  [[ -n "${__VAULT_STATE-}" ]] && __vault_read && ! __vault_foreign || return 0
  __vault_stamp
  local -i now=EPOCHSECONDS due="__vault_f[3]" least="__vault_f[4]" end="__vault_f[5]"
  if (( (due == 0 || now < due) && (end == 0 || now < end) )) && [[ "$__vault_line" != *' gone '* ]]; then
    return 0
  fi
  local mark=- key="$__vault_f[6]"
  local -i look=0 next=0 call=0
  local -a s h
  s=(${=__vault_line}) h=(${=__VAULT_HOOK-})
  if [[ "$h[1]" == "$key" && "$h[2]" == <-> ]] && (( $#h[2] <= 12 )); then
    look=$h[2] mark="$h[3]"
  fi
  if [[ "$s[4]" == <-> ]] && (( $#s[4] <= 12 )); then
    next=$s[4]
  fi
  if (( end && now >= end )); then
    call='now >= look'
  elif [[ "$s[3]" == gone ]]; then
    call='now >= look'
  elif [[ "$__vault_line" != "${__vault_seen-}" && ( "$s[3]" == ok && "$s[1]" != "$key" || "$s[3]" == (mfa|locked|login) && "$mark" != told ) ]]; then
    call=1
  elif [[ "$1" == exec ]] && (( now >= least )); then
    if [[ "$s[3]" != (mfa|locked|login|fail) ]] || (( now >= next )); then
      call='now >= look'
      [[ "$mark" != renewing ]] || call=1
    fi
  elif (( now >= next )) || [[ "$s[3]" == ok && "$s[1]" != "$key" ]]; then
    call='now >= look'
  fi
  (( call )) || return 0
  typeset -g __vault_seen="$__vault_line"
  __vault_call "$1" "$mark" $now
}

# __vault_call HOOK MARK NOW has the binary say what to do, and does it. What
# is to be said waits in __VAULT_SAY.
function __vault_call {
  local __vault_c='' __vault_end=$'\n: vault-end' __vault_l="$__VAULT_STATE" __vault_k="$__vault_f[6]" __vault_m="$2"
  local -i __vault_s=0
  setopt local_options local_traps
  trap - DEBUG ZERR
  if [[ -x "${__VAULT_INIT[1]}" ]]; then
    __vault_c="$("${__VAULT_INIT[1]}" "${__VAULT_INIT[6]}" hook "$1" "$2" 2>/dev/null </dev/null)" || __vault_s=$?
  else
    __vault_s=127
  fi
  case $__vault_s in
    (0)
      if [[ "$__vault_c" == *"$__vault_end" ]]; then
        eval "${__vault_c%"$__vault_end"}" 2>/dev/null
        [[ "${__VAULT_STATE-}" == "$__vault_l" ]] || typeset -g +x __VAULT_LAST="$__vault_l"
        [[ -z "${__VAULT_STATE-}" ]] || ! __vault_read || __vault_stamp
        return 0
      fi
      ;;
    # It is gone, or speaks another protocol.
    (2|6|126|127) __vault_m=reload ;;
  esac
  typeset -g +x __VAULT_HOOK="$__vault_k $(( $3 + 30 )) $__vault_m"
}

# __vault_segment: the segment's text in $reply[1], its colour in $reply[2];
# empty where no profile is in use.
function __vault_segment {
  reply=('' '')
  [[ -n "${__VAULT_STATE-}" ]] || return 0
  if ! __vault_read; then
    reply=('vault ?' magenta)
  elif __vault_foreign; then
    reply=("$__vault_f[9] != env" magenta)
  else
    [[ "${__VAULT_INIT[4]}" == 1 && -o interactive ]] || __vault_stamp
    local word='' color="$__vault_f[8]" text="$__vault_f[10]" what
    local -i now=EPOCHSECONDS until="__vault_f[2]" due="__vault_f[3]" end="__vault_f[5]" left hours minutes
    [[ "$color" == (black|red|yellow|blue|magenta|cyan|white|protected) ]] || color=green
    if (( end && (until == 0 || end < until) )); then
      until=end
    fi
    if (( until )); then
      # An integer holds no fraction, whatever force_float says of a division.
      (( left = until - now, hours = left / 3600, minutes = (left - 3600 * hours) / 60 ))
      if (( end && now >= end )); then
        word=over what=red
      elif (( left <= 0 )); then
        word=expired what=red
      elif (( left < 60 )); then
        word="${left}s" what=yellow
      elif (( left < 3600 )); then
        word="${minutes}m"
        (( left > 900 )) || what=yellow
      else
        word="${hours}h${(l:2::0:)minutes}m"
      fi
      [[ -z "$what" || "$color" == protected ]] || color="$what"
      what=''
      if (( due && now >= due )) && [[ "$word" != over ]]; then
        case "$__vault_line" in
          (*' '(mfa|locked|login)' '*) what=', needs you' ;;
          (*' renewing '*) what=', renewing' ;;
          (*) [[ "${__VAULT_HOOK-}" != "$__vault_f[6] "*' renewing' || "$__vault_line" != "${__vault_seen-}" ]] || what=', renewing' ;;
        esac
      fi
    fi
    [[ -x "${__VAULT_INIT[1]}" && "${__VAULT_HOOK-}" != *' reload' ]] || what=', reload'
    [[ "${__VAULT_HOOK-}" != "$__vault_f[6] "*' foreign' ]] || what=' != env'
    word+="$what"
    if [[ "$text" == *'{left}'* ]]; then
      [[ -n "$word" ]] || text="${text/ \{left\}/}"
      text="${text//\{left\}/${word#, }}"
    elif [[ -n "$what" || "$word" == (expired|over) ]]; then
      text+=" ${word#, }"
    fi
    if [[ "$text" == *'{region}'* ]]; then
      what="${AWS_REGION:-${AWS_DEFAULT_REGION-}}"
      [[ -n "$what" ]] || text="${text/ \{region\}/}"
      text="${text//\{region\}/${what//[[:cntrl:]]/?}}"
    fi
    reply=("$text" $color)
  fi
  [[ -z "${NO_COLOR-}" && "${TERM-}" != dumb ]] || reply[2]=default
}

# vault_prompt_info [plain]: the segment, for prompts made by hand:
#   setopt prompt_subst; PROMPT='$(vault_prompt_info)%~ %# '
# plain is the text alone, as for a title.
function vault_prompt_info {
  local -a reply
  __vault_segment
  if [[ -z "$reply[1]" ]]; then
    :
  elif [[ "${1-}" == plain ]]; then
    print -rn -- "$reply[1]"
  else
    __vault_paint
    print -rn -- "$reply[1]"
  fi
  return 0
}

# __vault_paint turns $reply into the segment as a prompt shows it.
function __vault_paint {
  reply[1]="(${reply[1]//\%/%%})"
  if [[ "$reply[2]" == protected ]]; then
    reply[1]="%K{red}%F{white}$reply[1]%f%k "
  else
    reply[1]="%F{$reply[2]}$reply[1]%f "
  fi
}

# prompt_vault: a segment of powerlevel10k, by the name "vault" in
# POWERLEVEL9K_LEFT_PROMPT_ELEMENTS or POWERLEVEL9K_RIGHT_PROMPT_ELEMENTS.
typeset -f prompt_vault >/dev/null 2>&1 || function prompt_vault {
  local -a reply
  __vault_segment
  [[ -n "$reply[1]" ]] || return 0
  case "$reply[2]" in
    (protected) p10k segment -s PROTECTED -b red -f white -t "${reply[1]//\%/%%}" ;;
    (*) p10k segment -f "$reply[2]" -t "${reply[1]//\%/%%}" ;;
  esac
}

# __vault_prompt keeps the segment in front of a prompt that no prompt program
# draws. Where the prompt is subject to expansion it names a variable, whose
# value is not expanded again.
function __vault_prompt {
  [[ -n "${__VAULT_STATE-}${__VAULT_MARK-}" ]] || return 0
  local -a reply
  local lead='' new=''
  if [[ -n "${__VAULT_MARK-}" ]]; then
    PROMPT="${PROMPT/"$__VAULT_MARK"/}"
    typeset -g __VAULT_MARK=''
  fi
  __vault_segment
  [[ -n "$reply[1]" ]] || return 0
  [[ -z "${P9K_VERSION-}${_p9k__version-}" ]] || return 0
  [[ -z "${(M)precmd_functions:#(_p9k_precmd|starship_precmd|prompt_starship_precmd|_omp_precmd|prompt_ohmyposh_precmd)}" ]] || return 0
  if [[ -o prompt_percent ]]; then
    __vault_paint
    new="$reply[1]"
  else
    new="($reply[1]) "
  fi
  [[ ! -o prompt_bang ]] || new="${new//!/!!}"
  if [[ -o prompt_subst ]]; then
    typeset -g __VAULT_PS="$new"
    new='${__VAULT_PS-}'
  fi
  while [[ "$PROMPT" == $'\n'* ]]; do
    lead+=$'\n'
    PROMPT="${PROMPT#?}"
  done
  PROMPT="$lead$new$PROMPT"
  typeset -g __VAULT_MARK="$new"
}

# __vault_precmd runs ahead of the user's hooks, which are to see what is new.
# Before the first prompt nothing is printed: it may be an instant one.
function __vault_precmd {
  [[ -n "${__VAULT_STATE-}${__VAULT_SAY-}${__vault_first-}" ]] || return 0
  __vault_hook prompt
  if [[ -n "${__vault_first-}" ]]; then
    unset __vault_first
  elif [[ -n "${__VAULT_SAY-}" ]]; then
    print -ru2 -- "$__VAULT_SAY"
    unset __VAULT_SAY
  fi
}

# __vault_preexec LINE runs before a line does, unless that calls us.
function __vault_preexec {
  [[ -n "${__VAULT_STATE-}${__VAULT_SAY-}" && "${1#"${1%%[^[:space:]]*}"}" != "${__VAULT_INIT[2]}"(| *) ]] || return 0
  __vault_hook exec
  if [[ -n "${__VAULT_SAY-}" ]]; then
    print -ru2 -- "$__VAULT_SAY"
    unset __VAULT_SAY
  fi
}

if [[ -o interactive ]]; then
  typeset -ga precmd_functions preexec_functions
  precmd_functions=("${(@)precmd_functions:#__vault_(precmd|prompt)}")
  preexec_functions=("${(@)preexec_functions:#__vault_preexec}")
  if [[ "${__VAULT_INIT[4]}" == 1 ]]; then
    typeset -g __vault_first=1
    precmd_functions=(__vault_precmd "${(@)precmd_functions}")
    preexec_functions=(__vault_preexec "${(@)preexec_functions}")
  fi
  [[ "${__VAULT_INIT[3]}" != 1 ]] || precmd_functions+=(__vault_prompt)
fi
