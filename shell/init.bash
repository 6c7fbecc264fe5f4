# shellcheck shell=bash
# Loads vault into bash (3.2 and newer). Printed ahead of this file:
#   __VAULT_INIT=(EXE NAME PROMPT NOW)
# the binary, the function's name, 1 where we draw in the prompt, and the time.
# Words are quoted with a backslash against aliases; the bash that sources this
# may have any options set.

\builtin unalias "${__VAULT_INIT[1]}" 2>/dev/null || \builtin :
\builtin eval "${__VAULT_INIT[1]}() { __vault_main \${1+\"\$@\"}; }"

__vault_main() {
  if ! \builtin test -x "${__VAULT_INIT[0]}"; then
    \builtin printf 'vault: %s is gone: open a new shell\n' "${__VAULT_INIT[0]}" >&2
    \builtin return 127
  fi
  case "${1-}" in
    use | off | refresh | region) ;;
    *)
      "${__VAULT_INIT[0]}" "--fn=bash:${__VAULT_INIT[1]}" ${1+"$@"}
      \builtin return
      ;;
  esac
  # No option of the user ends this half-way, exports what is ours or shows
  # what is secret.
  { \builtin local __vault_x=":$SHELLOPTS:"; \builtin set +aeETvx; } 2>/dev/null
  \builtin local __vault_s=0 __vault_c='' __vault_l __vault_end=$'\n: vault-end'
  # shellcheck disable=SC2030,SC2031 # what is exported there reaches the binary alone.
  __vault_c="$(
    \builtin export "__VAULT_LAST=${__VAULT_LAST-}"
    "${__VAULT_INIT[0]}" "--fn=bash:${__VAULT_INIT[1]}" "$@"
  )" || __vault_s=$?
  case "$__vault_s" in
    0)
      case "$__vault_c" in
        *"$__vault_end")
          __vault_l="${__VAULT_STATE-${__VAULT_LAST-}}"
          if __vault_eval "${__vault_c%"$__vault_end"}"; then __VAULT_LAST="$__vault_l"; else __vault_s=1; fi
          ;;
        *)
          \builtin printf 'vault: the answer was cut off: nothing was changed\n' >&2
          __vault_s=1
          ;;
      esac
      ;;
    # Killed while it asked: bash does not put the terminal right.
    129 | 13[1-9] | 14? | 15?) \builtin command stty echo 2>/dev/null </dev/tty || \builtin : ;;
  esac
  for __vault_l in allexport errexit errtrace functrace verbose xtrace; do
    case "$__vault_x" in *":$__vault_l:"*) \builtin set -o "$__vault_l" ;; esac
  done
  \builtin return "$__vault_s"
}

# A function of its own: a DEBUG trap, which may print what is run, ends here.
__vault_eval() { \builtin eval "$1"; }

# The clock, read without starting a process: EPOCHSECONDS since 5.0, printf
# since 4.2, else what vault printed plus SECONDS.
if \builtin test -n "${EPOCHSECONDS-}"; then
  __vault_clock() { __vault_now="$EPOCHSECONDS"; }
elif \builtin printf -v __vault_now '%(%s)T' -1 2>/dev/null; then
  __vault_clock() { \builtin printf -v __vault_now '%(%s)T' -1; }
else
  __vault_zero="$((__VAULT_INIT[3] - SECONDS))"
  __vault_clock() { __vault_now="$((__vault_zero + SECONDS))"; }
fi

# __vault_segment: the segment's text in __vault_text, its colour (an SGR
# number) in __vault_sgr; both empty where no profile is in use.
__vault_segment() {
  __vault_text='' __vault_sgr=''
  case "${__VAULT_STATE-}" in
    1:*:*:*:*:*) ;;
    *) \builtin return 0 ;;
  esac
  \builtin local rest="${__VAULT_STATE#1:}" until key color profile now left __vault_now
  until="${rest%%:*}" rest="${rest#*:}"
  key="${rest%%:*}" rest="${rest#*:}"
  color="${rest%%:*}" rest="${rest#*:}"
  profile="${rest%:*}"
  case "$color" in
    black) color=30 ;; red) color=31 ;; yellow) color=33 ;; blue) color=34 ;;
    magenta) color=35 ;; cyan) color=36 ;; white) color=37 ;; *) color=32 ;;
  esac
  # It comes from the environment: only a number that can be one is reckoned
  # with, and nothing in the name speaks to the terminal.
  case "$until" in '' | *[!0-9]* | 0?* | ?????????????*) \builtin return 0 ;; esac
  if \builtin test "${AWS_VAULT-}" != "$profile" || \builtin test "${AWS_ACCESS_KEY_ID-}" != "$key" || \builtin test -n "${AWS_PROFILE-}"; then
    __vault_text="$profile != env" __vault_sgr=35
    \builtin return 0
  fi
  if \builtin test "$until" = 0; then
    __vault_text="$profile" __vault_sgr="$color"
    \builtin return 0
  fi
  __vault_clock
  left="$((until - __vault_now))"
  if \builtin test "$left" -le 0; then
    __vault_text="$profile expired" __vault_sgr=31
  elif \builtin test "$left" -lt 60; then
    __vault_text="$profile ${left}s" __vault_sgr=33
  elif \builtin test "$left" -lt 3600; then
    __vault_text="$profile $((left / 60))m" __vault_sgr="$color"
    if \builtin test "$left" -le 900; then __vault_sgr=33; fi
  else
    now="0$((left % 3600 / 60))"
    __vault_text="$profile $((left / 3600))h${now: -2}m" __vault_sgr="$color"
  fi
  \builtin return 0
}

# __vault_paint: the segment as the prompt shows it, in __VAULT_PS.
__vault_paint() {
  \builtin local __vault_text __vault_sgr
  __VAULT_PS=''
  __vault_segment
  case "$__vault_text" in '') \builtin return 0 ;; esac
  __vault_text="${__vault_text//[[:cntrl:]]/?}"
  case "${NO_COLOR-}:${TERM-}" in
    ?*:* | :dumb) \builtin printf -v __VAULT_PS '(%s) ' "$__vault_text" ;;
    *) \builtin printf -v __VAULT_PS '\001\033[%sm\002(%s)\001\033[0m\002 ' "$__vault_sgr" "$__vault_text" ;;
  esac
}

# vault_prompt_info: the segment, for prompts made by hand:
#   PS1='$(vault_prompt_info)\w \$ '
vault_prompt_info() {
  \builtin local __VAULT_PS
  __vault_paint
  \builtin printf %s "$__VAULT_PS"
}

# __vault_prompt keeps the segment in front of a prompt that no prompt program
# draws. PS1 names a variable, whose value bash does not expand again.
# shellcheck disable=SC2016 # the prompt expands it
__vault_prompt() {
  \builtin local __vault_rc="$?"
  { \builtin local __vault_x="$-"; \builtin set +ax; } 2>/dev/null
  \builtin local __vault_lead='' __vault_rest
  __vault_paint
  if \builtin test "${STARSHIP_SHELL-}" != bash && ! \builtin declare -F _omp_hook >/dev/null && \builtin shopt -q promptvars; then
    case "${PS1-}" in
      '' | *'${__VAULT_PS-}'*) ;;
      *)
        __vault_rest="$PS1"
        while \builtin :; do
          case "$__vault_rest" in
            '\n'*) __vault_lead="$__vault_lead\\n" __vault_rest="${__vault_rest#??}" ;;
            $'\n'*) __vault_lead="$__vault_lead"$'\n' __vault_rest="${__vault_rest#?}" ;;
            *) \builtin break ;;
          esac
        done
        PS1="$__vault_lead"'${__VAULT_PS-}'"$__vault_rest"
        ;;
    esac
  fi
  case "$__vault_x" in *a*) \builtin set -a ;; esac
  case "$__vault_x" in *x*) \builtin set -x ;; esac
  # A hook that returns a failure ends a shell with errexit.
  case "$-" in *e*) \builtin return 0 ;; esac
  \builtin return "$__vault_rc"
}

# At every prompt, after what the user's own hooks do to PS1. A shell that
# inherits PROMPT_COMMAND but not this script expands the word to nothing.
# shellcheck disable=SC2016,SC2128,SC2178 # expanded at the prompt; string or array
case "$-${__VAULT_INIT[2]}" in
  *i*1)
    if \builtin test -n "${BLE_VERSION-}"; then
      blehook PRECMD!=__vault_prompt
    elif \builtin test -n "${bash_preexec_imported-}${__bp_imported-}"; then
      case " ${precmd_functions[*]-} " in
        *' __vault_prompt '*) ;;
        *) precmd_functions[${#precmd_functions[@]}]=__vault_prompt ;;
      esac
    else
      case "${PROMPT_COMMAND[*]-}" in
        *__vault_prompt*) ;;
        *)
          __vault_array=''
          case "${BASH_VERSINFO[0]}.${BASH_VERSINFO[1]}" in
            [1-4].* | 5.0) ;;
            *) \builtin eval '__vault_array="${PROMPT_COMMAND[*]@a}"' 2>/dev/null || \builtin : ;;
          esac
          case "$__vault_array" in
            *a*) PROMPT_COMMAND[${#PROMPT_COMMAND[@]}]='${__VAULT_INIT:+"__vault_prompt"}' ;;
            *) PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND
}"'${__VAULT_INIT:+"__vault_prompt"}' ;;
          esac
          \builtin unset -v __vault_array
          ;;
      esac
    fi
    ;;
esac
