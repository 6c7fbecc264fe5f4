package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/shellvault/vault/shell"
)

// answerPatience is how long a process in the background may take to begin.
const answerPatience = 15 * time.Second

// background starts this binary as a server: in a session of its own and no
// child of this process, which may become another program that knows nothing
// of it. hello goes to its stdin; the line that it answers is returned.
func background(env shell.Env, hello []byte) ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	in, hand, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer hand.Close()
	answer, out, err := os.Pipe()
	if err != nil {
		in.Close()
		return nil, err
	}
	defer answer.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err == nil {
		defer null.Close()
		var p *os.Process
		p, err = os.StartProcess(self, []string{os.Args[0], "server", "launch"}, &os.ProcAttr{
			Env: env.Environ(), Files: []*os.File{in, out, null}, Sys: &syscall.SysProcAttr{Setsid: true},
		})
		if err == nil {
			_, err = p.Wait() // it has left the server to init
		}
	}
	in.Close()
	out.Close()
	if err != nil {
		return nil, err
	}
	if _, err := hand.Write(hello); err != nil {
		return nil, err
	}
	hand.Close()
	_ = answer.SetReadDeadline(time.Now().Add(answerPatience))
	line, err := bufio.NewReader(answer).ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the server did not begin: %w", err)
	}
	return line, nil
}

// launch starts the server that background wants, and is gone. The server gets
// no file that the shell has open: one that it held would be locked, or not at
// its end, for as long as it serves.
func launch() int {
	self, err := os.Executable()
	if err != nil {
		return 1
	}
	closeOnExec()
	_, err = os.StartProcess(self, []string{os.Args[0], "server", "run"}, &os.ProcAttr{
		Env: os.Environ(), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
	})
	if err != nil {
		return 1
	}
	return 0
}

// closeOnExec keeps all that this process has open, beside the first three, from
// the programs that it starts.
func closeOnExec() {
	open, err := os.ReadDir("/dev/fd") // of Linux and of macOS
	if err != nil {
		return
	}
	for _, f := range open {
		if fd, err := strconv.Atoi(f.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}
