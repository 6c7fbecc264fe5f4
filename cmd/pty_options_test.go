package cmd_test

import (
	"regexp"
	"strings"
	"testing"
)

// using matches what a switch to dev says, and nothing else.
var using = regexp.MustCompile(`^vault: using dev until (?:\w+ )?\d\d:\d\d\n*$`)

// round switches to dev and back, under settings that are to make no
// difference. Where the shell itself prints what it runs, traced is true.
func (c *console) round(settings string, traced bool) {
	c.t.Helper()
	before := c.environ()
	out := c.run("vault use dev")
	if c.status != 0 || !traced && !using.MatchString(out) {
		c.t.Errorf("%s: %s: use: status %d, %q", c.shell, settings, c.status, out)
		return
	}
	c.shows(`\(dev ` + hour + `\)`)
	c.inUse("dev", "eu-west-1")
	out = c.run("vault off")
	if c.status != 0 || !traced && strings.TrimSpace(out) != "" {
		c.t.Errorf("%s: %s: off: status %d, %q", c.shell, settings, c.status, out)
	}
	c.shows("")
	c.same(before, c.environ(), settings)
}

// load evaluates the init script again, whatever aliases there are.
func load(shell string) string {
	return by(shell, map[string]string{
		"bash": `\eval "$(\command ` + binary + " init " + shell + `)"`,
		"fish": binary + " init fish | source",
	})
}

// zshOptions change how zsh reads or runs code. One is missing: with
// csh_junkie_quotes no quoted text has a second line.
var zshOptions = strings.Fields(`force_float print_exit_value
all_export auto_cd auto_name_dirs bash_rematch brace_ccl bsd_echo c_bases c_precedences cdable_vars csh_junkie_history csh_junkie_loops
csh_null_glob debug_before_cmd no_equals err_exit err_return no_eval_lineno extended_glob force_float no_function_argzero glob_assign
glob_subst no_glob glob_star_short hist_subst_pattern ignore_braces ignore_close_braces interactive_comments ksh_arrays ksh_autoload ksh_glob
ksh_option_print ksh_typeset ksh_zero_subscript local_loops local_options local_patterns local_traps magic_equal_subst mark_dirs
no_bare_glob_qual no_case_glob no_case_match no_clobber no_global_export no_multi_func_def no_multibyte no_nomatch no_short_loops no_unset
null_glob numeric_glob_sort octal_zeroes path_dirs path_script pipe_fail posix_aliases posix_argzero posix_builtins posix_cd
posix_identifiers posix_jobs posix_strings posix_traps print_exit_value prompt_subst rc_expand_param rc_quotes rematch_pcre
sh_file_expansion sh_glob sh_nullcmd sh_option_letters sh_word_split source_trace typeset_silent typeset_to_unset warn_create_global warn_nested_var
`)

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
		c.round(set+" after vault is loaded", false)
		out := c.ok(load("zsh"))
		if strings.TrimSpace(out) != "" {
			t.Errorf("%s: init prints %q", set, out)
		}
		c.round(set+" before vault is loaded", false)
		c.ok(unset)
		c.ok(load("zsh"))
	}
	for _, option := range zshOptions {
		try("setopt "+option, "unsetopt "+option)
	}
	try("setopt ksh_arrays sh_word_split no_unset err_exit warn_create_global glob_subst", "unsetopt ksh_arrays sh_word_split no_unset err_exit warn_create_global glob_subst")
	try("emulate sh", "emulate zsh; unsetopt prompt_sp")
	try("emulate ksh", "emulate zsh; unsetopt prompt_sp")
}
