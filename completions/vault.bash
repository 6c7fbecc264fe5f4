# shellcheck shell=bash
# Completes vault in bash (3.2 and newer; bash-completion is not needed). In
# the init script it is for the function and the binary in __VAULT_INIT; as a
# file for vault on PATH.
_vault_complete() {
  \builtin local IFS=$' \t\n' exe="${__VAULT_INIT[0]:-vault}" line directive='' cut='' head='' i dash=0
  \builtin local word="${COMP_LINE:0:$COMP_POINT}" before words values
  COMPREPLY=()
  values=()
  # The words as the user typed them: COMP_WORDS is cut at : and = and @,
  # where those are in COMP_WORDBREAKS, and bash replaces only the last piece.
  words=()
  line=''
  for ((i = 1; i <= COMP_CWORD; i++)); do
    line="${COMP_WORDS[i]}"
    words[${#words[@]}]="$line"
    case "$line" in --) if \builtin test "$i" -lt "$COMP_CWORD" && \builtin test "$dash" -eq 0; then dash="$i"; fi ;; esac
  done
  if \builtin test "${COMP_WORDS[1]-}" = exec && \builtin test "$dash" -gt 0; then
    # Behind "exec PROFILE --" stands another command: complete that.
    line="${COMP_WORDS[COMP_CWORD]}"
    if \builtin declare -F _command_offset >/dev/null; then
      _command_offset "$((dash + 1))"
    elif \builtin test "$COMP_CWORD" -eq "$((dash + 1))"; then
      # shellcheck disable=SC2207 # names of commands hold no blanks
      COMPREPLY=($(\builtin compgen -c -- "$line"))
    elif ! \builtin compopt -o default 2>/dev/null; then
      IFS=$'\n'
      # shellcheck disable=SC2207
      COMPREPLY=($(\builtin compgen -f -- "$line"))
    fi
    \builtin return 0
  fi
  # The word under the cursor begins behind the last blank.
  before="${word%[[:blank:]]*}"
  case "$word" in
    *[[:blank:]]*) word="${word#"$before"}" word="${word#[[:blank:]]}" ;;
  esac
  # Pieces of one word are joined again.
  words=()
  while \builtin read -r line; do
    case "$line" in ?*) words[${#words[@]}]="$line" ;; esac
  done <<EOF
${before//[[:blank:]]/
}
EOF
  cut="${word%"${word##*["$COMP_WORDBREAKS"]}"}"
  # bash replaces a piece that begins with @ whole.
  case "$cut" in *[:=]) ;; *@) cut="${cut%@}" ;; *) cut='' ;; esac
  # Of --flag=value the binary completes the value.
  case "$word" in --*=*) head="${word%%=*}=" ;; esac
  while IFS= \builtin read -r line; do
    case "$line" in
      :[0-9]*) directive="${line#:}" ;;
      *)
        line="$head${line%%$'\t'*}"
        case "$line" in
          "$word"*) values[${#values[@]}]="$line" ;;
        esac
        ;;
    esac
  done <<EOF
$(\builtin command "$exe" __complete ${words[@]+"${words[@]:1}"} "$word" 2>/dev/null)
EOF
  case "$directive" in '' | *[!0-9]*) \builtin return 0 ;; esac
  for ((i = 0; i < ${#values[@]}; i++)); do
    \builtin printf -v line %q "${values[i]#"$cut"}"
    COMPREPLY[${#COMPREPLY[@]}]="$line"
  done
  if \builtin test "$((directive & 2))" -ne 0; then
    \builtin compopt -o nospace 2>/dev/null || \builtin :
  fi
  if \builtin test "${#values[@]}" -eq 0 && \builtin test "$((directive & 4))" -eq 0; then
    while IFS= \builtin read -r line; do
      case "$line" in ?*) COMPREPLY[${#COMPREPLY[@]}]="$line" ;; esac
    done <<EOF
$(\builtin compgen -f -- "$word")
EOF
  fi
  \builtin return 0
}
\builtin complete -F _vault_complete "${__VAULT_INIT[1]:-vault}"
