// Command fakeaws runs the fake AWS of package ststest, for demos and for
// tests in real shells.
//
// It prints one line of JSON: the URL, the keys and devices of its world, and
// the token of the control endpoint. It ends on SIGINT and SIGTERM, and, with
// -stdin-eof, when its standard input is closed.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/shellvault/vault/sts/ststest"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("fakeaws", flag.ContinueOnError)
	flags.SetOutput(stderr)
	seed := flags.String("seed", "demo", "the `world` to start with: demo or none")
	addrFile := flags.String("addr-file", "", "write the URL to this `file`, in one piece")
	stdinEOF := flags.Bool("stdin-eof", false, "end when standard input is closed")
	totp := flags.String("totp", "", "print the code that an MFA device with this base32 `seed` shows now, and end")
	visit := flags.String("visit", "", "agree to what an `address` of the fake Identity Center asks, as a person in a browser, and end")
	life := flags.Duration("life", 0, "how long issued credentials last; 0 is as asked")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0 || *seed != "demo" && *seed != "none" || *life < 0:
		flags.Usage()
		return 2
	}
	if *totp != "" {
		code, err := ststest.TOTP(*totp, time.Now())
		if err != nil {
			fmt.Fprintf(stderr, "fakeaws: %v\n", err)
			return 1
		}
		fmt.Fprintln(stdout, code)
		return 0
	}
	if *visit != "" {
		if err := browse(*visit); err != nil {
			fmt.Fprintf(stderr, "fakeaws: %v\n", err)
			return 1
		}
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *seed, *addrFile, *life, stdout, func() {
		if *stdinEOF {
			_, _ = io.Copy(io.Discard, stdin) // closed either way
			stop()
		}
	}); err != nil {
		fmt.Fprintf(stderr, "fakeaws: %v\n", err)
		return 1
	}
	return 0
}

// serve runs the server until ctx is done, and calls ready beside it once the
// world is announced.
func serve(ctx context.Context, seed, addrFile string, life time.Duration, stdout io.Writer, ready func()) error {
	server := ststest.New(nil)
	defer server.Close()
	server.SetLife(life)
	announced := struct {
		ststest.Demo
		ControlToken string `json:"control_token"`
	}{ststest.Demo{URL: server.URL()}, rand.Text()}
	if seed == "demo" {
		announced.Demo = server.AddDemo()
	}
	server.EnableControl(announced.ControlToken)
	if addrFile != "" {
		if err := writeFile(addrFile, server.URL()+"\n"); err != nil {
			return err
		}
	}
	if err := json.NewEncoder(stdout).Encode(announced); err != nil {
		return err
	}
	go ready()
	<-ctx.Done()
	return nil
}

// browse goes to an address, and to where that leads.
func browse(address string) error {
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Get(address)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the page answered HTTP %d", answer.StatusCode)
	}
	return nil
}

// writeFile puts a file in place at once, so that who waits for it never
// reads half of it.
func writeFile(name, content string) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".fakeaws-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // in vain once it is renamed
	if _, err := f.WriteString(content); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
