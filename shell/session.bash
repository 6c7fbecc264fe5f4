# shellcheck shell=bash
# What a bash with a profile in use needs beside init.bash, which loads it when
# it is first needed.

# __vault_switch COMMAND... runs one of the commands that change the shell.
__vault_switch() {
  # No option of the user ends this half-way, exports what is ours or shows
  # what is secret.
  { \builtin local __vault_x=":$SHELLOPTS:"; \builtin set +aeETvx; } 2>/dev/null
  \builtin local __vault_s=0 __vault_c='' __vault_l __vault_end=$'\n: vault-end'
  # shellcheck disable=SC2030,SC2031 # what is exported there reaches the binary alone.
  __vault_c="$(
    \builtin export "__VAULT_LAST=${__VAULT_LAST-}"
    "${__VAULT_INIT[0]}" "${__VAULT_INIT[5]}" "$@"
  )" || __vault_s=$?
  case "$__vault_s" in
    0)
      case "$__vault_c" in
        *"$__vault_end")
          __vault_l="${__VAULT_STATE-${__VAULT_LAST-}}"
          if __vault_eval "${__vault_c%"$__vault_end"}"; then __VAULT_LAST="$__vault_l" __VAULT_HOOK='' __VAULT_SAY='' __vault_wake=0 __vault_new=''; else __vault_s=1; fi
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

# The clock, read without starting a process: EPOCHSECONDS since 5.0, printf
# since 4.2, else what init printed plus SECONDS.
if \builtin test -n "${EPOCHSECONDS-}"; then
  __vault_clock() { __vault_now="$EPOCHSECONDS"; }
elif \builtin printf -v __vault_now '%(%s)T' -1 2>/dev/null; then
  __vault_clock() { \builtin printf -v __vault_now '%(%s)T' -1; }
else
  __vault_clock() { __vault_now="$((__VAULT_INIT[6] + SECONDS))"; }
fi

# __vault_read reads the state once, into variables __vault_NAME. It fails where
# there is none that can be read. It comes from the environment: only numbers
# that can be some are reckoned with, and nothing in a name speaks to the
# terminal.
__vault_read() {
  if \builtin test "$__VAULT_STATE" = "${__vault_state-}"; then
    \builtin test -n "$__vault_profile"
    \builtin return
  fi
  __vault_state="$__VAULT_STATE" __vault_line='' __vault_profile='' __vault_file=''
  \builtin local rest="$__VAULT_STATE" n
  case "$rest" in
    2\|*\|*\|*\|*\|*\|*\|*\|*\|*\|*) rest="${rest#*|}" ;;
    *) \builtin return 1 ;;
  esac
  __vault_until="${rest%%|*}" rest="${rest#*|}"
  __vault_renew="${rest%%|*}" rest="${rest#*|}"
  __vault_least="${rest%%|*}" rest="${rest#*|}"
  __vault_over="${rest%%|*}" rest="${rest#*|}"
  for n in "$__vault_until" "$__vault_renew" "$__vault_least" "$__vault_over"; do
    case "$n" in '' | *[!0-9]* | 0?* | ?????????????*) \builtin return 1 ;; esac
  done
  __vault_key="${rest%%|*}" rest="${rest#*|}"
  n="${rest%%|*}" rest="${rest#*|}"
  case "${#n}$n" in 32*[!0-9a-f]*) \builtin return 1 ;; 32*) ;; *) \builtin return 1 ;; esac
  __vault_file="${__VAULT_INIT[4]}/$n.stamp"
  case "${rest%%|*}" in
    black) __vault_style=30 ;; red) __vault_style=31 ;; yellow) __vault_style=33 ;; blue) __vault_style=34 ;;
    magenta) __vault_style=35 ;; cyan) __vault_style=36 ;; white) __vault_style=37 ;; protected) __vault_style='97;41' ;;
    *) __vault_style=32 ;;
  esac
  rest="${rest#*|}"
  __vault_profile="${rest%%|*}" rest="${rest#*|}"
  __vault_label="${rest%|*}"
  __vault_label="${__vault_label//[[:cntrl:]]/?}"
  \builtin test -n "$__vault_profile"
}

# __vault_stamp reads the stamp into __vault_line: KEY EXPIRES STATE NEXT WAIT;
# an empty one says that the session is gone.
__vault_stamp() {
  __vault_line=''
  if \builtin test -s "$__vault_file"; then
    { \builtin read -r __vault_line <"$__vault_file" || \builtin :; } 2>/dev/null
  elif \builtin test -e "$__vault_file"; then
    __vault_line=gone
  fi
}

# __vault_look reads all that a prompt shows and a hook goes by, and writes the
# segment: its text to __vault_text, its colour (an SGR number) to __vault_sgr. It
# fails where no profile is in use, or somebody else has changed the variables:
# then there is nothing to renew. Until __vault_wake nothing comes of looking
# again, as long as the stamp is there and __vault_sig is what the variables say.
# These times are of SECONDS, a clock that every bash reads without a process.
__vault_look() {
  __vault_text='' __vault_sgr='' __vault_wake=0 __vault_since=0 __vault_drawn=''
  case "${__VAULT_STATE-}" in '') \builtin return 1 ;; esac
  __vault_sig="${AWS_VAULT-} ${AWS_ACCESS_KEY_ID-} ${AWS_PROFILE-} ${AWS_DEFAULT_PROFILE-} ${AWS_REGION-} $__VAULT_STATE"
  if __vault_read; then :; else
    __vault_text='vault ?' __vault_sgr=35
    \builtin return 1
  fi
  if \builtin test "${AWS_VAULT-}" != "$__vault_profile" || \builtin test "${AWS_ACCESS_KEY_ID-}" != "$__vault_key" ||
    \builtin test -n "${AWS_DEFAULT_PROFILE-}" || [[ -n "${AWS_PROFILE-}" && ( -n "$__vault_key" || "$AWS_PROFILE" != "$__vault_profile" ) ]]; then
    __vault_text="${__vault_profile//[[:cntrl:]]/?} != env" __vault_sgr=35
    \builtin return 1
  fi
  __vault_stamp
  __vault_clock
  __vault_write
}

# __vault_write writes the segment for the time that it is.
__vault_write() {
  \builtin local word='' what='' until="$__vault_until" left l='{left}' r='{region}' wake="$((__vault_now + 86400))"
  __vault_text="$__vault_label" __vault_sgr="$__vault_style"
  if [[ __vault_over -ne 0 && (until -eq 0 || __vault_over -lt until) ]]; then until="$__vault_over"; fi
  if [[ until -ne 0 ]]; then
    left="$((until - __vault_now))"
    if [[ left -ge 60 ]]; then wake="$((until - 60 * (left / 60) + 1))"; else wake=0; fi
    if [[ __vault_over -ne 0 && __vault_now -ge __vault_over ]]; then
      word=over what=31
    elif [[ left -le 0 ]]; then
      word=expired what=31
    elif [[ left -lt 60 ]]; then
      word="${left}s" what=33
    elif [[ left -lt 3600 ]]; then
      word="$((left / 60))m"
      if [[ left -le 900 ]]; then what=33; fi
    else
      word="0$((left % 3600 / 60))"
      word="$((left / 3600))h${word: -2}m"
    fi
    case "$what$__vault_sgr" in ??*\;*) ;; ????*) __vault_sgr="$what" ;; esac
    what=''
    if [[ __vault_renew -ne 0 && __vault_now -ge __vault_renew ]]; then
      wake=0
      case "$word$__vault_line" in
        over*) ;;
        *' mfa '* | *' locked '* | *' login '*) what=', needs you' ;;
        *' renewing '*) what=', renewing' ;;
        *)
          case "${__VAULT_HOOK-}" in
            "$__vault_key "*' renewing') if \builtin test "$__vault_line" = "${__vault_seen-}"; then what=', renewing'; fi ;;
          esac
          ;;
      esac
    elif [[ __vault_renew -ne 0 && __vault_renew -lt wake ]]; then
      wake="$__vault_renew"
    fi
    if [[ __vault_over -ne 0 && __vault_over -lt wake ]]; then wake="$__vault_over"; fi
  fi
  case "${__VAULT_HOOK-}" in
    *' reload') what=', reload' wake=0 ;;
    "$__vault_key "*' foreign') what=' != env' wake=0 ;;
    *) if \builtin test -x "${__VAULT_INIT[0]}"; then :; else what=', reload' wake=0; fi ;;
  esac
  case "$__vault_text" in
    *"$l"*)
      case "$word$what" in
        '') __vault_text="${__vault_text%%" $l"*}${__vault_text#*"$l"}" ;;
        *) word="$word$what" __vault_text="${__vault_text%%"$l"*}${word#, }${__vault_text#*"$l"}" ;;
      esac
      ;;
    *)
      case "$word$what" in
        expired* | over* | *,* | *=*) word="$word$what" __vault_text="$__vault_text ${word#, }" ;;
      esac
      ;;
  esac
  case "$__vault_text" in
    *"$r"*)
      what="${AWS_REGION:-${AWS_DEFAULT_REGION-}}"
      case "$what" in
        '') __vault_text="${__vault_text%%" $r"*}${__vault_text#*"$r"}" ;;
        *) __vault_text="${__vault_text%%"$r"*}${what//[[:cntrl:]]/?}${__vault_text#*"$r"}" ;;
      esac
      ;;
  esac
  __vault_since="$SECONDS" __vault_wake="$((wake ? SECONDS + wake - __vault_now : 0))"
}

# __vault_hook prompt|exec: what is to be done before a prompt, or before a
# command runs. It starts a process only where there is something to do. IFS is
# a blank here.
__vault_hook() {
  \builtin local __vault_now
  if __vault_look; then :; else \builtin return 0; fi
  __vault_due=''
  if [[ (__vault_renew -eq 0 || __vault_now -lt __vault_renew) && (__vault_over -eq 0 || __vault_now -lt __vault_over) ]]; then
    # When the hook ahead of the user's is to run.
    if [[ __vault_renew -ne 0 || __vault_over -ne 0 ]]; then
      __vault_due="$__vault_renew"
      if [[ __vault_due -eq 0 || __vault_over -ne 0 && __vault_over -lt __vault_due ]]; then __vault_due="$__vault_over"; fi
      __vault_due="$((SECONDS + __vault_due - __vault_now))"
    fi
    case "$__vault_line" in gone) ;; *) \builtin return 0 ;; esac
  else
    __vault_due="$SECONDS"
  fi
  \builtin local key="${__vault_line%% *}" what next=0 look=0 mark=- call=0 rest="${__vault_line#* }"
  rest="${rest#* }"
  what="${rest%% *}" rest="${rest#* }"
  case "${rest%% *}" in '' | *[!0-9]* | 0?* | ?????????????*) ;; *) next="${rest%% *}" ;; esac
  case "${__VAULT_HOOK-}" in
    "$__vault_key "*)
      rest="${__VAULT_HOOK#* }"
      case "${rest%% *}" in '' | *[!0-9]* | 0?* | ?????????????*) ;; *) look="${rest%% *}" mark="${rest#* }" ;; esac
      ;;
  esac
  case "$what:$1" in
    mfa:* | locked:* | login:*)
      if \builtin test "$mark" != told && \builtin test "$__vault_line" != "${__vault_seen-}"; then call=1; fi
      ;;
    ok:*)
      if \builtin test "$key" != "$__vault_key"; then
        next=0
        if \builtin test "$__vault_line" != "${__vault_seen-}"; then call=1; fi
      fi
      ;;
    # A command waits for a renewal that is under way.
    renewing:exec) if [[ __vault_now -ge __vault_least ]]; then next=0; fi ;;
  esac
  case "$1:$mark" in exec:renewing) if [[ __vault_now -ge __vault_least ]]; then look=0; fi ;; esac
  case "$what:$mark" in gone:renewing) look=0 ;; esac
  if [[ __vault_over -ne 0 && __vault_now -ge __vault_over ]]; then next=0; fi
  if [[ __vault_now -ge next && __vault_now -ge look ]]; then call=1; fi
  case "$call" in 0) \builtin return 0 ;; esac
  __vault_seen="$__vault_line"
  __vault_call "$1" "$mark"
  __vault_look || \builtin :
}

# __vault_call HOOK MARK has the binary say what to do, and does it. What is to
# be said waits in __VAULT_SAY.
__vault_call() {
  \builtin local __vault_s=0 __vault_c='' __vault_l="$__VAULT_STATE" __vault_k="$__vault_key" __vault_m="$2" __vault_end=$'\n: vault-end'
  if \builtin test -x "${__VAULT_INIT[0]}"; then
    __vault_c="$("${__VAULT_INIT[0]}" "${__VAULT_INIT[5]}" hook "$1" "$2" 2>/dev/null </dev/null)" || __vault_s=$?
  else
    __vault_s=127
  fi
  case "$__vault_s" in
    0)
      case "$__vault_c" in
        *"$__vault_end")
          __vault_eval "${__vault_c%"$__vault_end"}" 2>/dev/null || \builtin :
          if \builtin test "${__VAULT_STATE-}" != "$__vault_l"; then __VAULT_LAST="$__vault_l"; fi
          \builtin return 0
          ;;
      esac
      ;;
    # It is gone, or speaks another protocol.
    2 | 6 | 126 | 127) __vault_m=reload ;;
  esac
  __VAULT_HOOK="$__vault_k $((__vault_now + 30)) $__vault_m"
}

# __vault_paint: the segment as the prompt shows it, in __VAULT_PS.
__vault_paint() {
  __VAULT_PS=''
  case "$__vault_text" in '') \builtin return 0 ;; esac
  case "${NO_COLOR-}:${TERM-}" in
    ?*:* | :dumb) __VAULT_PS="($__vault_text) " ;;
    *) __VAULT_PS=$'\001\033['"$__vault_sgr"$'m\002('"$__vault_text"$')\001\033[0m\002 ' ;;
  esac
}

# vault_prompt_info [plain] prints the segment.
vault_prompt_info() {
  \builtin local __VAULT_PS __vault_now IFS=' '
  __vault_look || \builtin :
  case "${1-}" in
    plain) \builtin printf %s "$__vault_text" ;;
    *) __vault_paint; \builtin printf %s "$__VAULT_PS" ;;
  esac
}

# __vault_precmd runs ahead of the user's hooks, which are to see what is new.
__vault_precmd() {
  \builtin local __vault_rc="$?"
  case "${__vault_at+"$PWD"}" in "${__vault_at-}") ;; *) __vault_moved ;; esac
  case "${__VAULT_STATE-}" in ?*) __vault_quiet __vault_hook prompt ;; esac
  case "$-" in *e*) \builtin return 0 ;; esac
  \builtin return "$__vault_rc"
}

# __vault_preexec LINE runs before a line does, unless that calls us.
__vault_preexec() {
  case "${__VAULT_STATE:+x}${__VAULT_SAY-}" in '') \builtin return 0 ;; esac
  if [[ "$SECONDS" -lt __vault_wake && "$SECONDS" -ge __vault_since && -s "$__vault_file" && -z "${__VAULT_SAY-}" ]]; then \builtin return 0; fi
  case "${1#"${1%%[![:space:]]*}"} " in "${__VAULT_INIT[1]} "*) \builtin return 0 ;; esac
  __vault_quiet __vault_before
  \builtin return 0
}

__vault_before() {
  case "${__VAULT_STATE-}" in ?*) __vault_hook exec ;; esac
  __vault_say
}

# __vault_debug is called by the DEBUG trap for the first command of a line. It
# leaves alone what runs while a word is completed, for a key, or for a prompt.
__vault_debug() {
  # A trap holds at once in the function that sets it.
  case "${FUNCNAME[1]-}" in __vault_prompt) \builtin return 0 ;; esac
  case "${COMP_LINE+x}${READLINE_LINE+x}" in ?*) \builtin return 0 ;; esac
  case "${PROMPT_COMMAND[*]-}" in *"$BASH_COMMAND"*) \builtin return 0 ;; esac
  \builtin unset -v __vault_armed
  __vault_preexec "$BASH_COMMAND"
}

# __vault_begin TRAP, at the first prompt, looks for what runs before commands.
# Only where nothing does it becomes a DEBUG trap; one that the user sets later
# wins.
__vault_begin() {
  __vault_trap=''
  \builtin export -n __vault_trap
  case "${__VAULT_INIT[3]}" in 1) ;; *) \builtin return 0 ;; esac
  if \builtin test -n "${BLE_VERSION-}"; then
    blehook PREEXEC!=__vault_preexec
  elif \builtin test -n "${bash_preexec_imported-}${__bp_imported-}"; then
    case " ${preexec_functions[*]-} " in
      *' __vault_preexec '*) ;;
      *) preexec_functions[${#preexec_functions[@]}]=__vault_preexec ;;
    esac
  elif \builtin test -z "$1"; then
    # $_ passes through: it is the last word again. Our own command in
    # PROMPT_COMMAND is known by its first letters: to look for it in the whole
    # of that takes 400 µs.
    \builtin trap 'case ${__vault_armed-} in 1) case $BASH_COMMAND in "\${__VAULT_INIT"*) ;; *) __vault_debug "$_" ;; esac ;; esac' DEBUG
  fi
}

# __vault_prompt [TRAP] runs behind the user's hooks. TRAP is the DEBUG trap of
# the shell; there is an argument at the first prompt alone. While nothing is to
# be done it has one test to pass, which calls nothing.
__vault_prompt() {
  case "${__VAULT_STATE:+x}${__VAULT_PS:+x}${__VAULT_SAY:+x}${__vault_at+"$PWD"}$#:$-" in
    # A hook that returns a failure ends a shell with errexit.
    "${__vault_at-}0:"*e*) \builtin return 0 ;;
    # This returns the $? of the user.
    "${__vault_at-}0:"*) \builtin return ;;
    *) \builtin local __vault_rc="$?" ;;
  esac
  if [[ "$SECONDS" -lt __vault_wake && "$SECONDS" -ge __vault_since && "$#$-" != *[1x]* && -s "$__vault_file" && -x "${__VAULT_INIT[0]}" &&
    "${__VAULT_SAY-}${AWS_VAULT-} ${AWS_ACCESS_KEY_ID-} ${AWS_PROFILE-} ${AWS_DEFAULT_PROFILE-} ${AWS_REGION-} ${__VAULT_STATE-}${__vault_at+"$PWD"}${PS1-}" == "$__vault_sig${__vault_at-}$__vault_drawn" ]]; then :; else
    case "${__vault_at+"$PWD"}" in "${__vault_at-}") ;; *) __vault_moved ;; esac
    case "$#" in 1) __vault_begin "$1" ;; esac
    __vault_quiet __vault_after
  fi
  __vault_armed=1
  case "$-" in
    *[ae]*)
      \builtin export -n __vault_armed
      case "$-" in *e*) \builtin return 0 ;; esac
      ;;
  esac
  \builtin return "$__vault_rc"
}

# __vault_after renews, says what there is to say, and keeps the segment in front
# of a prompt that no prompt program draws. PS1 names a variable, whose value
# bash does not expand again.
# shellcheck disable=SC2016 # the prompt expands it
__vault_after() {
  \builtin local __vault_lead='' __vault_rest __vault_now
  case "${__VAULT_INIT[3]}:${__VAULT_STATE:+x}" in 1:x) __vault_hook prompt ;; *) __vault_look || \builtin : ;; esac
  # Nothing is printed before the first prompt.
  case "${__vault_new-}" in 1) __vault_new='' ;; *) __vault_say ;; esac
  case "${__VAULT_INIT[2]}" in 1) ;; *) __vault_drawn="${PS1-}"; \builtin return 0 ;; esac
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
  __vault_drawn="${PS1-}"
}

__vault_armed='' __vault_wake=0 __vault_since=0 __vault_sig='' __vault_drawn=''
# What runs before commands is looked for now, or at the next prompt.
case "$-${__VAULT_INIT[2]}${__VAULT_INIT[3]}" in
  *i*1*)
    if \builtin test -n "${BLE_VERSION-}${bash_preexec_imported-}${__bp_imported-}"; then
      __vault_begin ''
    else
      \builtin unset -v __vault_trap
    fi
    ;;
esac
