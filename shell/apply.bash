# shellcheck shell=bash
# Runs one switch in bash (3.2 and newer): looks first, then acts.
# Go prints the call after this file, and ahead of it what sets __vault_o, the
# options of the shell.
# shellcheck disable=SC2154,SC2163

# __vault_find NAME FLAG VALUE: one record of the saved variables.
__vault_find() {
  case "$__vault_back" in
    *" $1 "*)
      __vault_back="${__vault_back/ $1 / }"
      ;;
    *)
      # A variable that was not exported was put away by name alone; it comes
      # back unless something else has taken its place.
      case "$2$__vault_mode" in
        -off) if \builtin eval "\\builtin test -n \"\${$1+x}\""; then \builtin return 0; fi ;;
        *) \builtin return 0 ;;
      esac
      ;;
  esac
  \builtin unset -v "$1"
  case "$2" in
    x) \builtin export "$1=$3" ;;
    *) \builtin eval "$1=\$3"; \builtin export -n "${1?}" ;;
  esac
}

# __vault_reset puts the options back.
__vault_reset() {
  case "$__vault_set" in *:noglob:*) ;; *) \builtin set +f ;; esac
  case "$__vault_set" in *:errexit:*) \builtin set -e ;; esac
  case "$__vault_set" in *:errtrace:*) \builtin set -E ;; esac
}

# __vault_apply MODE ID KEEP UNSET BACK SAY [KIND NAME VALUE]...
# MODE: use or off.  ID: tells our saved variables from older ones.
# KEEP: names whose value has to be kept, exported ones as x:NAME.
# UNSET: names to unset.  BACK: names to put back as they were.
# SAY: the line to print when all is done.
# KIND: set exports; was and lost say what BACK falls back to where this shell
# has not saved the variable: a value, or none that can be had.
__vault_apply() {
  \builtin local IFS=' ' __vault_mode="$1" __vault_id="$2" __vault_keep="$3" __vault_unset="$4" __vault_back=" $5 " __vault_say="$6"
  \builtin local __vault_n __vault_v __vault_bad __vault_rec='' __vault_f __vault_fall __vault_new
  \builtin shift 6
  __vault_fall=()
  __vault_new=()
  __vault_n=''
  while \builtin test "$#" -gt 2; do
    case "$1" in
      set) __vault_n="$__vault_n $2"; __vault_new[${#__vault_new[@]}]="$2=$3" ;;
      was) __vault_fall[${#__vault_fall[@]}]="$2=$3" ;;
      *) __vault_fall[${#__vault_fall[@]}]="$2" ;;
    esac
    \builtin shift 3
  done
  # "builtin eval" heeds -e even in a condition.
  \builtin local __vault_set=":$SHELLOPTS:"
  \builtin set +eE -f
  # One subshell tries what could stop the switch half-way. (To bash 3.2 a
  # closing parenthesis alone, as that of a pattern, ends it.)
  # shellcheck disable=SC2086
  __vault_bad="$(
    \builtin set +u
    for __vault_v in $__vault_n $__vault_unset $__vault_back __VAULT_SAVED; do
      \builtin eval "__vault_f=\${#${__vault_v}[@]}"
      case "$__vault_f" in
        (0 | 1) ;;
        (*) \builtin printf '%s is an array' "$__vault_v"; \builtin break ;;
      esac
      \builtin unset -v "$__vault_v" 2>/dev/null || { \builtin printf '%s is readonly' "$__vault_v"; \builtin break; }
      # To unset a local variable shows the one that it hid.
      \builtin eval "\\builtin test -z \"\${$__vault_v+x}\"" || { \builtin printf '%s is local to a function' "$__vault_v"; \builtin break; }
    done
  )" || __vault_bad="${__vault_bad:-a variable cannot be changed}"
  case "$__vault_bad" in
    ?*)
      \builtin printf 'vault: variable %s in this shell: nothing was changed\n' "$__vault_bad" >&2
      __vault_reset
      \builtin return 1
      ;;
  esac
  # shellcheck disable=SC2086
  for __vault_v in $__vault_keep; do
    __vault_f=-
    case "$__vault_v" in x:*) __vault_f=x; __vault_v="${__vault_v#x:}" ;; esac
    \builtin eval "\\builtin test -n \"\${$__vault_v+x}\"" || \builtin continue
    \builtin eval "\\builtin printf -v __vault_bad %q \"\${$__vault_v}\""
    __vault_rec="$__vault_rec __vault_find $__vault_v $__vault_f $__vault_bad;"
  done
  case "${__VAULT_SAVED-}" in
    "$__vault_id "*) ;;
    *) \builtin unset -v __VAULT_SAVED; __VAULT_SAVED="$__vault_id " ;;
  esac
  __VAULT_SAVED="$__VAULT_SAVED$__vault_rec"
  \builtin export -n __VAULT_SAVED
  # shellcheck disable=SC2086
  \builtin unset -v $__vault_unset $__vault_back $__vault_n
  case "${#__vault_new[@]}" in 0) ;; *) \builtin export "${__vault_new[@]}" ;; esac
  __vault_bad="${__VAULT_SAVED#* }"
  case "$__vault_back$__vault_mode" in
    *[!\ ]*) \builtin eval "$__vault_bad" ;;
  esac
  for __vault_v in ${__vault_fall[@]+"${__vault_fall[@]}"}; do
    __vault_n="${__vault_v%%=*}"
    case "$__vault_back" in *" $__vault_n "*) ;; *) \builtin continue ;; esac
    __vault_back="${__vault_back/ $__vault_n / }"
    case "$__vault_v" in
      *=*) \builtin export "$__vault_v" ;;
      *) \builtin printf 'vault: %s had a value before the switch that only the first shell has kept: it stays unset here\n' "$__vault_n" >&2 ;;
    esac
  done
  case "$__vault_mode" in off) \builtin unset -v __VAULT_SAVED ;; esac
  case "$__vault_say" in ?*) \builtin printf '%s\n' "$__vault_say" >&2 ;; esac
  __vault_reset
  \builtin return 0
}
