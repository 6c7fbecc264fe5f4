# What a zsh with a profile in use needs beside init.zsh, which loads it when it
# is first needed.

# __vault_switch COMMAND... runs one of the commands that change the shell.
function __vault_switch {
  local __vault_c='' __vault_end=$'\n: vault-end'
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
  unset __vault_first
  __vault_enlist
}

# __vault_read reads the state once, into
#   __vault_f=(VERSION EXPIRES DUE LEAST END KEY HASH STYLE PROFILE LABEL)
# It fails where there is none that can be read. It comes from the environment:
# only numbers that can be some are reckoned with.
function __vault_read {
  if [[ "$__VAULT_STATE" != "${__vault_state-}" ]]; then
    typeset -g __vault_state="$__VAULT_STATE" __vault_line='' __vault_file=''
    typeset -ga __vault_f=()
    local n
    local -a f
    f=("${(@s:|:)__VAULT_STATE}")
    [[ "$f[1]" == 2 ]] && (( $#f >= 11 )) || return 1
    for n in "${(@)f[2,5]}"; do
      [[ "$n" == <-> ]] && (( $#n <= 12 )) || return 1
    done
    [[ $#f[7] == 32 && "$f[7]" != *[^0-9a-f]* ]] || return 1
    __vault_f=("${(@)f[1,8]}" "${f[9]//[[:cntrl:]]/?}" "${(j:|:)f[10,-2]//[[:cntrl:]]/?}")
    __vault_file="${__VAULT_INIT[5]}/$f[7].stamp"
    (( ${+EPOCHSECONDS} )) || zmodload zsh/datetime
    (( ${+sysparams} )) || zmodload zsh/system 2>/dev/null || true
  fi
  [[ -n "${__vault_f-}" ]]
}

# __vault_stamp reads the stamp into __vault_line: KEY EXPIRES STATE NEXT WAIT;
# an empty one says that the session is gone. It takes one call of read(2) where
# the module is there: read makes one for each byte.
function __vault_stamp {
  typeset -g __vault_line=''
  if [[ ! -s "$__vault_file" ]]; then
    [[ ! -e "$__vault_file" ]] || __vault_line=gone
    return 0
  fi
  if (( ${+sysparams} )); then
    sysread __vault_line <"$__vault_file" || true
  else
    read -r __vault_line <"$__vault_file" || true
  fi 2>/dev/null
  __vault_line="${__vault_line%$'\n'}"
}

# __vault_look reads all that a prompt shows and a hook goes by, and writes the
# segment: its text to __vault_text, its colour to __vault_color. It fails where
# no profile is in use, or somebody else has changed the variables: then there is
# nothing to renew. Until __vault_wake nothing comes of looking again, as long
# as the stamp is there and __vault_sig is what the variables say.
function __vault_look {
  typeset -g __vault_text='' __vault_color=default __vault_drawn='' __vault_sig=''
  typeset -gi __vault_wake=0 __vault_since=0
  [[ -n "${__VAULT_STATE-}" ]] || return 1
  __vault_sig="${AWS_VAULT-} ${AWS_ACCESS_KEY_ID-} ${AWS_PROFILE-} ${AWS_DEFAULT_PROFILE-} ${AWS_REGION-} $__VAULT_STATE"
  if ! __vault_read; then
    __vault_text='vault ?' __vault_color=magenta
    return 1
  fi
  if [[ "${AWS_VAULT-}" != "$__vault_f[9]" || "${AWS_ACCESS_KEY_ID-}" != "$__vault_f[6]" || -n "${AWS_DEFAULT_PROFILE-}" ]] ||
    [[ -n "${AWS_PROFILE-}" && ( -n "$__vault_f[6]" || "$AWS_PROFILE" != "$__vault_f[9]" ) ]]; then
    __vault_text="$__vault_f[9] != env" __vault_color=magenta
    return 1
  fi
  __vault_stamp
  __vault_write
}

# __vault_write writes the segment for the time that it is.
function __vault_write {
  local word='' what='' color="$__vault_f[8]" text="$__vault_f[10]"
  local -i now=EPOCHSECONDS until="__vault_f[2]" due="__vault_f[3]" end="__vault_f[5]" left hours minutes wake
  [[ "$color" == (black|red|yellow|blue|magenta|cyan|white|protected) ]] || color=green
  wake=now+86400
  if (( end && (until == 0 || end < until) )); then
    until=end
  fi
  if (( until )); then
    # An integer holds no fraction, whatever force_float says of a division.
    (( left = until - now, hours = left / 3600, minutes = (left - 3600 * hours) / 60, 1 ))
    if (( left >= 60 )); then
      wake='until - 60 * (left / 60) + 1'
    else
      wake=0
    fi
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
    if (( due && now >= due )); then
      wake=0
      case "$word$__vault_line" in
        (over*) ;;
        (*' '(mfa|locked|login)' '*) what=', needs you' ;;
        (*' renewing '*) what=', renewing' ;;
        (*) [[ "${__VAULT_HOOK-}" != "$__vault_f[6] "*' renewing' || "$__vault_line" != "${__vault_seen-}" ]] || what=', renewing' ;;
      esac
    elif (( due && due < wake )); then
      wake=due
    fi
    if (( end && end < wake )); then
      wake=end
    fi
  fi
  if [[ ! -x "${__VAULT_INIT[1]}" || "${__VAULT_HOOK-}" == *' reload' ]]; then
    what=', reload' wake=0
  elif [[ "${__VAULT_HOOK-}" == "$__vault_f[6] "*' foreign' ]]; then
    what=' != env' wake=0
  fi
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
  __vault_text="$text" __vault_color="$color" __vault_wake=wake __vault_since=now
}

# __vault_hook prompt|exec: what is to be done before a prompt, or before a
# command runs. It starts a process only where there is something to do.
function __vault_hook {
  __vault_look || return 0
  local -i now=EPOCHSECONDS due="__vault_f[3]" least="__vault_f[4]" end="__vault_f[5]"
  if (( (due == 0 || now < due) && (end == 0 || now < end) )) && [[ "$__vault_line" != gone ]]; then
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
  case "$s[3]" in
    (mfa|locked|login) [[ "$mark" == told || "$__vault_line" == "${__vault_seen-}" ]] || call=1 ;;
    (ok)
      if [[ "$s[1]" != "$key" ]]; then
        next=0
        [[ "$__vault_line" == "${__vault_seen-}" ]] || call=1
      fi
      ;;
    # A command waits for a renewal that is under way.
    (renewing) [[ "$1" == prompt ]] || (( now < least )) || next=0 ;;
  esac
  if [[ "$1$mark" == execrenewing ]] && (( now >= least )); then
    look=0
  fi
  [[ "$__vault_line$mark" != gonerenewing ]] || look=0
  if (( end && now >= end )); then
    next=0
  fi
  if (( call || now >= look && now >= next )); then
    typeset -g __vault_seen="$__vault_line"
    __vault_call "$1" "$mark" $now
    __vault_look || true
  fi
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
        return 0
      fi
      ;;
    # It is gone, or speaks another protocol.
    (2|6|126|127) __vault_m=reload ;;
  esac
  typeset -g +x __VAULT_HOOK="$__vault_k $(( $3 + 30 )) $__vault_m"
}

# vault_prompt_info [plain] prints the segment.
function vault_prompt_info {
  __vault_look || true
  if [[ -n "$__vault_text" && "${1-}" == plain ]]; then
    print -rn -- "$__vault_text"
  elif [[ -n "$__vault_text" ]]; then
    local new
    __vault_paint
    print -rn -- "$new"
  fi
  return 0
}

# __vault_paint puts the segment as a prompt shows it into $new.
function __vault_paint {
  new="(${__vault_text//\%/%%})"
  if [[ -n "${NO_COLOR-}" || "${TERM-}" == dumb ]]; then
    new="%F{default}$new%f "
  elif [[ "$__vault_color" == protected ]]; then
    new="%K{red}%F{white}$new%f%k "
  else
    new="%F{$__vault_color}$new%f "
  fi
}

# __vault_p10k draws the segment in powerlevel10k.
function __vault_p10k {
  __vault_look || true
  if [[ "$__vault_color" == protected ]]; then
    p10k segment -s PROTECTED -b red -f white -t "${__vault_text//\%/%%}"
  elif [[ -n "$__vault_text" ]]; then
    p10k segment -f "$__vault_color" -t "${__vault_text//\%/%%}"
  fi
}

# The two hooks below have one test each to pass while nothing is to be done, and
# call nothing: a call takes 17 µs, of which 4 are for the options. With those of
# the test that makes 25 µs for the first, 35 for the second.

# __vault_precmd runs ahead of the user's hooks, which are to see what is new. It
# minds the clock. Before the first prompt nothing is printed: it may be an
# instant one.
function __vault_precmd {
  if [[ $EPOCHSECONDS -lt $__vault_wake && $EPOCHSECONDS -ge $__vault_since && -s "$__vault_file" && -z "${__VAULT_SAY-}" ]]; then
    return 0
  fi
  if [[ "${__VAULT_INIT[4]}" == 1 ]]; then
    __vault_hook prompt
  else
    __vault_look || true
  fi
  if [[ -n "${__vault_first-}" ]]; then
    unset __vault_first
  else
    __vault_say
  fi
}

# __vault_prompt runs behind the user's hooks and keeps the segment in front of
# a prompt that no prompt program draws. Where the prompt is subject to expansion
# it names a variable, whose value is not expanded again.
function __vault_prompt {
  if [[ "${AWS_VAULT-} ${AWS_ACCESS_KEY_ID-} ${AWS_PROFILE-} ${AWS_DEFAULT_PROFILE-} ${AWS_REGION-} ${__VAULT_STATE-}" == "$__vault_sig" && -x "${__VAULT_INIT[1]}" ]]; then
    [[ "$PROMPT" != "$__vault_drawn" ]] || return 0
  elif [[ -n "${__VAULT_STATE-}" && "${__VAULT_INIT[4]}" == 1 && -z "${__vault_first-}" ]]; then
    __vault_hook prompt
    __vault_say
  else
    __vault_look || true
  fi
  local lead='' new=''
  local -a others
  others=(${(M)precmd_functions:#(_p9k_precmd|starship_precmd|prompt_starship_precmd|_omp_precmd|prompt_ohmyposh_precmd)})
  if [[ -n "${__VAULT_MARK-}" ]]; then
    PROMPT="${PROMPT/"$__VAULT_MARK"/}"
    typeset -g __VAULT_MARK=''
  fi
  if [[ -n "$__vault_text" && -z "${P9K_VERSION-}${_p9k__version-}${others-}" ]]; then
    if [[ -o prompt_percent ]]; then
      __vault_paint
    else
      new="($__vault_text) "
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
  fi
  typeset -g __vault_drawn="$PROMPT"
  [[ -n "${__VAULT_STATE-}" ]] || __vault_enlist
}

# __vault_preexec LINE runs before a line does, unless that calls us.
function __vault_preexec {
  if [[ $EPOCHSECONDS -lt $__vault_wake && $EPOCHSECONDS -ge $__vault_since && -s "$__vault_file" && -z "${__VAULT_SAY-}" ]]; then
    return 0
  fi
  [[ "${1#"${1%%[^[:space:]]*}"} " != "${__VAULT_INIT[2]} "* ]] || return 0
  __vault_hook exec
  __vault_say
}

# __vault_say prints what waits to be said.
function __vault_say {
  if [[ -n "${__VAULT_SAY-}" ]]; then
    print -ru2 -- "$__VAULT_SAY"
    unset __VAULT_SAY
  fi
  [[ -n "${__VAULT_STATE-}" ]] || __vault_enlist
}

# __vault_enlist has the hooks called while a profile is in use or the segment
# has to be taken away, else that which looks for one.
function __vault_enlist {
  typeset -gi __vault_wake=0 __vault_since=0
  typeset -g __vault_drawn='' __vault_sig='' __vault_file="${__vault_file-}"
  [[ -o interactive && "${__VAULT_INIT[3]}${__VAULT_INIT[4]}" != 00 ]] || return 0
  precmd_functions=("${(@)precmd_functions:#__vault_(idle|precmd|prompt)}")
  preexec_functions=("${(@)preexec_functions:#__vault_preexec}")
  if [[ -z "${__VAULT_STATE-}${__VAULT_MARK-}" ]]; then
    precmd_functions+=(__vault_idle)
    return 0
  fi
  (( ${+EPOCHSECONDS} )) || zmodload zsh/datetime
  precmd_functions=(__vault_precmd "${(@)precmd_functions}")
  [[ "${__VAULT_INIT[3]}" != 1 ]] || precmd_functions+=(__vault_prompt)
  [[ "${__VAULT_INIT[4]}" != 1 ]] || preexec_functions=(__vault_preexec "${(@)preexec_functions}")
}

__vault_enlist
