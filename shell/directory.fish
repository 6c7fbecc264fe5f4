# Follows the .vault-profile of the folder that the shell is in. Comes after
# init.fish, where the user has switched that on.

# The folders to look in: the one that the shell is in, and fifteen above it.
builtin set -g __vault_ups .vault-profile
while builtin test (builtin count $__vault_ups) -lt 16
  builtin set -a __vault_ups ../$__vault_ups[-1]
end

# __vault_directory looks for the nearest file when the folder has changed. The
# binary is asked where there is another one than before, or none any more.
function __vault_directory
  builtin test "$PWD" != "$__vault_at"; or builtin return 0
  builtin set -g __vault_at $PWD
  builtin set -l found ''
  if builtin path is -- $__vault_ups
    builtin set found (builtin path filter -- $__vault_ups)
    builtin set found (builtin path resolve -- $found[1])
  end
  builtin test "$found" != "$__vault_dir"; or builtin return 0
  builtin set -g __vault_dir $found
  builtin test -x $__VAULT_INIT[1]; or builtin return 0
  builtin set -l __vault_last $__VAULT_STATE
  builtin set -l __vault_code
  builtin set -l __vault_s 127
  $__VAULT_INIT[1] $__VAULT_INIT[6] hook dir 2>/dev/null </dev/null | builtin read -z __vault_code
  builtin set __vault_s $pipestatus[1]
  builtin test $__vault_s -eq 0; or builtin return 0
  builtin string match -q -- '*
: vault-end
' $__vault_code; or builtin return 0
  builtin eval $__vault_code 2>/dev/null
  builtin set -eg __vault_drawn
  builtin functions -q __vault_idle; and __vault_woken
  builtin test -z "$__vault_last" -o "$__VAULT_STATE" = "$__vault_last"; or builtin set -gu __VAULT_LAST $__vault_last
  builtin return 0
end

if builtin status is-interactive
  builtin set -eg __vault_at
  builtin set -eg __vault_begun
  # A shell begins outside, unless it has inherited a switch.
  builtin set -g __vault_dir (builtin string replace -r '.+' '?' -- "$__VAULT_STATE")
  # At a cd, so that what stands behind it in the line has the profile already.
  # Before the first prompt nothing is printed. Outside of all such folders it
  # takes one search and two tests: 50 µs.
  function __vault_chpwd --on-variable PWD
    if builtin path is -- $__vault_ups; or builtin test -n "$__vault_dir"
      builtin set -q __vault_begun; or builtin return 0
      builtin set -l fish_trace
      __vault_directory
      builtin test -z "$__VAULT_SAY"; or __vault_tell
    else
      builtin set -g __vault_at $PWD
    end
  end
  function __vault_at_prompt --on-event fish_prompt
    builtin test "$PWD" = "$__vault_at" -a -z "$__VAULT_SAY"; and builtin return 0
    builtin set -l fish_trace
    __vault_directory
    builtin set -q __vault_begun; and __vault_tell
    builtin set -g __vault_begun
  end
  function __vault_tell
    builtin test -n "$__VAULT_SAY"; or builtin return 0
    builtin echo $__VAULT_SAY >&2
    builtin set -gu __VAULT_SAY
  end
end
