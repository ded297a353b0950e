package sqlscan

import (
	"fmt"
	"strings"
)

// describe prints a statement on one line: its kind, what belongs to the kind, and its traits in brackets.
func describe(st Statement) string {
	var b strings.Builder
	b.WriteString(st.Kind.String())
	if st.Local {
		b.WriteString(" local")
	}
	if st.All {
		b.WriteString(" all")
	}
	if st.Name != "" {
		fmt.Fprintf(&b, " %q", st.Name)
	}
	if st.Default {
		b.WriteString(" = default")
	} else if st.Kind == Set {
		fmt.Fprintf(&b, " = %q", st.Value)
	}
	for name, value := range st.Modes.All {
		fmt.Fprintf(&b, " %s=%q", name, value)
	}
	if st.Chain {
		b.WriteString(" chain")
	}
	if st.Traits != 0 {
		fmt.Fprintf(&b, " [%s]", st.Traits)
	}
	return b.String()
}
