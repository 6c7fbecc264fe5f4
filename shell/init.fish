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
  # What is exported here reaches the binary alone. A command substitution
  # would print errors past a redirection of this function.
  builtin set -l code
  builtin set -l s
  begin
    builtin set -lx __VAULT_LAST $__VAULT_LAST
    $__VAULT_INIT[1] --fn=fish:$__VAULT_INIT[2] $argv | builtin read -z code
    builtin set s $pipestatus
  end
  builtin test $s[1] -eq 0; or builtin return $s[1]
  if not builtin string match -q -- '*
: vault-end
' $code
    builtin echo 'vault: the answer was cut off: nothing was changed' >&2
    builtin return 1
  end
  builtin set -l last $__VAULT_STATE $__VAULT_LAST
  # Without the mark: the status is that of what stands before it.
  builtin set code "$(builtin string replace -r '\n: vault-end\n$' '' -- $code)"
  builtin eval $code; or builtin return 1
  builtin set -gu __VAULT_LAST $last[1]
end

# __vault_segment: the segment's text in __vault_text, its colour in
# __vault_color; the text is empty where no profile is in use. What the state
# says is read once; the clock is the age of a file that does not change, as
# fish has no other that takes no process.
function __vault_segment
  builtin set -g __vault_text
  if builtin test "$__vault_seen" != "$__VAULT_STATE"
    builtin set -g __vault_seen $__VAULT_STATE
    builtin set -g __vault_fields (builtin string match -r '^1:(\d{1,12}):([^:]*):([^:]*):(.*):[^:]*$' -- "$__VAULT_STATE")
    builtin set -g __vault_age
  end
  builtin set -q __vault_fields[5]; or builtin return 0
  builtin set -g __vault_color green
  builtin contains -- $__vault_fields[4] black red yellow blue magenta cyan white; and builtin set __vault_color $__vault_fields[4]
  if builtin test "$AWS_VAULT" != "$__vault_fields[5]" -o "$AWS_ACCESS_KEY_ID" != "$__vault_fields[3]" -o -n "$AWS_PROFILE"
    builtin set __vault_text "$__vault_fields[5] != env"
    builtin set __vault_color magenta
    builtin return 0
  end
  if builtin test $__vault_fields[2] = 0
    builtin set __vault_text $__vault_fields[5]
    builtin return 0
  end
  builtin set -l file $__VAULT_INIT[1]
  builtin set -l age (builtin path mtime -R $file)
  if builtin test -z "$age"
    builtin set file /
    builtin set age (builtin path mtime -R /)
  end
  # The file was changed where it is younger than before: count anew.
  if not builtin test "$age" -ge "$__vault_age" 2>/dev/null
    builtin set -g __vault_span (builtin math $__vault_fields[2] - (builtin path mtime $file))
  end
  builtin set -g __vault_age $age
  builtin set -l minutes (builtin math -s0 "floor(($__vault_span - $age) / 60)")
  if builtin test $minutes -ge 60
    builtin set __vault_text $__vault_fields[5] (builtin printf '%dh%02dm' (builtin math -s0 $minutes / 60) (builtin math $minutes % 60))
  else if builtin test $minutes -ge 1
    builtin set __vault_text $__vault_fields[5] "$minutes"m
    builtin test $minutes -ge 15; or builtin set __vault_color yellow
  else
    builtin set -l left (builtin math $__vault_span - $age)
    if builtin test $left -gt 0
      builtin set __vault_text $__vault_fields[5] "$left"s
      builtin set __vault_color yellow
    else
      builtin set __vault_text $__vault_fields[5] expired
      builtin set __vault_color red
    end
  end
end

# vault_prompt_info: the segment, for prompts made by hand.
function vault_prompt_info
  builtin set -l fish_trace
  __vault_segment
  builtin test -n "$__vault_text"; or builtin return 0
  builtin string match -qr '[[:cntrl:]]' -- "$__vault_text"; and builtin set __vault_text (builtin string replace -ra '[[:cntrl:]]' '?' -- "$__vault_text")
  if builtin test -n "$NO_COLOR" -o "$TERM" = dumb
    builtin echo -n "($__vault_text) "
    builtin return 0
  end
  builtin set -q __vault_sgr_$__vault_color; or builtin set -g __vault_sgr_$__vault_color (set_color $__vault_color)
  builtin set -q __vault_sgr_normal; or builtin set -g __vault_sgr_normal (set_color normal)
  builtin set -l sgr __vault_sgr_$__vault_color
  builtin echo -ns $$sgr "($__vault_text)" $__vault_sgr_normal ' '
end

if builtin status is-interactive; and builtin test $__VAULT_INIT[3] = 1
  # fish draws fish_mode_prompt in front of fish_prompt, with a status of its
  # own: a segment there leaves the prompt and its $status alone.
  function __vault_prompt --on-event fish_prompt
    builtin functions -e __vault_prompt
    builtin test "$STARSHIP_SHELL" = fish; and builtin return 0
    builtin functions -q tide; and builtin set -q tide_left_prompt_items; and builtin return 0
    builtin set -qg _omp_executable; and builtin return 0
    builtin functions -q omp_repaint_prompt; and builtin return 0
    builtin functions -q postexec_omp; and builtin return 0
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
