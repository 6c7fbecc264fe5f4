package sts

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/keystore"
)

// children are what this test binary does when it is started as a process of
// its own: with the name in STS_TEST_CHILD, and a job on its standard input.
var children = map[string]func(context.Context, job) error{"run": runChild}

// A job is what a child is to do.
type job struct {
	Dir       string
	Now       time.Time // its clock stands
	Key       [2]string // id and secret
	Code      string    // what the MFA device shows
	Plan      Plan
	Headers   []Header   // to be put into the cache, over and over
	Endpoints []endpoint // to be called
}

func TestMain(m *testing.M) {
	name := os.Getenv("STS_TEST_CHILD")
	if name == "" {
		os.Exit(m.Run())
	}
	var j job
	err := json.NewDecoder(os.Stdin).Decode(&j)
	if err == nil {
		err = children[name](context.Background(), j)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A child is a process that does a job.
type child struct {
	t      testing.TB
	cmd    *exec.Cmd
	out    *bufio.Reader
	errors bytes.Buffer
}

// start starts a child.
func start(t testing.TB, name string, j job, environ ...string) *child {
	t.Helper()
	input, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(append(os.Environ(), "STS_TEST_CHILD="+name), environ...)
	c.cmd.Stdin = bytes.NewReader(input)
	c.cmd.Stderr = &c.errors
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// line returns the next line that the child prints.
func (c *child) line() string {
	c.t.Helper()
	line, err := c.out.ReadString('\n')
	if err != nil {
		c.t.Fatalf("the child: %v: %s", err, c.errors.String())
	}
	return strings.TrimSuffix(line, "\n")
}

// rest returns what else the child prints, when it has ended well.
func (c *child) rest() string {
	c.t.Helper()
	text, err := io.ReadAll(c.out)
	if werr := c.cmd.Wait(); err != nil || werr != nil {
		c.t.Fatalf("the child: %v, %v: %s", err, werr, c.errors.String())
	}
	return string(text)
}

func (j job) now() time.Time { return j.Now }

func (j job) cache() *Cache {
	return &Cache{
		Path: filepath.Join(j.Dir, "cache", "sessions"),
		Now:  j.now,
		Key:  func(context.Context) ([]byte, error) { return bytes.Clone(sealingKey), nil },
	}
}

// job returns a job in the world.
func (w *world) job() job {
	return job{
		Dir: w.dir, Now: w.clock.Now(), Code: w.mfa.Code(w.clock.Now()),
		Key: [2]string{w.key.AccessKeyID, w.key.SecretAccessKey.Reveal()},
	}
}

// runChild runs a plan. It prints "ready" before, "asked" when it is asked for
// a code, and the access key id.
func runChild(ctx context.Context, j job) error {
	r := &Runner{
		Now: j.now, Cache: j.cache(), Client: &AWS{Now: j.now},
		Key: func(context.Context, Step) (Credentials, error) {
			return Credentials{AccessKeyID: j.Key[0], SecretAccessKey: keystore.NewSecret(j.Key[1])}, nil
		},
		MFA: func(context.Context, MFARequest) (string, error) {
			fmt.Println("asked")
			return j.Code, nil
		},
		Lock: func(ctx context.Context, hash string) (func(), error) {
			return keystore.Lock(ctx, filepath.Join(j.Dir, "locks", hash))
		},
		Note: func(line string) { fmt.Println("note", line) },
	}
	fmt.Println("ready")
	got, err := r.Run(ctx, j.Plan)
	if err != nil {
		return err
	}
	fmt.Println(got.AccessKeyID)
	return nil
}
