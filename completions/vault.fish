# Completes vault in fish. In the init script it is for the function and the
# binary in __VAULT_INIT; as a file for vault on PATH.
function __vault_complete
  builtin set -l exe $__VAULT_INIT[1]
  builtin test -n "$exe"; or builtin set exe vault
  builtin set -l words (builtin commandline -opc)
  builtin set -l typed (builtin commandline -ct)
  builtin set -l last (builtin string unescape -- "$typed")
  # Quotes may still be open.
  builtin set -q last[1]; or builtin set last (builtin string trim -l -c '"\'' -- "$typed")
  builtin set -l lines (command $exe __complete $words[2..] "$last" 2>/dev/null)
  # Where no word begins so fish may find some that are alike.
  if builtin test (builtin count $lines) -eq 1; and builtin string match -qr '^:\d+$' -- "$lines[1]"; and builtin string match -qr '^[^-]' -- "$last"
    builtin set lines (command $exe __complete $words[2..] '' 2>/dev/null)
  end
  if builtin string match -q ':command *' -- "$lines[-1]"
    # Another command, which exec runs.
    builtin set -e words[1..(builtin math (builtin string sub -s 10 -- $lines[-1]) + 1)]
    builtin complete -C (builtin string join -- ' ' (builtin string escape -- $words) "$typed")
    builtin return
  end
  builtin string match -qr '^:\d+$' -- "$lines[-1]"; or builtin return 1
  builtin set -l directive (builtin string sub -s 2 -- $lines[-1])
  builtin set -e lines[-1]
  # "-" is whole: fish would go on to a flag.
  builtin test "$last" = -; and builtin string match -q -- '-'\t'*' "$lines[1]"; and builtin set lines $lines[1]
  # Of --flag=value the binary completes the value.
  builtin set -l head (builtin string match -r '^--[^=]*=' -- "$last")
  if builtin test (builtin count $lines) -gt 0
    builtin printf '%s\n' "$head"$lines
  else if builtin test (builtin math "bitand($directive, 4)") -eq 0
    builtin printf '%s\n' "$head"(__fish_complete_path (builtin string replace -- "$head" '' "$last"))
  end
end

# The init script registers it by itself.
if not builtin set -q __VAULT_INIT
  builtin complete -c vault -e
  # Without a condition, so that no file is suggested while a word is typed.
  builtin complete -c vault -f
  builtin complete -c vault -a '(__vault_complete)'
end
