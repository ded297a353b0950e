package walk

import (
	"fmt"
	"strings"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/story"
)

// Text writes a story as package story reads it. Its statements have their answers once it was played on a server.
func Text(s *story.Story) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %d: %s\n", s.Fact, s.Title)
	if s.User != "" {
		fmt.Fprintf(&b, "user %s\n", s.User)
	}
	if len(s.Startup) > 0 {
		fmt.Fprintln(&b, "startup")
		for _, o := range s.Startup {
			fmt.Fprintf(&b, "  %s = %s\n", o.Name, o.Value)
		}
	}
	for _, step := range s.Steps {
		indent := ""
		if step.Pipeline {
			fmt.Fprintln(&b, "pipeline")
			indent = "  "
		}
		for _, x := range step.Statements {
			fmt.Fprintf(&b, "%s%s -> %s\n", indent, strings.ReplaceAll(source(x), "\n", "\\\n"), x.Want)
		}
	}
	return b.String()
}

// source is a statement as it stands in a story.
func source(x story.Statement) string {
	switch x.Form {
	case story.Simple:
		return x.SQL
	case story.SyncOnly:
		return "sync"
	case story.Parse:
		return x.SQL + ` \parse ` + argument(x.Name)
	case story.BindNamed:
		return strings.Join(append([]string{`\bind_named ` + argument(x.Name)}, arguments(x.Args)...), " ")
	case story.Close:
		return `\close_prepared ` + argument(x.Name)
	default:
		return strings.Join(append([]string{x.SQL + ` \bind`}, arguments(x.Args)...), " ")
	}
}

func arguments(values []string) []string {
	var all []string
	for _, v := range values {
		all = append(all, argument(v))
	}
	return all
}

func argument(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }
