package story

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

var (
	titleLine   = regexp.MustCompile(`^# (\d+): (.+)$`)
	clientLabel = regexp.MustCompile(`^([a-z]+): `)
	sinceLine   = regexp.MustCompile(`^since (\d+)\s+->\s*(.+)$`)
)

// Load reads every *.story file of a folder, in the order of their names, with what the server's version answers.
func Load(dir string, server Target) ([]*Story, error) {
	version, err := server.version()
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.story"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no *.story files in %s", dir)
	}
	var all []*Story
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		stories, err := ParseFile(filepath.Base(f), string(text), version)
		if err != nil {
			return nil, err
		}
		all = append(all, stories...)
	}
	return all, nil
}

// ParseFile reads the stories of one file, with the answers of a version of PostgreSQL, as 15. Errors name file and line.
func ParseFile(name, text string, version int) ([]*Story, error) {
	p := parser{file: name, version: version}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		at := i + 1
		line := strings.TrimRight(lines[i], " \t\r")
		for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
			i++
			line = strings.TrimSuffix(line, `\`) + "\n" + strings.TrimSpace(lines[i])
		}
		if err := p.line(at, line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, at, err)
		}
	}
	if err := p.endStory(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, len(lines), err)
	}
	return p.stories, nil
}

type parser struct {
	file    string
	version int
	stories []*Story
	block   string // "setup", "startup", "pipeline" while its indented lines are read
}

func (p *parser) line(at int, line string) error {
	body := strings.TrimSpace(line)
	if body == "" || strings.HasPrefix(body, "--") {
		return nil
	}
	if m := titleLine.FindStringSubmatch(line); m != nil {
		if err := p.endStory(); err != nil {
			return err
		}
		fact, err := strconv.Atoi(m[1])
		p.stories = append(p.stories, &Story{File: p.file, Line: at, Fact: fact, Title: m[2]})
		return err
	}
	if len(p.stories) == 0 {
		return errors.New(`a story begins with "# N: title"`)
	}
	if m := sinceLine.FindStringSubmatch(body); m != nil && body != line {
		return p.since(m[1], m[2])
	}
	if body != line {
		return p.indented(at, body)
	}
	if err := p.endBlock(); err != nil {
		return err
	}
	return p.flush(at, line)
}

// flush reads a line that is not indented: a step, or a word before the first step.
func (p *parser) flush(at int, line string) error {
	s := p.stories[len(p.stories)-1]
	step := Step{}
	if m := clientLabel.FindStringSubmatch(line); m != nil {
		step.Client = m[1]
		line = line[len(m[0]):]
	}
	if line == "pipeline" {
		p.block = "pipeline"
		step.Pipeline = true
		s.Steps = append(s.Steps, step)
		return nil
	}
	if strings.Contains(line, "->") {
		x, err := statement(at, line, false)
		if err != nil {
			return err
		}
		step.Statements = []Statement{x}
		s.Steps = append(s.Steps, step)
		return step.check()
	}
	if len(s.Steps) > 0 {
		return fmt.Errorf(`%q has no "->"`, line)
	}
	return p.head(s, line)
}

func (p *parser) head(s *Story, line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case word == "user" && rest != "":
		s.User = rest
	case word == "pins" && rest != "":
		s.Pins = rest
	case (word == "setup" || word == "startup") && rest == "":
		p.block = word
	default:
		return fmt.Errorf("%q is neither a statement with its answer nor user, startup, setup or pins", line)
	}
	return nil
}

func (p *parser) indented(at int, body string) error {
	s := p.stories[len(p.stories)-1]
	switch p.block {
	case "setup":
		s.Setup = append(s.Setup, body)
	case "startup":
		name, value, ok := strings.Cut(body, "=")
		if !ok {
			return fmt.Errorf("%q is not name = value", body)
		}
		s.Startup = append(s.Startup, Option{strings.TrimSpace(name), strings.TrimSpace(value)})
	case "pipeline":
		x, err := statement(at, body, true)
		if err != nil {
			return err
		}
		last := &s.Steps[len(s.Steps)-1]
		last.Statements = append(last.Statements, x)
	default:
		return errors.New("an indented line belongs to setup, startup or pipeline")
	}
	return nil
}

// since reads what newer versions answer to the last statement.
func (p *parser) since(version, want string) error {
	s := p.stories[len(p.stories)-1]
	if p.block == "setup" || p.block == "startup" || len(s.Steps) == 0 {
		return errors.New(`"since" belongs behind a statement`)
	}
	if n, err := strconv.Atoi(version); err != nil || n > p.version {
		return err
	}
	statements := s.Steps[len(s.Steps)-1].Statements
	if len(statements) == 0 {
		return errors.New(`"since" belongs behind a statement`)
	}
	statements[len(statements)-1].Want = strings.Join(strings.Fields(want), " ")
	return nil
}

// endBlock closes the block that is being read; a pipeline must be whole.
func (p *parser) endBlock() error {
	block := p.block
	p.block = ""
	if block != "pipeline" {
		return nil
	}
	s := p.stories[len(p.stories)-1]
	return s.Steps[len(s.Steps)-1].check()
}

func (p *parser) endStory() error {
	if err := p.endBlock(); err != nil || len(p.stories) == 0 {
		return err
	}
	if s := p.stories[len(p.stories)-1]; len(s.Steps) == 0 {
		return fmt.Errorf("%s has no steps", s)
	}
	return nil
}

// check makes sure that a step ends in a ReadyForQuery, for whose status everything waits.
func (s Step) check() error {
	if len(s.Statements) == 0 {
		return errors.New("an empty pipeline")
	}
	if last := s.Statements[len(s.Statements)-1]; s.Pipeline && last.Form != SyncOnly && last.Form != Simple {
		return errors.New("a pipeline ends with sync or a Query")
	}
	if st := s.status(); st != "I" && st != "T" && st != "E" {
		return fmt.Errorf("%q: the answer must end in the status I, T or E", st)
	}
	return nil
}
