package cmd

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// countdown waits for d. To a person at the terminal it says on one line, which
// it takes away again, what for and how long yet.
func (app *App) countdown(ctx context.Context, d time.Duration, what string) error {
	if !app.StderrTTY || app.unattended || !app.present() {
		return sleep(ctx, d)
	}
	widest := 0
	for d > 0 {
		line := "vault: " + what + seconds(d).String()
		widest = max(widest, len(line))
		fmt.Fprintf(app.Stderr, "\r%-*s", widest, line)
		step := d - (seconds(d) - time.Second) // to the next full second
		if err := sleep(ctx, step); err != nil {
			fmt.Fprintln(app.Stderr)
			return err
		}
		d -= step
	}
	fmt.Fprintf(app.Stderr, "\r%s\r", strings.Repeat(" ", widest))
	return nil
}
