package walk

import (
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

// smallerOnes yields the story without one of its parts, the large parts first.
func smallerOnes(s *story.Story) func(yield func(*story.Story) bool) {
	return func(yield func(*story.Story) bool) {
		for n := max(1, len(s.Steps)/2); n > 0; n /= 2 {
			for i := 0; i+n <= len(s.Steps); i += n {
				less := *s
				less.Steps = slices.Delete(slices.Clone(s.Steps), i, i+n)
				if len(less.Steps) > 0 && !yield(&less) {
					return
				}
			}
		}
		for i := range s.Startup {
			less := *s
			less.Startup = slices.Delete(slices.Clone(s.Startup), i, i+1)
			if !yield(&less) {
				return
			}
		}
		for i, step := range s.Steps {
			for _, part := range partsOf(step) {
				less := *s
				less.Steps = slices.Clone(s.Steps)
				less.Steps[i] = part
				if !yield(&less) {
					return
				}
			}
		}
	}
}

// partsOf returns the step without one of its statements.
func partsOf(step story.Step) (parts []story.Step) {
	for j, x := range step.Statements {
		if step.Pipeline && j+1 < len(step.Statements) && (x.Form != story.SyncOnly || step.Statements[j+1].Form != story.Simple) {
			less := step
			less.Statements = slices.Delete(slices.Clone(step.Statements), j, j+1)
			parts = append(parts, less)
		}
		for _, sql := range shorter(x) {
			less := step
			less.Statements = slices.Clone(step.Statements)
			less.Statements[j].SQL = sql
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
