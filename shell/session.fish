# What a fish with a profile in use needs beside init.fish, which loads it when
# it is first needed.

# __vault_switch COMMAND... runs one of the commands that change the shell.
function __vault_switch
  builtin set -l fish_trace
  # What is exported here reaches the binary alone. A command substitution
  # would print errors past a redirection of this function.
  builtin set -l code
  builtin set -l s
  begin
    builtin set -lx __VAULT_LAST $__VAULT_LAST
    $__VAULT_INIT[1] $__VAULT_INIT[6] $argv | builtin read -z code
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
  builtin set -eg __vault_first
  builtin set -gu __VAULT_LAST $last[1]
  builtin set -gu __VAULT_HOOK
  builtin set -gu __VAULT_SAY
  builtin return 0
end

# __vault_look reads what a prompt shows and what a hook goes by. It fails where
# no profile is in use, or somebody else has changed the variables; then there
# is nothing to renew. Of the segment it leaves the text in __vault_text and the
# colour in __vault_color.
#
# fish has no clock that takes no process but the age of a file: that of the
# stamp, which is made anew with each renewal. Until __vault_wake, counted like
# that, nothing comes of looking again, as long as __vault_sig is what the
# variables say.
function __vault_look
  builtin set -g __vault_sig
  builtin set -eg __vault_ps
  if builtin test -z "$__VAULT_STATE"
    builtin set -g __vault_text
    builtin return 1
  end
  if builtin test "$__vault_state" != "$__VAULT_STATE"
    builtin set -g __vault_state $__VAULT_STATE
    builtin set -g __vault_f (builtin string replace -ra '[[:cntrl:]]' '?' -- (builtin string match -r '^2\|(\d{1,12})\|(\d{1,12})\|(\d{1,12})\|(\d{1,12})\|([^|]*)\|([0-9a-f]{32})\|([^|]*)\|([^|]+)\|(.*)\|[^|]*$' -- "$__VAULT_STATE"))
  end
  builtin set -g __vault_file $__VAULT_INIT[5]/$__vault_f[7].stamp
  if not builtin set -q __vault_f[10]
    builtin set -g __vault_text 'vault ?'
    builtin set -g __vault_color magenta
    builtin return 1
  end
  if builtin test "$AWS_VAULT" != "$__vault_f[9]" -o "$AWS_ACCESS_KEY_ID" != "$__vault_f[6]" -o -n "$AWS_DEFAULT_PROFILE" -o \( -n "$AWS_PROFILE" -a \( -n "$__vault_f[6]" -o "$AWS_PROFILE" != "$__vault_f[9]" \) \)
    builtin set -g __vault_text "$__vault_f[9] != env"
    builtin set -g __vault_color magenta
    builtin return 1
  end
  builtin set -g __vault_line
  builtin set -g __vault_age (builtin path mtime -R $__vault_file)
  if builtin set -q __vault_age[1]
    builtin set -g __vault_base (builtin path mtime $__vault_file)
    if builtin test -s $__vault_file
      builtin read -g __vault_line <$__vault_file
    else
      builtin set __vault_line gone
    end
  else
    builtin set __vault_age (builtin path mtime -R /)
    builtin set -g __vault_base (builtin path mtime /)
  end
  builtin set -g __vault_sig "$AWS_VAULT $AWS_ACCESS_KEY_ID $AWS_PROFILE $AWS_DEFAULT_PROFILE $AWS_REGION $NO_COLOR $TERM $__VAULT_STATE"
  __vault_write
end

# __vault_same succeeds while nothing comes of looking again.
function __vault_same
  builtin path mtime -R $__vault_file / | builtin read -l age
  builtin test "$__vault_sig" = "$AWS_VAULT $AWS_ACCESS_KEY_ID $AWS_PROFILE $AWS_DEFAULT_PROFILE $AWS_REGION $NO_COLOR $TERM $__VAULT_STATE" -a $age -ge $__vault_since -a $age -lt $__vault_wake -a -s "$__vault_file" -a -x $__VAULT_INIT[1]
end

# __vault_now prints the time.
function __vault_now
  builtin math $__vault_base + $__vault_age
end

# __vault_write writes the segment for the time that it is.
function __vault_write
  builtin set -l now (__vault_now)
  builtin set -g __vault_since $__vault_age
  builtin set -g __vault_wake (builtin math $__vault_age + 100000)
  builtin set -g __vault_color green
  builtin contains -- "$__vault_f[8]" black red yellow blue magenta cyan white protected; and builtin set __vault_color $__vault_f[8]
  builtin set -l until $__vault_f[2]
  builtin set -l due $__vault_f[3]
  builtin set -l over $__vault_f[5]
  if builtin test $over -ne 0
    builtin test $until -eq 0 -o $over -lt $until; and builtin set until $over
    builtin set __vault_wake (builtin math $over - $__vault_base)
  end
  if builtin test $due -ne 0
    builtin set -l at (builtin math $due - $__vault_base)
    builtin test $at -lt $__vault_wake; and builtin set __vault_wake $at
  end
  builtin set -l word
  builtin set -l what
  builtin set -l shade
  if builtin test $until -ne 0
    builtin set -l left (builtin math $until - $now)
    if builtin test $over -ne 0 -a $now -ge $over
      builtin set word over
      builtin set shade red
    else if builtin test $left -le 0
      builtin set word expired
      builtin set shade red
    else if builtin test $left -lt 60
      builtin set word "$left"s
      builtin set shade yellow
      builtin set __vault_wake (builtin math $__vault_age + 1)
    else
      builtin set -l minutes (builtin math -s0 $left / 60)
      builtin set -l at (builtin math $__vault_age + $left % 60 + 1)
      builtin test $at -lt $__vault_wake; and builtin set __vault_wake $at
      builtin test $left -le 900; and builtin set shade yellow
      if builtin test $minutes -lt 60
        builtin set word "$minutes"m
      else
        builtin set word (builtin printf '%dh%02dm' (builtin math -s0 $minutes / 60) (builtin math $minutes % 60))
      end
    end
    builtin test -n "$shade" -a "$__vault_color" != protected; and builtin set __vault_color $shade
    if builtin test $due -ne 0 -a $now -ge $due -a "$word" != over
      switch "$__vault_line"
        case '* mfa *' '* locked *' '* login *'
          builtin set what ', needs you'
        case '* renewing *'
          builtin set what ', renewing'
        case '*'
          builtin string match -q "$__vault_f[6] * renewing" -- "$__VAULT_HOOK"; and builtin test "$__vault_line" = "$__vault_seen"; and builtin set what ', renewing'
      end
    end
  end
  if not builtin test -x $__VAULT_INIT[1]; or builtin string match -q '* reload' -- "$__VAULT_HOOK"
    builtin set what ', reload'
    builtin set __vault_wake $__vault_age
  else if builtin string match -q "$__vault_f[6] * foreign" -- "$__VAULT_HOOK"
    builtin set what ' != env'
  end
  builtin set -g __vault_text $__vault_f[10]
  builtin set word (builtin string replace -r '^, ' '' -- "$word$what")
  if builtin string match -q '*{left}*' -- $__vault_text
    builtin test -z "$word"; and builtin set __vault_text (builtin string replace ' {left}' '' -- $__vault_text)
    builtin set __vault_text (builtin string replace -a '{left}' -- "$word" $__vault_text)
  else if builtin test -n "$what"; or builtin contains -- "$word" expired over
    builtin set __vault_text "$__vault_text $word"
  end
  if builtin string match -q '*{region}*' -- $__vault_text
    builtin set -l region (builtin string replace -ra '[[:cntrl:]]' '?' -- "$AWS_REGION")
    builtin test -z "$region"; and builtin set __vault_text (builtin string replace ' {region}' '' -- $__vault_text)
    builtin set __vault_text (builtin string replace -a -- '{region}' "$region" $__vault_text)
  end
end

# __vault_hook prompt|exec: what is to be done before a prompt, or before a
# command runs. It starts a process only where there is something to do.
function __vault_hook
  __vault_look; or builtin return 0
  builtin set -l now (__vault_now)
  if builtin test $__vault_f[3] -eq 0 -o $now -lt $__vault_f[3]; and builtin test $__vault_f[5] -eq 0 -o $now -lt $__vault_f[5]; and builtin test "$__vault_line" != gone
    builtin return 0
  end
  builtin set -l stamp (builtin string split ' ' -- $__vault_line) '' '' '' ''
  builtin set -l hook (builtin string match -r '^([^ ]*) (\d{1,12}) (.*)$' -- "$__VAULT_HOOK")
  builtin set -l look 0
  builtin set -l mark -
  if builtin test "$hook[2]" = "$__vault_f[6]"
    builtin set look $hook[3]
    builtin set mark $hook[4]
  end
  builtin set -l next 0
  builtin string match -qr '^\d{1,12}$' -- $stamp[4]; and builtin set next $stamp[4]
  builtin set -l call 0
  builtin set -l urgent 0
  builtin test $argv[1] = exec; and builtin test $now -ge $__vault_f[4]; and builtin set urgent 1
  switch $stamp[3]
    case mfa locked login
      builtin test $mark != told -a "$__vault_line" != "$__vault_seen"; and builtin set call 1
    case ok
      if builtin test "$stamp[1]" != "$__vault_f[6]"
        builtin test "$__vault_line" != "$__vault_seen"; and builtin set call 1
        builtin set next 0
      end
    case renewing
      # A command waits for a renewal that is under way.
      builtin test $urgent = 1; and builtin set next 0
  end
  builtin test $urgent = 1 -a $mark = renewing; and builtin set look 0
  builtin test "$__vault_line" = gone -a $mark = renewing; and builtin set look 0
  builtin test $__vault_f[5] -ne 0 -a $now -ge $__vault_f[5]; and builtin set next 0
  builtin test $now -ge $next -a $now -ge $look; and builtin set call 1
  builtin test $call = 1; or builtin return 0
  builtin set -g __vault_seen $__vault_line
  __vault_call $argv[1] $mark $now
  __vault_look
end

# __vault_call HOOK MARK NOW has the binary say what to do, and does it. What
# is to be said waits in __VAULT_SAY.
function __vault_call
  builtin set -l __vault_mark $argv[2]
  builtin set -l __vault_key $__vault_f[6]
  builtin set -l __vault_last $__VAULT_STATE
  builtin set -l __vault_code
  builtin set -l __vault_s 127
  if builtin test -x $__VAULT_INIT[1]
    $__VAULT_INIT[1] $__VAULT_INIT[6] hook $argv[1] $argv[2] 2>/dev/null </dev/null | builtin read -z __vault_code
    builtin set __vault_s $pipestatus[1]
  end
  switch $__vault_s
    case 0
      if builtin string match -q -- '*
: vault-end
' $__vault_code
        builtin eval $__vault_code 2>/dev/null
        builtin test "$__VAULT_STATE" = "$__vault_last"; or builtin set -gu __VAULT_LAST $__vault_last
        builtin return 0
      end
    # It is gone, or speaks another protocol.
    case 2 6 126 127
      builtin set __vault_mark reload
  end
  builtin set -gu __VAULT_HOOK "$__vault_key $(builtin math $argv[3] + 30) $__vault_mark"
end

# vault_prompt_info [plain] prints the segment.
function vault_prompt_info
  builtin test -n "$__VAULT_STATE"; or builtin return 0
  builtin set -l fish_trace
  # The hook has just looked; a prompt that is drawn again later has not.
  builtin set -eg __vault_drawn; or __vault_same; or __vault_look
  if builtin test "$argv[1]" = plain
    builtin echo -n $__vault_text
  else
    builtin set -q __vault_ps; or __vault_paint
    builtin echo -n $__vault_ps
  end
end

# __vault_paint: the segment as the prompt shows it, in __vault_ps. What looks
# again erases that.
function __vault_paint
  if builtin test -z "$__vault_text"
    builtin set -g __vault_ps
  else if builtin test -n "$NO_COLOR" -o "$TERM" = dumb
    builtin set -g __vault_ps "($__vault_text) "
  else if builtin test $__vault_color = protected
    builtin set -g __vault_ps (builtin set_color --background red white)"($__vault_text)"(builtin set_color normal)' '
  else
    builtin set -g __vault_ps (builtin set_color $__vault_color)"($__vault_text)"(builtin set_color normal)' '
  end
end

# __vault_say prints what waits to be said.
function __vault_say
  builtin test -n "$__VAULT_SAY"; or builtin return 0
  builtin echo $__VAULT_SAY >&2
  builtin set -gu __VAULT_SAY
end

builtin functions -e __vault_idle
builtin set -g __vault_since 0
builtin set -g __vault_wake 0
if builtin status is-interactive; and builtin test $__VAULT_INIT[3]$__VAULT_INIT[4] != 00
  # While nothing is to be done this calls no function and few builtins: each
  # takes 10 µs, the age of a file by way of read 30, by way of a substitution 60.
  # Where the stamp is gone the age is that of /, so that test gets a number.
  function __vault_precmd --on-event fish_prompt
    switch "$__VAULT_STATE$__VAULT_SAY"
      case ''
        builtin return 0
    end
    builtin path mtime -R $__vault_file / | builtin read -l age
    if builtin test "$__vault_sig" = "$AWS_VAULT $AWS_ACCESS_KEY_ID $AWS_PROFILE $AWS_DEFAULT_PROFILE $AWS_REGION $NO_COLOR $TERM $__VAULT_STATE$__VAULT_SAY" -a $age -ge $__vault_since -a $age -lt $__vault_wake -a -s "$__vault_file" -a -x $__VAULT_INIT[1]
      builtin set -g __vault_drawn
    else
      __vault_due
    end
  end
  function __vault_due
    builtin set -l fish_trace
    if builtin test -z "$__VAULT_STATE"
    else if builtin test $__VAULT_INIT[4] = 1
      __vault_hook prompt
      builtin set -g __vault_drawn
    else
      __vault_look
      builtin set -g __vault_drawn
    end
    # Nothing is printed before the first prompt.
    builtin set -eg __vault_first; or __vault_say
  end
end
if builtin status is-interactive; and builtin test $__VAULT_INIT[4] = 1
  function __vault_preexec --on-event fish_preexec
    builtin test -n "$__VAULT_STATE$__VAULT_SAY"; or builtin return 0
    builtin set -l fish_trace
    builtin string match -qr "^\s*$__VAULT_INIT[2](\s|\$)" -- $argv[1]; and builtin return 0
    builtin test -n "$__VAULT_STATE"; and not __vault_same; and __vault_hook exec
    __vault_say
  end
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
      if builtin set -q __VAULT_STATE __vault_drawn __vault_ps
        builtin set -eg __vault_drawn
        builtin echo -n $__vault_ps
      else if builtin set -q __VAULT_STATE
        vault_prompt_info
      end
      __vault_mode_prompt
    end
  end
end
