package story

import (
	"fmt"
	"strings"
)

// A Story is one conversation with its expected answers.
type Story struct {
	File    string
	Line    int
	Fact    int // the numbered fact of the specification
	Title   string
	User    string   // "" is the user of the target
	Startup []Option // of every client of the story
	Setup   []string // run on the server itself before each playing
	Pins    string   // why the story's clients can't leave their backends; "" when they can
	Steps   []Step
}

// An Option is a name and a value of the startup message.
type Option struct{ Name, Value string }

// A Step is what one client sends in one write.
type Step struct {
	Client     string // "" is the client that the story is about
	Pipeline   bool
	Statements []Statement // one, or those of a pipeline
}

// A Statement is one line of a story.
type Statement struct {
	Line   int
	Source string // as written, for messages
	Form   Form
	SQL    string
	Name   string   // of the prepared statement
	Args   []string // parameters to bind, in text format
	Want   string

	alone bool // its Sync follows, and what that brings is part of its answer
}

// Form says in which messages a statement travels.
type Form int

// Forms of a statement.
const (
	Either    Form = iota // Query, or Parse to Execute
	Simple                // Query
	Extended              // Parse, Bind, Describe, Execute
	Parse                 // Parse
	BindNamed             // Bind, Describe, Execute
	Close                 // Close of a prepared statement
	SyncOnly              // Sync
)

// String gives the place of a story, for messages.
func (s *Story) String() string {
	return fmt.Sprintf("%s:%d: # %d: %s", s.File, s.Line, s.Fact, s.Title)
}

// Name is the story's name as a subtest: unique within its file by the line.
func (s *Story) Name() string {
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}

// Clients lists the clients by name, the story's own first.
func (s *Story) Clients() []string {
	names := []string{""}
	seen := map[string]bool{"": true}
	for _, st := range s.Steps {
		if !seen[st.Client] {
			seen[st.Client] = true
			names = append(names, st.Client)
		}
	}
	return names
}

// Backends is the number of backends that the story needs at once: one for each client inside a transaction.
func (s *Story) Backends() int {
	open := map[string]bool{}
	most := 1
	for _, st := range s.Steps {
		open[st.Client] = true
		most = max(most, len(open))
		if st.status() == "I" {
			delete(open, st.Client)
		}
	}
	return most
}

// Text is all that the story's clients say, to find the variables that it is about.
func (s *Story) Text() string {
	var b strings.Builder
	for _, o := range s.Startup {
		fmt.Fprintln(&b, o.Name, o.Value)
	}
	for _, st := range s.Steps {
		for _, x := range st.Statements {
			fmt.Fprintln(&b, x.SQL, strings.Join(x.Args, " "))
		}
	}
	return b.String()
}

// status is the expected status of the step's last ReadyForQuery.
func (s Step) status() string {
	want := s.Statements[len(s.Statements)-1].Want
	return want[strings.LastIndexByte(want, ' ')+1:]
}
