# Runs one switch in zsh (5.3 and newer): looks first, then acts. Go wraps
# this file in a sticky emulation, so that no option or alias changes it.

# __vault_apply MODE ID KEEP UNSET BACK SAY [KIND NAME VALUE]...
# MODE: use or off.  ID: tells our saved variables from older ones.
# KEEP: names whose value has to be kept, exported ones as x:NAME.
# UNSET: names to unset.  BACK: names to put back as they were.
# SAY: the line to print when all is done.
# KIND: set exports; was and lost say what BACK falls back to where this shell
# has not saved the variable: a value, or none that can be had.
__vault_apply() {
  local mode="$1" id="$2" say="$6" n v bad type
  local -a keep unset back fall set saved
  keep=(${=3}) unset=(${=4}) back=(${=5})
  shift 6
  for type n v; do
    case "$type" in
      set) set+=("$n=$v") ;;
      was) fall+=("$n=$v") ;;
      *) fall+=("$n") ;;
    esac
  done
  for n in ${set%%=*} $unset $back __VAULT_SAVED; do
    type="${(Pt)n}"
    case "$type" in
      *readonly*) bad="$n is readonly" ;;
      *array*|*association*) bad="$n is an array" ;;
      *special*|*-hideval*) bad="$n is special" ;;
      *local*) bad="$n is local to a function" ;;
      *) continue ;;
    esac
    print -ru2 -- "vault: variable $bad in this shell: nothing was changed"
    return 1
  done
  [[ "${__VAULT_SAVED-}" == "$id "* ]] || { unset __VAULT_SAVED; typeset -g +x __VAULT_SAVED="$id "; }
  for n in $keep; do
    type=-
    if [[ "$n" == x:* ]]; then type=x n="${n#x:}"; fi
    [[ -v "$n" ]] || continue
    __VAULT_SAVED+="$n $type ${(qq)${(P)n}} "
  done
  typeset -g +x __VAULT_SAVED
  saved=("${(@Q)${(z)__VAULT_SAVED#* }}")
  for n in $unset $back ${set%%=*}; do unset "$n"; done
  (( $#set )) && export -- "${(@)set}"
  for n type v in "${(@)saved}"; do
    [[ "$n" == [A-Za-z_]* && "$n" != *[^A-Za-z0-9_]* ]] || continue
    if (( ${back[(Ie)$n]} )); then
      back=(${back:#$n})
    elif [[ "$type$mode" != '-off' || -v "$n" ]]; then
      continue
    fi
    if [[ "$type" == x ]]; then
      export -- "$n=$v"
    else
      typeset -g +x -- "$n=$v"
    fi
  done
  for v in "${(@)fall}"; do
    n="${v%%=*}"
    (( ${back[(Ie)$n]} )) || continue
    if [[ "$v" == *=* ]]; then
      export -- "$v"
    else
      print -ru2 -- "vault: $n had a value before the switch that only the first shell has kept: it stays unset here"
    fi
  done
  [[ "$mode" == off ]] && unset __VAULT_SAVED
  [[ -n "$say" ]] && print -ru2 -- "$say"
  return 0
}
