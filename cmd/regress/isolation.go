package main

import (
	"context"
	_ "embed"
	"os"
	"path/filepath"
)

// isolationPool is enough for all sessions of a test, which wait for each other.
const isolationPool = 20

// A step that waits for longer, in seconds, has failed: the tester cancels it.
const isolationTimeout = "20"

//go:embed between/isolation.c
var betweenSource []byte

func (s *suite) isolation() bool { return s.opt.suite == "isolation" }

// database is what pg_regress and pg_isolation_regress call it by default; a test names it.
func (s *suite) database() string {
	if s.isolation() {
		return "isolation_regression"
	}
	return "regression"
}

// buildBetween compiles the library between isolationtester and libpq.
func (s *suite) buildBetween(ctx context.Context, _ string) error {
	source := filepath.Join(s.dir, "isolation.c")
	if err := os.WriteFile(source, betweenSource, 0o644); err != nil {
		return err
	}
	s.between = filepath.Join(s.dir, "isolation.so")
	_, err := output(ctx, "cc", "-O2", "-w", "-fPIC", "-shared", "-o", s.between, source, "-ldl")
	return err
}

func (s *suite) isolationEnv(m mode) []string {
	env := append(os.Environ(), "PGISOLATIONTIMEOUT="+isolationTimeout)
	if m.pool > 0 {
		env = append(env, "LD_PRELOAD="+s.between)
	}
	return env
}
