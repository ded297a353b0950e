package pgtest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// A Process is a child that doesn't outlive this process, not even when this one is killed, and whose folder goes with
// it. Nor does it get the Ctrl-C of the terminal: who started it says when it ends.
type Process struct {
	Args   []string            // program and arguments
	Env    []string            // nil: the environment of this process
	Folder string              // its own, and where it starts; removed when it has ended
	Signal string              // how it is asked to end: TERM, INT or QUIT
	Output *os.File            // takes its stdout and stderr; may be closed once Start has returned
	User   *syscall.Credential // nil: the user of this process

	lifeline io.Closer
	shell    *exec.Cmd
	done     chan struct{}
	err      error // set before done is closed
	stop     sync.Once
}

// keeper waits for the end of its stdin, which comes when we close the pipe's other end or die: then it passes the
// signal on. The child's end is what makes it remove the folder, and its exit status is the child's. What the shell
// itself has to say of the child's end ("Terminated") is of no interest.
const keeper = `
signal=$1 folder=$2; shift 2
exec 3<&0
"$@" 3<&- </dev/null & child=$!
exec 2>/dev/null
{ read -r _; kill -s "$signal" "$child"; } <&3 & reader=$!
wait "$child"; code=$?
kill "$reader"
cd / && rm -rf "$folder"
exit "$code"
`

// Start starts the process. Who has called it calls Stop, also when the process has ended by itself.
func (p *Process) Start() error {
	p.shell = exec.Command("/bin/sh", append([]string{"-c", keeper, "keeper", p.Signal, p.Folder}, p.Args...)...)
	p.shell.Env, p.shell.Dir = p.Env, p.Folder
	p.shell.Stdout, p.shell.Stderr = p.Output, p.Output
	p.shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.User}
	lifeline, err := p.shell.StdinPipe()
	if err != nil {
		return err
	}
	if err := p.shell.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.Args[0], err)
	}
	p.lifeline, p.done = lifeline, make(chan struct{})
	go func() {
		p.err = p.shell.Wait()
		close(p.done)
	}()
	return nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the process ended, once Done is closed: nil for exit status 0.
func (p *Process) Err() error { return p.err }

// stopTime is how long a process may take to end before it is killed.
const stopTime = time.Minute

// Stop ends the process, and returns when it and its folder are gone. The error says that it had to be killed or that
// the folder could not be removed; how a process ends that was told to is of no interest.
func (p *Process) Stop() error {
	var err error
	p.stop.Do(func() {
		_ = p.lifeline.Close() // already closed if it has ended by itself
		select {
		case <-p.done:
		case <-time.After(stopTime):
			err = fmt.Errorf("%s did not end within %v and was killed", p.Args[0], stopTime)
			_ = syscall.Kill(-p.shell.Process.Pid, syscall.SIGKILL)
			<-p.done
		}
		err = errors.Join(err, os.RemoveAll(p.Folder))
	})
	return err
}
