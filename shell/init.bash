# shellcheck shell=bash
# Loads vault into bash (3.2 and newer). Printed ahead of this file:
#   __VAULT_INIT=(EXE NAME PROMPT HOOK STAMPS CALLER NOW)
# the binary, the function's name, 1 where we draw in the prompt, 1 where we
# renew, the folder of the stamps, the binary's first argument, and the time.
# Words are quoted with a backslash against aliases; the bash that sources this
# may have any options set.
#
# Every new shell evaluates this file, so that it holds little: the 20 KB of all
# files take 3 ms, as long as starting the binary once more. What only a shell
# with a profile in use needs stands in session.bash. The binary prints it along
# with this where the shell inherits a profile, else when it is first needed.

\builtin unalias "${__VAULT_INIT[1]}" 2>/dev/null || \builtin :
\builtin eval "${__VAULT_INIT[1]}() { __vault_main \${1+\"\$@\"}; }"

__vault_main() {
  if ! \builtin test -x "${__VAULT_INIT[0]}"; then
    \builtin printf 'vault: %s is gone: open a new shell\n' "${__VAULT_INIT[0]}" >&2
    \builtin return 127
  fi
  case "${1-}:${__vault_at+x}" in
    use:* | off:* | refresh:* | region:* | logout:*)
      __vault_switch "$@"
      \builtin return
      ;;
    # What a folder asks for is looked at again.
    allow:x | deny:x) __vault_at='' && \builtin unset -v __vault_dir ;;
    exec:*)
      # A program that is not found may be something that only this shell knows.
      \builtin local __vault_w='' __vault_k='' __vault_p=''
      for __vault_w in "$@"; do
        case "$__vault_p" in --) \builtin break ;; esac
        __vault_p="$__vault_w"
      done
      case "$__vault_p:$__vault_w" in
        --:*=*) ;;
        --:*)
          if \builtin declare -F -- "$__vault_w" >/dev/null; then
            __vault_k='function'
          elif \builtin alias -- "$__vault_w" >/dev/null 2>&1; then
            __vault_k='alias'
          fi
          ;;
      esac
      # Under "set -a".
      \builtin export -n __vault_w __vault_k __vault_p
      __VAULT_WORD="$__vault_k" "${__VAULT_INIT[0]}" "${__VAULT_INIT[5]}" "$@"
      \builtin return
      ;;
  esac
  "${__VAULT_INIT[0]}" "${__VAULT_INIT[5]}" ${1+"$@"}
}

# A function of its own: a DEBUG trap, which may print what is run, ends here.
__vault_eval() { \builtin eval "$1"; }

# __vault_quiet runs a function of ours in peace from the options of the user:
# nothing is exported, shown, or ends the shell.
__vault_quiet() {
  { \builtin local __vault_x="$-"; \builtin set +aeTvx; } 2>/dev/null
  \builtin local IFS=' '
  "$@"
  case "$__vault_x" in *[aeTvx]*) ;; *) \builtin return 0 ;; esac
  case "$__vault_x" in *a*) \builtin set -a ;; esac
  case "$__vault_x" in *e*) \builtin set -e ;; esac
  case "$__vault_x" in *T*) \builtin set -T ;; esac
  case "$__vault_x" in *v*) \builtin set -v ;; esac
  case "$__vault_x" in *x*) \builtin set -x ;; esac
}

# __vault_load PART has the binary print a part of the shell's code, and defines
# it: session or completion. The binary says why it cannot.
__vault_load() {
  \builtin local __vault_loaded=1
  __vault_quiet __vault_fetch "$1"
  \builtin return "$__vault_loaded"
}

__vault_fetch() {
  \builtin local __vault_c __vault_end=$'\n: vault-end'
  __vault_loaded=0 __vault_part=''
  __vault_c="$("${__VAULT_INIT[0]}" "${__VAULT_INIT[5]}" init bash --part "$1" </dev/null)" || __vault_loaded=$?
  case "$__vault_loaded$__vault_c" in
    0*"$__vault_end") __vault_eval "${__vault_c%"$__vault_end"}" ;;
  esac
  case "$__vault_loaded$__vault_part" in
    "0$1" | [1-9]*) ;;
    *) \builtin printf 'vault: the answer was cut off: nothing was changed\n' >&2; __vault_loaded=1 ;;
  esac
}

# These stand for those of session.bash, which take their names.
__vault_switch() { __vault_load session && __vault_switch "$@"; }

# __vault_prompt looks whether a profile has come into use by what did not go
# through our function, as direnv, or the folder has changed. While nothing has,
# it passes on the $? that it finds, and takes as long as any function and
# return: 17 µs.
__vault_prompt() {
  case "${__VAULT_STATE-}${__vault_at+"$PWD"}:$-" in
    # A hook that returns a failure ends a shell with errexit.
    "${__vault_at-}:"*e*) ;;
    "${__vault_at-}:"*) \builtin return ;;
    *) __vault_woken "$?" ;;
  esac
}

__vault_precmd() { __vault_prompt; }

__vault_begun() { __vault_new=''; }

__vault_woken() {
  case "${__vault_at+"$PWD"}" in "${__vault_at-}") ;; *) __vault_moved ;; esac
  case "${__VAULT_STATE-}" in
    ?*)
      if __vault_load session 2>/dev/null; then
        __vault_quiet __vault_after
      else
        # Once: the binary is asked no more.
        \builtin printf 'vault: %s is gone or another version: open a new shell\n' "${__VAULT_INIT[0]}" >&2
        \builtin eval '__vault_prompt() { case "$-" in *e*) ;; *) \builtin return ;; esac; }'
      fi
      ;;
    # Nothing is printed before the first prompt.
    *) case "${__vault_new-}" in '') __vault_quiet __vault_say ;; esac ;;
  esac
  __vault_quiet __vault_begun
  case "$-" in *e*) \builtin return 0 ;; esac
  \builtin return "$1"
}

# __vault_say prints what waits to be said.
__vault_say() {
  case "${__VAULT_SAY-}" in
    ?*) \builtin printf '%s\n' "$__VAULT_SAY" >&2; __VAULT_SAY='' ;;
  esac
}

# vault_prompt_info [plain]: the segment, for prompts made by hand:
#   PS1='$(vault_prompt_info)\w \$ '
# plain is the text alone, as for a title.
vault_prompt_info() {
  case "${__VAULT_STATE-}" in ?*) if __vault_load session 2>/dev/null; then vault_prompt_info ${1+"$@"}; fi ;; esac
}

# What is ours is not taken from the environment.
\builtin unset -v __VAULT_HOOK __VAULT_SAY __VAULT_PS __vault_state __vault_line __vault_seen __vault_due __vault_armed __vault_trap __vault_new __vault_wake __vault_since __vault_sig __vault_drawn __vault_file

# What the clock has to be moved by where it is SECONDS.
__VAULT_INIT[6]="$((__VAULT_INIT[6] - SECONDS))"

# Completion is loaded when it is first asked for.
_vault_complete() { __vault_load completion 2>/dev/null && _vault_complete; }
\builtin complete -F _vault_complete "${__VAULT_INIT[1]}"

# Behind the user's hooks, for what they do to PS1; and ahead of them when
# something is due, where bash keeps their $? and PIPESTATUS: from 5.1 on, in an
# array. A shell that inherits PROMPT_COMMAND but not this script runs none of it.
# shellcheck disable=SC2016,SC2128,SC2178,SC2179 # expanded at the prompt; string or array
case "$-${__VAULT_INIT[2]}${__VAULT_INIT[3]}" in
  *i*1*)
    __vault_new=1 __vault_trap=''
    if \builtin test -n "${BLE_VERSION-}"; then
      blehook PRECMD!=__vault_prompt
    elif \builtin test -n "${bash_preexec_imported-}${__bp_imported-}"; then
      case " ${precmd_functions[*]-} " in
        *' __vault_prompt '*) ;;
        *) precmd_functions=(__vault_precmd ${precmd_functions[@]+"${precmd_functions[@]}"} __vault_prompt) ;;
      esac
    else
      case "${PROMPT_COMMAND[*]-}" in
        *__vault_prompt*) ;;
        *)
          __vault_ahead='case $((SECONDS >= ${__vault_due:-SECONDS + 1}))$PWD in 0"${__vault_at-"$PWD"}") ;; *) __vault_precmd ;; esac'
          # The DEBUG trap is not to be seen in a function. $? passes through.
          __vault_behind='${__VAULT_INIT:+"__vault_prompt"} ${__VAULT_INIT:+${__vault_trap-"$(__vault_s=$?; trap -p DEBUG; exit "$__vault_s")"}}'
          __vault_array=''
          case "${BASH_VERSINFO[0]}.${BASH_VERSINFO[1]}" in
            [1-4].* | 5.0) ;;
            *) \builtin eval '__vault_array="${PROMPT_COMMAND[*]@a}"' 2>/dev/null || \builtin : ;;
          esac
          case "$__vault_array" in
            *a*) PROMPT_COMMAND=("$__vault_ahead" "${PROMPT_COMMAND[@]}" "$__vault_behind") ;;
            *) PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND
}$__vault_behind" ;;
          esac
          \builtin unset -v __vault_array __vault_ahead __vault_behind
          ;;
      esac
    fi
    ;;
esac
