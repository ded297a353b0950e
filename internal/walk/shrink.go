package walk

import (
	"iter"
	"slices"
	"strings"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/story"
)

// Shrink drops from a story what it can without making it pass. The story itself stays as it is.
func Shrink(s *story.Story, fails func(*story.Story) bool) *story.Story {
	for smaller := true; smaller; {
		smaller = false
		for less := range smallerOnes(s) {
			if fails(less) {
				s, smaller = less, true
				break
			}
		}
	}
	return s
}

// without is a copy of the story that has its own steps, less n from the i-th on.
func without(s *story.Story, i, n int) *story.Story {
	less := *s
	less.Steps = nil
	for j, step := range s.Steps {
		if j < i || j >= i+n {
			step.Statements = slices.Clone(step.Statements)
			less.Steps = append(less.Steps, step)
		}
	}
	return &less
}

// smallerOnes yields the story without one of its parts, the large parts first.
func smallerOnes(s *story.Story) iter.Seq[*story.Story] {
	return func(yield func(*story.Story) bool) {
		for n := max(1, len(s.Steps)/2); n > 0; n /= 2 {
			for i := 0; i+n <= len(s.Steps); i += n {
				if less := without(s, i, n); len(less.Steps) > 0 && !yield(less) {
					return
				}
			}
		}
		for i := range s.Startup {
			less := without(s, 0, 0)
			less.Startup = slices.Delete(slices.Clone(s.Startup), i, i+1)
			if !yield(less) {
				return
			}
		}
		for i, step := range s.Steps {
			for _, part := range partsOf(step) {
				less := without(s, 0, 0)
				less.Steps[i].Statements = part
				if !yield(less) {
					return
				}
			}
		}
	}
}

// partsOf returns the step's statements without one of them, or with one that is shorter.
func partsOf(step story.Step) (parts [][]story.Statement) {
	for j, x := range step.Statements {
		last := j == len(step.Statements)-1
		if step.Pipeline && !last && (x.Form != story.SyncOnly || step.Statements[j+1].Form != story.Simple) {
			parts = append(parts, slices.Delete(slices.Clone(step.Statements), j, j+1))
		}
		for _, sql := range shorter(x) {
			less := slices.Clone(step.Statements)
			less[j].SQL = sql
			parts = append(parts, less)
		}
	}
	return parts
}

// shorter returns the text of a Query without one of its statements, or of its columns, roughly: what the server can't read is no
// harm.
func shorter(x story.Statement) (texts []string) {
	for first, separator := range []string{";", ", coalesce("} { // the first column has no comma
		pieces := strings.Split(x.SQL, separator)
		for n := len(pieces) / 2; n > 0; n /= 2 {
			for i := first; i+n <= len(pieces); i++ {
				text := strings.Join(slices.Delete(slices.Clone(pieces), i, i+n), separator)
				if strings.Trim(text, "; \n") != "" {
					texts = append(texts, text)
				}
			}
		}
	}
	return texts
}
