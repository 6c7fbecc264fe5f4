package cmd_test

import (
	"regexp"
	"strings"
	"testing"
)

// using matches what a switch to dev says, and nothing else.
var using = regexp.MustCompile(`^vault: using dev until (?:\w+ )?\d\d:\d\d\n*$`)

// An outside is what a switch has to leave as it was.
type outside struct {
	env     []string
	options string // of the shell, and traps
}

// outside returns that of the shell as it is.
func (c *console) outside() (o outside) {
	c.t.Helper()
	o.env, o.options = c.look(map[string]string{
		// The trap of the hook itself comes with the first profile.
		"bash": `{ \builtin echo "$- $SHELLOPTS ${BASHOPTS-}"; \builtin trap | \builtin command sed /__vault_debug/d; }`,
		"zsh":  `{ 'builtin' 'setopt'; 'builtin' 'trap'; }`,
		"fish": "set -S fish_trace",
	}[c.shell])
	return o
}

// round switches to dev and back, under settings that are to make no
// difference.
func (c *console) round(settings string, before outside) {
	c.t.Helper()
	out := c.run("vault use dev")
	if c.status != 0 || !using.MatchString(out) {
		c.t.Errorf("%s: %s: use: status %d, %q", c.shell, settings, c.status, out)
		return
	}
	c.shows(`\(dev ` + hour + `\)`)
	used := c.outside()
	c.holds(byName(used.env), "dev", "eu-west-1")
	out = c.run("vault off")
	if c.status != 0 || strings.TrimSpace(out) != "" {
		c.t.Errorf("%s: %s: off: status %d, %q", c.shell, settings, c.status, out)
	}
	c.shows("")
	after := c.outside()
	c.same(before.env, after.env, settings)
	if used.options != before.options || after.options != before.options {
		c.t.Errorf("%s: %s: the shell's options were %q, then %q and %q", c.shell, settings, before.options, used.options, after.options)
	}
}

// load evaluates the init script again, whatever aliases there are.
func load(shell string) string {
	return by(shell, map[string]string{
		"bash": `\builtin eval "$(\builtin command ` + binary + " init " + shell + `)"`,
		"fish": binary + " init fish | source",
	})
}

// zshOptions change how zsh reads or runs code; those of a line are set
// together. One is missing: with csh_junkie_quotes no quoted text has a second
// line.
var zshOptions = strings.Split(strings.TrimSpace(`
all_export
force_float
print_exit_value
auto_cd auto_name_dirs cdable_vars mark_dirs path_dirs path_script posix_cd
bash_rematch rematch_pcre no_case_match no_case_glob
brace_ccl
bsd_echo interactive_comments ksh_option_print numeric_glob_sort sh_option_letters typeset_silent
c_bases c_precedences octal_zeroes
csh_junkie_history csh_junkie_loops
csh_null_glob
debug_before_cmd source_trace
no_equals magic_equal_subst
err_exit
err_return
no_eval_lineno no_function_argzero posix_argzero
extended_glob
glob_assign
glob_subst
no_glob
glob_star_short hist_subst_pattern no_bare_glob_qual
ignore_braces
ignore_close_braces
ksh_arrays
ksh_autoload
ksh_glob
ksh_typeset
ksh_zero_subscript
local_loops local_options local_patterns local_traps
no_clobber
no_global_export
no_multi_func_def
no_multibyte
no_nomatch
no_short_loops
no_unset
null_glob
pipe_fail
posix_aliases
posix_builtins
posix_identifiers posix_jobs posix_strings posix_traps
prompt_subst
rc_expand_param
rc_quotes
sh_file_expansion
sh_glob
sh_nullcmd
sh_word_split
typeset_to_unset
warn_create_global warn_nested_var
ksh_arrays sh_word_split no_unset err_exit warn_create_global glob_subst
`), "\n")

// TestPTYZshOptions switches with each option that zsh has for making scripts
// fail, set before vault is loaded and after.
func TestPTYZshOptions(t *testing.T) {
	need(t, "zsh")
	t.Parallel()
	w := newWorld(t).login()
	c := w.console(t, setup{shell: "zsh"})
	try := func(set, unset string) {
		t.Helper()
		c.ok(set)
		before := c.outside()
		c.round(set+" after vault is loaded", before)
		out := c.ok(load("zsh"))
		if strings.TrimSpace(out) != "" {
			t.Errorf("%s: init prints %q", set, out)
		}
		c.round(set+" before vault is loaded", before)
		c.ok(unset)
		c.ok(load("zsh"))
	}
	for _, options := range zshOptions {
		try("setopt "+options, "unsetopt "+options)
	}
	try("trap 'echo ZERR trap' ZERR; trap 'seen=1' DEBUG", "trap - ZERR DEBUG")
	try("TRAPZERR() { echo ZERR trap }; TRAPDEBUG() { seen=1 }", "unfunction TRAPZERR TRAPDEBUG")
	try("typeset -u AWS_VAULT=up; typeset -i 16 AWS_REGION=3; typeset -L 3 AWS_ACCESS_KEY_ID=abcdef; typeset -Z 9 __VAULT_STATE=1", "unset AWS_VAULT AWS_REGION AWS_ACCESS_KEY_ID __VAULT_STATE")
	try("emulate sh", "emulate zsh; unsetopt prompt_sp")
	try("emulate ksh", "emulate zsh; unsetopt prompt_sp")
}

// bashSettings change how bash reads or runs code, each with what undoes it.
var bashSettings = [][2]string{
	{"set -e", "set +e"},
	{"set -u", "set +u"},
	{"set -f", "set +f"},
	{"set -a", "set +a"},
	{"set -C", "set +C"},
	{"set -E", "set +E"},
	{"set -T", "set +T"},
	{"set -b", "set +b"},
	{"set +h", "set -h"},
	{"set +B", "set -B"},
	{"set +H", "set -H"},
	{"set +m", "set -m"},
	{"set -o posix", "set +o posix"},
	{"set -o pipefail", "set +o pipefail"},
	{"set -euo pipefail", "set +euo pipefail"},
	{"set -o vi", "set -o emacs"},
	{"shopt -s nullglob", "shopt -u nullglob"},
	{"shopt -s failglob", "shopt -u failglob"},
	{"shopt -s dotglob", "shopt -u dotglob"},
	{"shopt -s extglob nocasematch nocaseglob", "shopt -u extglob nocasematch nocaseglob"},
	{"shopt -s xpg_echo", "shopt -u xpg_echo"},
	{"shopt -s extdebug", "shopt -u extdebug; set +ET"},
	{"shopt -s execfail", "shopt -u execfail"},
	{"shopt -s lithist histappend cmdhist", "shopt -u lithist histappend"},
	{"shopt -s sourcepath checkhash checkwinsize cdable_vars", "shopt -u checkhash cdable_vars"},
	{"shopt -u interactive_comments", "shopt -s interactive_comments"},
	{"shopt -s gnu_errfmt shift_verbose", "shopt -u gnu_errfmt shift_verbose"},
	{"{ shopt -s globstar autocd direxpand inherit_errexit; } 2>/dev/null || :", "{ shopt -u globstar autocd direxpand inherit_errexit; } 2>/dev/null || :"},
	{"{ shopt -s localvar_inherit localvar_unset; } 2>/dev/null || :", "{ shopt -u localvar_inherit localvar_unset; } 2>/dev/null || :"},
	{"{ shopt -s assoc_expand_once compat31; } 2>/dev/null || :", "{ shopt -u assoc_expand_once compat31; } 2>/dev/null || :"},
	{"shopt -u expand_aliases", "shopt -s expand_aliases"},
	{"IFS=0123456789", "unset IFS"},
	{"IFS=", "unset IFS"},
	{"IFS=avlut_/", "unset IFS"},
	{"unset IFS", "IFS=$' \\t\\n'"},
	{"readonly IFS_=1 GLOBIGNORE_=1; GLOBIGNORE='*'", "unset GLOBIGNORE"},
	{"POSIXLY_CORRECT=1", "unset POSIXLY_CORRECT; set +o posix"},
	{"CDPATH=/:.", "unset CDPATH"},
	{"LC_ALL=C", "LC_ALL=C.UTF-8"},
	{"trap 'seen=$((${seen-0} + 1))' DEBUG", "trap - DEBUG"},
	{"set -T; trap 'seen=$((${seen-0} + 1))' DEBUG", "trap - DEBUG; set +T"},
	{"shopt -s extdebug; trap ':' DEBUG", "trap - DEBUG; shopt -u extdebug; set +ET"},
	{"trap 'echo ERR trap' ERR", "trap - ERR"},
	{"set -E; trap 'echo ERR trap' ERR", "trap - ERR; set +E"},
	{"trap 'echo RETURN trap' RETURN", "trap - RETURN"},
	{"printf() { echo no printf; }; read() { echo no read; }; test() { echo no test; }; local() { echo no local; }", "unset -f printf read test local"},
	{"unset() { echo no unset; }; declare() { echo no declare; }; shift() { echo no shift; }; set() { echo no set; }", "\\builtin unset -f unset declare shift set"},
	{"export() { echo no export; }; eval() { echo no eval; }; return() { echo no return; }; true() { echo no true; }; false() { echo no false; }", "unset -f export eval return true false"},
	{"alias vault='echo no vault' eval='echo no eval' command='echo no command' export='echo no export' unset='echo no unset' builtin='echo no builtin'", ""},
	{"alias function='echo no function' local='echo no local' printf='echo no printf' test='echo no test' return='echo no return' set='echo no set'", ""},
	{"alias declare='echo no declare' read='echo no read' true='echo no true' shift='echo no shift' complete='echo no complete' shopt='echo no shopt'", ""},
	{"declare -u AWS_VAULT= 2>/dev/null; declare -i AWS_REGION; declare -l AWS_ACCESS_KEY_ID= 2>/dev/null || :", "unset AWS_VAULT AWS_REGION AWS_ACCESS_KEY_ID"},
}

// TestPTYBashSettings switches with each setting of bash, made before vault is
// loaded and after.
func TestPTYBashSettings(t *testing.T) {
	need(t, "bash")
	t.Parallel()
	w := newWorld(t).login()
	c := w.console(t, setup{shell: "bash"})
	for _, s := range bashSettings {
		set, undo := s[0], s[1]
		c.ok(set)
		alias := strings.HasPrefix(set, "alias ")
		if !alias {
			c.round(set+" after vault is loaded", c.outside())
		}
		if out := c.ok(load("bash")); strings.TrimSpace(out) != "" {
			t.Errorf("%s: init prints %q", set, out)
		}
		// Under "set -a" the functions that are loaded are exported.
		c.round(set+" before vault is loaded", c.outside())
		if alias {
			undo = "\\unalias -a"
		}
		c.ok(undo)
		c.ok(load("bash"))
	}
}

// TestPTYZshNames switches in a zsh whose aliases, global ones too, and
// functions have the names of what vault uses.
func TestPTYZshNames(t *testing.T) {
	need(t, "zsh")
	t.Parallel()
	w := newWorld(t).login()
	aliases := ""
	for _, name := range strings.Fields("eval command export unset builtin function local typeset print emulate setopt trap return shift set zmodload precmd_functions reply if case for") {
		aliases += "'builtin' 'alias' " + name + "='echo no " + name + "'\n"
	}
	global := "'builtin' 'alias' -g EMPTY='; echo no' mode='; echo no mode' v='; echo no v' left='; echo no left' x='; echo no x' type='; echo no type' rest='; echo no rest'\n"
	c := w.console(t, setup{shell: "zsh", bare: true, after: "'builtin' 'alias' vault='echo no vault'\n" + aliases})
	c.ok("\\source ./" + c.file(global+"'builtin' 'eval' \"$('command' vault init zsh)\"\n"))
	c.round("aliases before vault is loaded", c.outside())
	c.ok("\\source ./" + c.file(aliases+global))
	c.round("aliases after vault is loaded", c.outside())
}

// TestPTYFishNames does the same in fish, where functions can have them too.
func TestPTYFishNames(t *testing.T) {
	need(t, "fish")
	t.Parallel()
	w := newWorld(t).login()
	functions := ""
	for _, name := range strings.Fields("set_color math count contains echo path export unset") {
		functions += "function " + name + "; builtin echo no " + name + "; end\n"
	}
	c := w.console(t, setup{shell: "fish", before: "alias vault 'echo no vault'\n", bare: true, after: "command vault init fish | source\n"})
	c.round("an alias named vault", c.outside())
	c.do(functions)
	c.round("functions after vault is loaded", c.outside())
	c.ok(load("fish"))
	c.round("functions before vault is loaded", c.outside())
}
