# Short names for vault. Printed ahead of this file:
#   set -g __VAULT_ALIASES NAME WORDS ...
# A name that the user has given to something else is left alone.
function __vault_aliases
  builtin set -l list $__VAULT_ALIASES
  while builtin set -q list[1]
    builtin set -l name $list[1]
    builtin set -l words (builtin string trim -- "$__VAULT_INIT[2] $list[2]")
    builtin set -e list[1..2]
    if builtin type -q -- $name
      # Our own is made anew: the function may be called otherwise now.
      builtin functions -Dv -- $name 2>/dev/null | builtin string match -qr '^vault: short for '; or builtin continue
    end
    builtin eval "function $name --wraps '$words' --description 'vault: short for $words'; $words \$argv; end"
  end
end

builtin status is-interactive; and __vault_aliases
