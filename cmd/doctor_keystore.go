package cmd

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
)

// lookTimeout bounds how long a keystore may take to say how it is.
const lookTimeout = time.Second

// checkKeystore looks whether the keystores can be reached. None is opened.
func (d *doctor) checkKeystore(ctx context.Context) []finding {
	c, err := d.choose()
	if err != nil {
		return []finding{failing(d.fixOf(err), "%s", err)}
	}
	var list []finding
	if d.indexLost(d.indexErr) {
		why := "is missing"
		if d.indexErr != nil {
			why = d.indexErr.Error()
		}
		list = append(list, failing(d.name()+" unlock", "the index of the keys %s; the keystore has what was in it", why))
	}
	if c.from != "" && c.pin != "" && c.pin != c.backend && c.keys > 0 {
		list = append(list, warning(fmt.Sprintf("%s migrate --from %s --to %s", d.name(), c.pin, c.backend),
			"%s says keystore %q, and the keys are in %q", c.from, c.backend, c.pin))
	}
	backends, err := d.backends(c)
	if err != nil {
		return append(list, failing(d.fixOf(err), "%s", err))
	}
	for _, backend := range backends {
		if backend == c.backend || c.keys > 0 {
			list = append(list, d.checkStore(ctx, backend, c))
		}
	}
	return list
}

// checkStore looks at one keystore.
func (d *doctor) checkStore(ctx context.Context, backend string, c choice) finding {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	store, err := d.open(backend)
	if err != nil {
		return failing(d.fixOf(err), "%s", err)
	}
	if backend == config.BackendCommand {
		return d.checkProgram()
	}
	state, err := store.State(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return failing(d.name()+" unlock", "%s did not answer within %s", d.where(backend), lookTimeout)
	case err != nil:
		return failing(d.fixOf(err), "%s", err)
	}
	n := 0
	for _, e := range d.index.Keys {
		if backendOf(d.index, e) == backend {
			n++
		}
	}
	text := fmt.Sprintf("%s: %s, with %s", d.where(backend), state, count(n, "access key"))
	if state == keystore.Absent && n > 0 {
		return failing(d.name()+" list", "%s has nothing, and the index says that it holds %s", d.where(backend), count(n, "access key"))
	}
	if state == keystore.Absent {
		text = "none yet: the first key makes one, in " + d.where(backend)
	}
	if c.why != "" {
		text += "; " + c.why
	}
	return okay("%s", text)
}

// checkProgram looks whether the program of a keystore by command is there.
func (d *doctor) checkProgram() finding {
	words := strings.Fields(d.own.Command.Get)
	if len(words) == 0 {
		return failing(d.editing(d.settingsFile(), 0), "[command] names no program")
	}
	name := d.path(strings.Trim(words[0], `"'`))
	if _, err := lookPath(name, d.Env["PATH"]); err != nil {
		return failing(d.editing(d.settingsFile(), 0), "the keystore is %q, which is not on PATH", name)
	}
	return okay("by command: %s", name)
}

// checkKernelKeyring looks whether keys can rest in the kernel, by doing it.
func (d *doctor) checkKernelKeyring(ctx context.Context) []finding {
	if runtime.GOOS != "linux" {
		return []finding{okay("there is none on this system: the sealed file asks for its passphrase each time")}
	}
	if d.own.KeysTTL != nil && *d.own.KeysTTL == 0 {
		return []finding{okay("keys_ttl is 0: nothing rests there")}
	}
	k := d.KernelKey("vault:doctor", 0, time.Minute)
	err := k.Save([]byte("doctor"))
	_, kept := k.Load(ctx)
	_ = k.Drop()
	if err != nil || !kept {
		return []finding{warning(d.name()+" exec --help", "the kernel keeps no keys here, as in many containers: each command asks for the passphrase, unless --passphrase-file or passphrase_command gives it")}
	}
	return []finding{okay("keys can rest there")}
}

// checkCoreDumps looks whether the memory of vault can reach a file.
func (d *doctor) checkCoreDumps(context.Context) []finding {
	if dumpable() {
		return []finding{failing("ulimit -c 0", "a crash of vault could leave its memory in a core file")}
	}
	return []finding{okay("a crash of vault leaves no core file")}
}

// fixOf is what helps against an error of a keystore or a file.
func (d *doctor) fixOf(err error) string {
	var unsafe *keystore.PermissionError
	var parse *config.ParseError
	switch {
	case errors.As(err, &unsafe) && unsafe.Mode.IsDir():
		return "chmod 700 " + d.shown(unsafe.Path)
	case errors.As(err, &unsafe) && unsafe.Mode.IsRegular():
		return "chmod 600 " + d.shown(unsafe.Path)
	case errors.As(err, &parse):
		return d.editing(parse.File, parse.Line)
	}
	if hints := d.hints(err); len(hints) > 0 {
		return hints[0]
	}
	return ""
}
