# Runs one switch in fish (3.6 and newer): looks first, then acts.

# __vault_apply MODE ID KEEP UNSET BACK SAY [KIND NAME VALUE]...
# MODE: use or off.  ID: tells our saved variables from older ones.
# KEEP: names whose value has to be kept, exported ones as x:NAME.
# UNSET: names to unset.  BACK: names to put back as they were.
# SAY: the line to print when all is done.
# KIND: set exports; was and lost say what BACK falls back to where this shell
# has not saved the variable: a value, or none that can be had.
function __vault_apply
  # The caller's exported local variables are copied into this scope: one of
  # ours among them would hide what we set and come back unseen.
  builtin set -l __vault_local (builtin set -lxn)
  builtin set -l fish_trace
  builtin set -l mode $argv[1]
  builtin set -l id $argv[2]
  builtin set -l keep (builtin string split -n ' ' -- $argv[3])
  builtin set -l gone (builtin string split -n ' ' -- $argv[4])
  builtin set -l back (builtin string split -n ' ' -- $argv[5])
  builtin set -l say $argv[6]
  builtin set -e argv[1..6]
  builtin set -l names
  builtin set -l at 1
  while builtin test $at -le (builtin count $argv)
    builtin test $argv[$at] = set; and builtin set -a names $argv[(builtin math $at + 1)]
    builtin set at (builtin math $at + 3)
  end
  builtin set -l v
  builtin set -l n
  for n in $names $gone $back
    if builtin contains -- $n $__vault_local
      builtin echo "vault: variable $n is local to what runs this switch: nothing was changed" >&2
      builtin return 1
    end
  end
  for n in $gone
    # fish hands these to children whatever a session does, but for a value of
    # its own; an empty one would do as much harm.
    if builtin set -qUx $n
      builtin echo "vault: variable $n is universal and exported in fish: nothing was changed" >&2
      builtin echo "vault: hint: make it one of this session: set -gx $n \$$n; set -eU $n" >&2
      builtin return 1
    end
  end
  builtin test "$__VAULT_SAVED[1]" = $id; or builtin set -gu __VAULT_SAVED $id
  for n in $keep
    builtin set -l flag u
    if builtin string match -q 'x:*' -- $n
      builtin set flag x
      builtin set n (builtin string sub -s 3 -- $n)
    end
    # What is not global is universal: it shows again when ours is erased, as
    # does what an empty global hides.
    builtin set -qg $n; or builtin continue
    builtin set -qU $n; and builtin set -qgu $n; and builtin test (builtin count $$n) -eq 0; and builtin continue
    builtin set -qgx $n; or builtin set flag u
    builtin set -a __VAULT_SAVED $n $flag (builtin count $$n) $$n
  end
  for n in $gone $back
    if builtin contains -- $n $back; or not builtin set -qU $n
      builtin set -eg $n
      builtin continue
    end
    # An empty, unexported global hides a universal variable in this session.
    builtin set -qgu $n; and builtin test (builtin count $$n) -eq 0; and builtin continue
    builtin set -eg $n
    builtin set -gu $n
    builtin set -a __VAULT_SAVED $n h 0
  end
  builtin set at 1
  while builtin test $at -le (builtin count $argv)
    if builtin test $argv[$at] = set
      builtin set -gx $argv[(builtin math $at + 1)] $argv[(builtin math $at + 2)]
    end
    builtin set at (builtin math $at + 3)
  end
  builtin set at 2
  while builtin test $at -lt (builtin count $__VAULT_SAVED)
    builtin set n $__VAULT_SAVED[$at]
    builtin set -l flag $__VAULT_SAVED[(builtin math $at + 1)]
    builtin set -l size $__VAULT_SAVED[(builtin math $at + 2)]
    builtin set -l value
    builtin test $size -gt 0; and builtin set value $__VAULT_SAVED[(builtin math $at + 3)..(builtin math $at + 2 + $size)]
    builtin set at (builtin math $at + 3 + $size)
    if builtin test $flag = h
      builtin test $mode = off; and builtin set -qgu $n; and builtin test (builtin count $$n) -eq 0; and builtin set -eg $n
      builtin continue
    end
    if builtin set -l i (builtin contains -i -- $n $back)
      builtin set -e back[$i]
    else if builtin test $flag$mode != uoff; or builtin test (builtin count $$n) -gt 0
      builtin continue
    end
    builtin set -g$flag $n $value
  end
  builtin set at 1
  while builtin test $at -le (builtin count $argv)
    builtin set -l kind $argv[$at]
    builtin set n $argv[(builtin math $at + 1)]
    builtin set -l value $argv[(builtin math $at + 2)]
    builtin set at (builtin math $at + 3)
    builtin test $kind = set; and builtin continue
    builtin contains -- $n $back; or builtin continue
    builtin set -qU $n; and builtin continue
    if builtin test $kind = was
      builtin set -gx $n $value
    else
      builtin echo "vault: $n had a value before the switch that only the first shell has kept: it stays unset here" >&2
    end
  end
  if builtin test $mode = off
    builtin set -eg __VAULT_SAVED
  end
  builtin test -n "$say"; and builtin echo -- $say >&2
  builtin return 0
end
