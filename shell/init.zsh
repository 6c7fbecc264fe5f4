# Loads vault into zsh (5.3 and newer). Printed ahead of this file:
#   typeset -ga __VAULT_INIT=(EXE NAME PROMPT)
# the binary, the function's name, and 1 where we draw in the prompt. Go wraps
# all of it in a sticky emulation, so that no option or alias of the user
# changes what is defined here.

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
      "${__VAULT_INIT[1]}" "--fn=zsh:${__VAULT_INIT[2]}" "$@"
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
    "${__VAULT_INIT[1]}" "--fn=zsh:${__VAULT_INIT[2]}" "$@"
  )" || __vault_s=$?
  trap - INT
  (( __vault_s == 0 )) || return __vault_s
  if [[ "$__vault_c" != *"$__vault_end" ]]; then
    print -ru2 -- 'vault: the answer was cut off: nothing was changed'
    return 1
  fi
  local __vault_l="${__VAULT_STATE-${__VAULT_LAST-}}"
  eval "${__vault_c%"$__vault_end"}" || return 1
  typeset -g +x __VAULT_LAST="$__vault_l"
}

# __vault_segment: the segment's text in $reply[1], its colour in $reply[2];
# empty where no profile is in use.
function __vault_segment {
  reply=('' '')
  [[ "${__VAULT_STATE-}" == 1:*:*:*:*:* ]] || return 0
  local rest="${__VAULT_STATE#1:}" until key color profile
  local -i left hours minutes
  until="${rest%%:*}" rest="${rest#*:}"
  key="${rest%%:*}" rest="${rest#*:}"
  color="${rest%%:*}" rest="${rest#*:}"
  [[ "$color" == (black|red|yellow|blue|magenta|cyan|white) ]] || color=green
  profile="${rest%:*}"
  # It comes from the environment: only a number that can be one is reckoned
  # with, and nothing in the name speaks to the terminal.
  [[ "$until" == <-> ]] && (( $#until <= 12 )) || return 0
  if [[ "${AWS_VAULT-}" != "$profile" || "${AWS_ACCESS_KEY_ID-}" != "$key" || -n "${AWS_PROFILE-}" ]]; then
    reply=("$profile != env" magenta)
  elif [[ "$until" == 0 ]]; then
    reply=("$profile" $color)
  else
    (( ${+EPOCHSECONDS} )) || zmodload zsh/datetime
    # An integer holds no fraction, whatever force_float says of a division.
    (( left = until - EPOCHSECONDS, hours = left / 3600, minutes = (left - 3600 * hours) / 60 ))
    if (( left <= 0 )); then
      reply=("$profile expired" red)
    elif (( left < 60 )); then
      reply=("$profile ${left}s" yellow)
    elif (( left <= 900 )); then
      reply=("$profile ${minutes}m" yellow)
    elif (( left < 3600 )); then
      reply=("$profile ${minutes}m" $color)
    else
      reply=("$profile ${hours}h${(l:2::0:)minutes}m" $color)
    fi
  fi
  reply[1]="${reply[1]//[[:cntrl:]]/?}"
  [[ -z "${NO_COLOR-}" && "${TERM-}" != dumb ]] || reply[2]=default
}

# vault_prompt_info: the segment, for prompts made by hand:
#   setopt prompt_subst; PROMPT='$(vault_prompt_info)%~ %# '
function vault_prompt_info {
  local -a reply
  __vault_segment
  [[ -n "$reply[1]" ]] && print -rn -- "%F{$reply[2]}(${reply[1]//\%/%%})%f "
  return 0
}

# __vault_prompt keeps the segment in front of a prompt that no prompt program
# draws. Where the prompt is subject to expansion it names a variable, whose
# value is not expanded again.
function __vault_prompt {
  local -a reply
  local lead='' new=''
  if [[ -n "${__VAULT_MARK-}" ]]; then
    PROMPT="${PROMPT/"$__VAULT_MARK"/}"
    typeset -g __VAULT_MARK=''
  fi
  __vault_segment
  [[ -n "$reply[1]" ]] || return 0
  [[ -z "${P9K_VERSION-}${_p9k__version-}" ]] || return 0
  (( ! ${precmd_functions[(I)(_p9k_precmd|starship_precmd|prompt_starship_precmd|_omp_precmd|prompt_ohmyposh_precmd)]} )) || return 0
  new="($reply[1]) "
  [[ ! -o prompt_percent ]] || new="%F{$reply[2]}${new//\%/%%}%f"
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

if [[ -o interactive && "${__VAULT_INIT[3]}" == 1 ]]; then
  typeset -ga precmd_functions
  precmd_functions=("${(@)precmd_functions:#__vault_prompt}" __vault_prompt)
fi
