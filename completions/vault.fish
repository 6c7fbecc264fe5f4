# Completes vault in fish. In the init script it is for the function and the
# binary in __VAULT_INIT; as a file for vault on PATH.
function __vault_complete
  builtin set -l exe $__VAULT_INIT[1]
  builtin test -n "$exe"; or builtin set exe vault
  builtin set -l words (builtin commandline -opc)
  builtin set -l lines (command $exe __complete $words[2..] (builtin commandline -ct) 2>/dev/null)
  builtin string match -qr '^:\d+$' -- "$lines[-1]"; or builtin return 1
  builtin set -l directive (builtin string sub -s 2 -- $lines[-1])
  builtin set -e lines[-1]
  if builtin test (builtin count $lines) -gt 0
    # Of --flag=value the binary completes the value.
    builtin printf '%s\n' (builtin string match -r '^--[^=]*=' -- (builtin commandline -ct) | builtin string collect -a)$lines
  else if builtin test (builtin math "bitand($directive, 4)") -eq 0
    __fish_complete_path (builtin commandline -ct)
  end
end

# Behind "exec PROFILE --" stands another command.
function __vault_complete_command
  builtin set -l words (builtin commandline -opc)
  builtin test "$words[2]" = exec; and builtin contains -- -- $words
end

function __vault_complete_rest
  builtin set -l words (builtin commandline -opc)
  builtin set -e words[1..(builtin contains -i -- -- $words)]
  builtin complete -C (builtin string join -- ' ' (builtin string escape -- $words) (builtin commandline -ct))
end

begin
  builtin set -l name $__VAULT_INIT[2]
  builtin test -n "$name"; or builtin set name vault
  builtin complete -c $name -e
  builtin complete -c $name -f -n 'not __vault_complete_command' -a '(__vault_complete)'
  builtin complete -c $name -f -n __vault_complete_command -a '(__vault_complete_rest)'
end
