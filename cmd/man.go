package cmd

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (app *App) manCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "man [COMMAND]",
		Short: "print the manual page of vault or of a command",
		Long: `man prints a manual page for man(1): of vault, or of a command. With --dir it
writes the pages of all commands into a folder, which it makes if it is not
there.`,
		Example: "  vault man | man -l -\n  vault man sso login > vault-sso-login.1\n  vault man --dir ~/.local/share/man/man1",
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case dir != "" && len(args) > 0:
				return usageErrorf("man: --dir writes the pages of all commands")
			case dir == "" && c.Flags().Changed("dir"):
				return usageErrorf("man: --dir needs the name of a folder")
			}
			return nil
		},
		ValidArgsFunction: completeCommand,
		RunE: func(c *cobra.Command, args []string) error {
			if dir != "" {
				return writeMan(c.Root(), dir, app.Version)
			}
			target, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 || len(args) > 0 && !target.IsAvailableCommand() {
				return usageErrorf("man: no command %q", strings.Join(args, " "))
			}
			_, err = io.WriteString(app.Stdout, manPage(target, app.Version))
			return err
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "write all pages into the folder `DIR`")
	return c
}

// writeMan writes the pages of c and of what is below it into dir.
func writeMan(c *cobra.Command, dir, version string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file := filepath.Join(dir, pageName(c)+".1")
	if err := os.WriteFile(file, []byte(manPage(c, version)), 0o644); err != nil {
		return err
	}
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		if err := writeMan(sub, dir, version); err != nil {
			return err
		}
	}
	return nil
}

// pageName returns the name of a command's page, after the manner of git(1).
func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage prints a command's page in the macros of man(7).
func manPage(c *cobra.Command, version string) string {
	var b strings.Builder
	title := pageName(c)
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"vault %s\" \"vault manual\"\n", roff(strings.ToUpper(title)), roff(version))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(title), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(c.UseLine()))
	if c.Long != "" {
		fmt.Fprintf(&b, ".SH DESCRIPTION\n%s", paragraphs(c.Long))
	}
	if subs := c.Commands(); len(subs) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, sub := range subs {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(sub.UseLine()), roff(sub.Short))
			}
		}
	}
	options(&b, "OPTIONS", c.NonInheritedFlags())
	options(&b, "OPTIONS OF ALL COMMANDS", c.InheritedFlags())
	if c.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(c.Example))
	}
	b.WriteString(".SH EXIT STATUS\n")
	if c.Name() == "exec" {
		b.WriteString("The status of COMMAND; 126 if it cannot run, 127 if it is not found. Before it starts:\n")
	}
	for _, row := range [][2]string{
		{"0", "done"}, {"1", "failed"}, {"2", "wrong usage or config"}, {"3", "the shell function is not loaded"},
		{"4", "the keystore is locked, denied or unreachable"}, {"5", "a person is needed, and there is no way to ask"},
		{"6", "the shell was loaded by another version of vault"}, {"130", "interrupted"},
	} {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", row[0], roff(row[1]))
	}
	seeAlso(&b, c)
	return b.String()
}

// seeAlso names the pages of what c belongs to, and of what belongs to it.
func seeAlso(b *strings.Builder, c *cobra.Command) {
	var pages []string
	if c.HasParent() {
		pages = append(pages, pageName(c.Parent()))
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			pages = append(pages, pageName(sub))
		}
	}
	for i, page := range pages {
		pages[i] = ".BR " + roff(page) + " (1)"
	}
	if len(pages) > 0 {
		fmt.Fprintf(b, ".SH SEE ALSO\n%s\n", strings.Join(pages, ",\n"))
	}
}

func options(b *strings.Builder, heading string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", heading)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name, usage := pflag.UnquoteUsage(f)
		text := "--" + f.Name
		if f.Shorthand != "" {
			text = "-" + f.Shorthand + ", " + text
		}
		if name != "" {
			text += " " + name
		}
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(text), roff(usage))
	})
}

// paragraphs sets indented lines as they stand and lets others flow.
func paragraphs(text string) string {
	var b strings.Builder
	verbatim := false
	for line := range strings.Lines(text + "\n") {
		line = strings.TrimRight(line, "\n")
		indented := strings.HasPrefix(line, "  ")
		if indented != verbatim {
			b.WriteString(map[bool]string{true: ".PP\n.nf\n", false: ".fi\n"}[indented])
			verbatim = indented
		}
		if line == "" {
			b.WriteString(".PP\n")
		} else {
			b.WriteString(roff(line) + "\n")
		}
	}
	if verbatim {
		b.WriteString(".fi\n")
	}
	return b.String()
}

// roff escapes what troff would take for a request or an escape.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", "\\(ga").Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return strings.ReplaceAll(s, "\n.", "\n\\&.")
}
