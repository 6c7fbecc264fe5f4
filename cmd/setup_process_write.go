package cmd

import (
	"errors"
	"fmt"

	"github.com/shellvault/vault/config"
)

// printProcesses prints the lines before and after.
func (app *App) printProcesses(lines []processLine) {
	for _, l := range lines {
		at := tilde(l.path, app.Home)
		if l.at > 0 {
			at += fmt.Sprintf(":%d", l.at)
		}
		fmt.Fprintf(app.Stdout, "%s: [%s]\n", oneLine(at), oneLine(l.header()))
		if l.old != "" {
			fmt.Fprintf(app.Stdout, "- credential_process = %s\n", oneLine(l.old))
		}
		if l.new != "" {
			fmt.Fprintf(app.Stdout, "+ credential_process = %s\n", oneLine(l.new))
		}
		if l.region != "" && l.adds {
			fmt.Fprintf(app.Stdout, "+ region = %s\n", oneLine(l.region))
		}
	}
}

func (l processLine) header() string {
	if l.file == config.CredentialsFile {
		return l.profile
	}
	return section(l.profile)
}

// writeProcesses writes the lines, of each file all or none. A line that was
// changed since it was read is an error.
func (app *App) writeProcesses(lines []processLine) error {
	byPath := map[string][]processLine{}
	for _, l := range lines {
		byPath[l.path] = append(byPath[l.path], l)
	}
	for _, path := range sortedKeys(byPath) {
		some := byPath[path]
		err := config.EditFile(path, some[0].file, func(e *config.Editor) error {
			f := clearFile{path: path, kind: some[0].file}
			now, err := parseOne(f.paths(), e.Bytes())
			if err != nil {
				return err
			}
			for _, l := range some {
				if err := l.write(e, now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		app.note(fmt.Sprintf("wrote %s to %s", count(len(some), "change"), tilde(path, app.Home)))
	}
	return nil
}

func (l processLine) write(e *config.Editor, now *config.Files) error {
	was := ""
	if p, err := now.Profile(l.profile); err == nil {
		v, _ := p.Own("credential_process")
		was = v.Text
	} else if none := (*config.NotFoundError)(nil); !errors.As(err, &none) {
		return err
	} else if l.adds {
		settings := [][2]string{{"credential_process", l.new}}
		if l.region != "" {
			settings = append(settings, [2]string{"region", l.region})
		}
		return e.AddProfile(l.profile, settings)
	}
	switch {
	case was != l.old:
		return fmt.Errorf("%s: credential_process of profile %q: %w", l.path, l.profile, config.ErrChanged)
	case l.new == "":
		return e.RemoveValue(l.profile, "credential_process")
	}
	return e.SetValue(l.profile, "credential_process", l.new)
}
