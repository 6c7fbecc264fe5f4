# shellcheck shell=bash
# Completes vault in bash (3.2 and newer; bash-completion is not needed). In
# the init script it is for the function and the binary in __VAULT_INIT; as a
# file for vault on PATH.
_vault_complete() {
  \builtin local IFS=$' \t\n' exe="${__VAULT_INIT[0]:-vault}" rest="${COMP_LINE:0:$COMP_POINT}"
  \builtin local words before values piece blank text directive head='' cut='' noglob='' __vault_quote='' __vault_word
  \builtin local i n=0
  COMPREPLY=() words=() before=() values=()
  # The words as they were typed: COMP_WORDS is cut at : and = and @, where
  # those are in COMP_WORDBREAKS. before[n] is how many pieces begin words[n].
  for ((i = 0; i <= COMP_CWORD; i++)); do
    blank="${rest%%[![:blank:]]*}"
    rest="${rest#"$blank"}"
    piece="${COMP_WORDS[i]-}"
    if \builtin test "$i" -eq "$COMP_CWORD"; then piece="$rest"; fi
    rest="${rest#"$piece"}"
    if \builtin test "$n" -eq 0 || \builtin test -n "$blank"; then
      words[n]="$piece" before[n]="$i"
      n="$((n + 1))"
    else
      words[n - 1]="${words[n - 1]}$piece"
    fi
  done
  if \builtin test "$n" -lt 2; then \builtin return 0; fi
  piece="${words[n - 1]}"
  for ((i = 1; i < n; i++)); do
    __vault_dequote "${words[i]}"
    words[i]="$__vault_word"
  done
  text="$(\builtin command "$exe" __completeNoDesc "${words[@]:1}" 2>/dev/null)" || \builtin return 0
  directive="${text##*$'\n'}"
  text="${text%"$directive"}"
  case "$directive" in
    ':command '*)
      __vault_subcommand "${before[${directive#:command } + 1]}"
      \builtin return 0
      ;;
    :*[!0-9]* | : | [!:]* | '') \builtin return 0 ;;
  esac
  directive="${directive#:}"
  # Of --flag=value the binary completes the value.
  case "$__vault_word" in --*=*) head="${__vault_word%%=*}=" ;; esac
  if \builtin test -z "$text"; then
    if \builtin test "$((directive & 4))" -eq 0; then
      # bash 3.2 cannot say so later.
      if ! \builtin compopt -o default 2>/dev/null; then
        text="$(\builtin compgen -f -- "${__vault_word#"$head"}")"
        head=''
      fi
    fi
    if \builtin test -z "$text"; then \builtin return 0; fi
  fi
  case "$-" in *f*) ;; *) noglob=1 ;; esac
  \builtin set -f
  IFS=$'\n'
  # shellcheck disable=SC2206 # a line each
  values=($text)
  case "$__vault_quote" in
    '')
      # bash replaces what stands behind the last letter that breaks words,
      # and a piece that begins with @ whole.
      cut="${piece%"${piece##*["$COMP_WORDBREAKS"]}"}"
      case "$cut" in *[:=]) ;; *@) cut="${cut%@}" ;; *) cut='' ;; esac
      # shellcheck disable=SC2207
      COMPREPLY=($(\builtin printf '%q\n' "${values[@]/#/$head}"))
      COMPREPLY=("${COMPREPLY[@]#"$cut"}")
      ;;
    \')
      for i in "${values[@]}"; do
        case "$i" in *\'*) ;; *) COMPREPLY[${#COMPREPLY[@]}]="$head$i" ;; esac
      done
      ;;
    *)
      for i in "${values[@]}"; do
        i="${i//\\/\\\\}" i="${i//\"/\\\"}" i="${i//\$/\\\$}"
        COMPREPLY[${#COMPREPLY[@]}]="$head${i//\`/\\\`}"
      done
      ;;
  esac
  case "$noglob" in 1) \builtin set +f ;; esac
  if \builtin test "$((directive & 2))" -ne 0; then
    \builtin compopt -o nospace 2>/dev/null || \builtin :
  fi
  \builtin return 0
}

# __vault_dequote WORD: the word without quotes in __vault_word, the quote that
# is open at its end in __vault_quote. Nothing in it is expanded.
__vault_dequote() {
  \builtin local i c escaped=''
  __vault_word='' __vault_quote=''
  for ((i = 0; i < ${#1}; i++)); do
    c="${1:i:1}"
    case "$escaped:$__vault_quote:$c" in
      +:*) __vault_word="$__vault_word$c" escaped='' ;;
      ::\\ | :\":\\) escaped=+ ;;
      ::\' | ::\") __vault_quote="$c" ;;
      :\':\' | :\":\") __vault_quote='' ;;
      *) __vault_word="$__vault_word$c" ;;
    esac
  done
}

# __vault_subcommand N: completes the command that begins with the piece N.
__vault_subcommand() {
  if \builtin declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  elif \builtin test "$COMP_CWORD" -eq "$1"; then
    # shellcheck disable=SC2207 # names of commands hold no blanks
    COMPREPLY=($(\builtin compgen -c -- "${COMP_WORDS[COMP_CWORD]}"))
  elif ! \builtin compopt -o default 2>/dev/null; then
    \builtin local IFS=$'\n'
    # shellcheck disable=SC2207
    COMPREPLY=($(\builtin compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
  fi
}
# The init script registers it by itself.
case "${__VAULT_INIT+x}" in '') \builtin complete -F _vault_complete vault ;; esac
