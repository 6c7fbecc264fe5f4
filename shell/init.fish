# Loads vault into fish (3.6 and newer). Printed ahead of this file:
#   set -g __VAULT_INIT EXE NAME PROMPT HOOK STAMPS CALLER
# the binary, the function's name, 1 where we draw in the prompt, 1 where we
# renew, the folder of the stamps, and the binary's first argument.
#
# Every new shell evaluates this file, so that it holds little: the 14 KB of all
# files take 3 ms, as long as starting the binary once more. What only a shell
# with a profile in use needs stands in session.fish. The binary prints it along
# with this where the shell inherits a profile, else when it is first needed.

# What is ours is not taken from the environment.
for name in __VAULT_HOOK __VAULT_SAY __vault_state __vault_f __vault_line __vault_seen __vault_wake __vault_since __vault_sig __vault_file __vault_text __vault_ps __vault_first __vault_drawn
  builtin set -eg $name
end
builtin set -e name

function $__VAULT_INIT[2] --description 'switch this shell between AWS profiles'
  __vault_main $argv
end

function __vault_main
  builtin set -l fish_trace
  if not builtin test -x $__VAULT_INIT[1]
    builtin echo "vault: $__VAULT_INIT[1] is gone: open a new shell" >&2
    builtin return 127
  end
  switch "$argv[1]"
    case use off refresh region logout
      __vault_switch $argv
      builtin return
    case allow deny
      # What a folder asks for is looked at again.
      builtin set -eg __vault_at
      builtin set -g __vault_dir '?'
    case exec
      # A program that is not found may be something that only this shell knows.
      builtin set -lx __VAULT_WORD
      builtin set -l i (builtin contains -i -- -- $argv); and builtin set i (builtin math $i + 1)
      builtin set -q argv[$i]; and builtin functions -q -- $argv[$i]; and builtin set __VAULT_WORD function
      $__VAULT_INIT[1] $__VAULT_INIT[6] $argv
      builtin return
  end
  $__VAULT_INIT[1] $__VAULT_INIT[6] $argv
end

# __vault_load PART has the binary print a part of the shell's code, and defines
# it: session or completion. The binary says why it cannot.
function __vault_load
  builtin set -l fish_trace
  builtin set -l code
  $__VAULT_INIT[1] $__VAULT_INIT[6] init fish --part $argv[1] </dev/null | builtin read -z code
  builtin set -l s $pipestatus[1]
  builtin test $s -eq 0; or builtin return $s
  builtin set -eg __vault_part
  builtin string match -q -- '*
: vault-end
' $code; and builtin eval $code
  builtin test "$__vault_part" = $argv[1]; and builtin return 0
  builtin echo 'vault: the answer was cut off: nothing was changed' >&2
  builtin return 1
end

# These stand for those of session.fish, which take their names.
function __vault_switch
  __vault_load session; and __vault_switch $argv
end

# vault_prompt_info [plain]: the segment, for prompts made by hand. plain is the
# text alone, as for a title.
function vault_prompt_info
  builtin test -n "$__VAULT_STATE"; or builtin return 0
  __vault_load session 2>/dev/null; or builtin return 0
  vault_prompt_info $argv
end

# __vault_idle looks before each prompt whether a profile has come into use by
# what did not go through our function, as direnv. session.fish takes its place.
# Where the binary is gone by then, one line says so, once.
if builtin status is-interactive; and builtin test $__VAULT_INIT[3]$__VAULT_INIT[4] != 00
  builtin set -g __vault_first 1
  function __vault_idle --on-event fish_prompt
    builtin set -q __VAULT_STATE; and __vault_woken
  end
else
  builtin functions -e __vault_idle
end
builtin functions -e __vault_precmd __vault_preexec
function __vault_woken
  builtin test -n "$__VAULT_STATE"; or builtin return 0
  if __vault_load session 2>/dev/null
    builtin functions -q __vault_precmd; and __vault_precmd
    builtin functions -q __vault_prompt; and __vault_prompt
  else
    builtin functions -e __vault_idle
    builtin echo "vault: $__VAULT_INIT[1] is gone or another version: open a new shell" >&2
  end
end

# Completion is loaded when it is first asked for. It has no condition, so that
# no file is suggested while a word is typed.
function __vault_complete
  __vault_load completion 2>/dev/null; and __vault_complete
end
builtin complete -c $__VAULT_INIT[2] -e
builtin complete -c $__VAULT_INIT[2] -f
builtin complete -c $__VAULT_INIT[2] -a '(__vault_complete)'
