package pgtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// parentEnv names, to a second run of this test binary, the folder for a process that it then starts and leaves alone.
const parentEnv = "PGTEST_PARENT_FOLDER"

func TestMain(m *testing.M) {
	if folder := os.Getenv(parentEnv); folder != "" {
		p := &Process{Args: []string{"sh", "-c", "echo up; exec sleep 1000"}, Folder: folder, Signal: "TERM", Output: os.Stdout}
		if err := p.Start(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		<-p.Done()
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// A process and its folder must go when its parent is killed in a way that it can't see.
func TestProcessGoesWithItsParent(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentEnv+"="+folder)
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(stdout)
	line, err := out.ReadString('\n')
	if line != "up\n" {
		t.Errorf("the process said %q, %v", line, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// The pipe ends when the last of those who write to it has ended.
	if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
		t.Errorf("after the parent's end: %q, %v", rest, err)
	}
	_ = parent.Wait() // killed
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestProcessEndsByItself(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	p := &Process{Args: []string{"sh", "-c", "exit 3"}, Folder: folder, Signal: "TERM"}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if p.Err() == nil || p.Err().Error() != "exit status 3" {
		t.Errorf("it ended with %v, want the program's exit status", p.Err())
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("the second Stop: %v", err)
	}
}

func TestFind(t *testing.T) {
	root := t.TempDir()
	for _, version := range []string{"9", "15", "16", "17", "common"} {
		bin := filepath.Join(root, version, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		programs := []string{"initdb", "postgres"}
		if version == "17" { // only clients are installed of this one
			programs = []string{"psql"}
		}
		for _, name := range programs {
			if err := os.WriteFile(filepath.Join(bin, name), nil, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, want := newest(root), filepath.Join(root, "16", "bin"); got != want {
		t.Errorf("newest is %s, want %s", got, want)
	}

	t.Setenv("PGTEST_BIN", filepath.Join(root, "9", "bin"))
	if got, err := Find(); err != nil || got != filepath.Join(root, "9", "bin") {
		t.Errorf("with PGTEST_BIN: %s, %v", got, err)
	}
	t.Setenv("PGTEST_BIN", filepath.Join(root, "17", "bin"))
	if got, err := Find(); err == nil || errors.Is(err, ErrNoPostgres) || !strings.Contains(err.Error(), "PGTEST_BIN") {
		t.Errorf("with a PGTEST_BIN without a server: %s, %v", got, err)
	}
}
