# Loads vault into fish (3.6 and newer). Printed ahead of this file:
#   set -g __VAULT_INIT EXE NAME PROMPT
# the binary, the function's name, and 1 where we draw in the prompt.

function $__VAULT_INIT[2] --description 'switch this shell between AWS profiles'
  __vault_main $argv
end

function __vault_main
  builtin set -l fish_trace
  if not builtin test -x $__VAULT_INIT[1]
    builtin echo "vault: $__VAULT_INIT[1] is gone: open a new shell" >&2
    builtin return 127
  end
  if not builtin contains -- "$argv[1]" use off refresh region
    $__VAULT_INIT[1] --fn=fish:$__VAULT_INIT[2] $argv
    builtin return
  end
  # What is exported here reaches the binary alone.
  builtin set -l code
  builtin set -l s 0
  begin
    builtin set -lx __VAULT_LAST $__VAULT_LAST
    builtin set code "$($__VAULT_INIT[1] --fn=fish:$__VAULT_INIT[2] $argv)"
    builtin set s $status
  end
  builtin test $s -eq 0; or builtin return $s
  if not builtin string match -q -- '*
: vault-end' $code
    builtin echo 'vault: the answer was cut off: nothing was changed' >&2
    builtin return 1
  end
  builtin set -l last $__VAULT_STATE $__VAULT_LAST
  builtin eval $code; or builtin return 1
  builtin set -gu __VAULT_LAST $last[1]
end

# __vault_segment: prints the segment's text and its colour on two lines;
# nothing where no profile is in use.
function __vault_segment
  builtin set -l f (builtin string match -r '^1:(\d+):([^:]*):([^:]*):(.*):[^:]*$' -- "$__VAULT_STATE")
  builtin test (builtin count $f) -eq 5; or builtin return 0
  if builtin test "$AWS_VAULT" != "$f[5]"; or builtin test "$AWS_ACCESS_KEY_ID" != "$f[3]"; or builtin test -n "$AWS_PROFILE"
    builtin printf '%s != env\nmagenta\n' $f[5]
    builtin return 0
  end
  builtin set -l color green
  builtin contains -- $f[4] black red yellow blue magenta cyan white; and builtin set color $f[4]
  if builtin test $f[2] = 0
    builtin printf '%s\n%s\n' $f[5] $color
    builtin return 0
  end
  # Two builtins make a clock: when a file was changed, and how long ago.
  builtin set -l left (builtin math $f[2] - (builtin path mtime /) - (builtin path mtime -R /))
  if builtin test $left -le 0
    builtin printf '%s expired\nred\n' $f[5]
  else if builtin test $left -lt 60
    builtin printf '%s %ds\nyellow\n' $f[5] $left
  else if builtin test $left -le 900
    builtin printf '%s %dm\nyellow\n' $f[5] (builtin math -s0 $left / 60)
  else if builtin test $left -lt 3600
    builtin printf '%s %dm\n%s\n' $f[5] (builtin math -s0 $left / 60) $color
  else
    builtin printf '%s %dh%02dm\n%s\n' $f[5] (builtin math -s0 $left / 3600) (builtin math -s0 "$left % 3600 / 60") $color
  end
end

# vault_prompt_info: the segment, for prompts made by hand.
function vault_prompt_info
  builtin set -l fish_trace
  builtin set -l segment (__vault_segment)
  builtin test (builtin count $segment) -eq 2; or builtin return 0
  builtin echo -ns (set_color $segment[2]) "($segment[1])" (set_color normal) ' '
end

if builtin status is-interactive; and builtin test $__VAULT_INIT[3] = 1
  # fish draws fish_mode_prompt in front of fish_prompt, with a status of its
  # own: a segment there leaves the prompt and its $status alone.
  function __vault_prompt --on-event fish_prompt
    builtin functions -e __vault_prompt
    builtin test "$STARSHIP_SHELL" = fish; and builtin return 0
    builtin functions -q tide; and builtin set -q tide_left_prompt_items; and builtin return 0
    builtin set -q POSH_PID; and builtin functions -q __omp_prompt omp_repaint_prompt; and builtin return 0
    builtin functions -q __vault_mode_prompt; and builtin return 0
    if builtin functions -q fish_mode_prompt
      builtin functions -c fish_mode_prompt __vault_mode_prompt
    else
      function __vault_mode_prompt
      end
    end
    function fish_mode_prompt
      vault_prompt_info
      __vault_mode_prompt
    end
  end
end
