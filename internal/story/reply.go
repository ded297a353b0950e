package story

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgproto3/v2"
)

// A Reply is what came back for one statement.
type Reply struct {
	Items  []string
	failed bool
	row    []string // columns of the last row
}

// An ack is the kind of a message that ends a part of an answer.
type ack string

const (
	none      ack = ""
	parsed    ack = "ParseComplete"
	bound     ack = "BindComplete"
	described ack = "RowDescription or NoData"
	executed  ack = "the end of Execute"
	closed    ack = "CloseComplete"
	ready     ack = "ReadyForQuery"
)

// String is the answer as stories write it.
func (r Reply) String() string {
	items := slices.Clone(r.Items)
	for i := 0; i < len(items); i++ {
		j := i
		for j < len(items) && strings.HasPrefix(items[j], "S(") {
			j++
		}
		if j > i {
			slices.Sort(items[i:j])
			i = j
		}
	}
	return strings.Join(strings.Fields(strings.Join(items, " ")), " ")
}

func (r Reply) plus(next Reply) Reply {
	return Reply{
		Items:  append(slices.Clone(r.Items), next.Items...),
		failed: r.failed || next.failed,
		row:    r.row,
	}
}

// Row is the last row of the answer, nil if there is none.
func (r Reply) Row() []string { return r.row }

// answer reads until all of the acks came, or an error in place of those before ReadyForQuery.
func (c *Client) answer(want []ack) (Reply, error) {
	var r Reply
	untilReady := want[0] == ready
	for len(want) > 0 {
		msg, err := c.in.Receive()
		if err != nil {
			return r, err
		}
		got, err := c.take(&r, msg)
		if err != nil {
			return r, err
		}
		if r.failed && !untilReady {
			return r, nil
		}
		partOfQuery := untilReady && (got == described || got == executed)
		switch {
		case got == none || partOfQuery:
		case got == want[0]:
			want = want[1:]
		default:
			return r, fmt.Errorf("%s where %s should come", got, want[0])
		}
	}
	return r, nil
}

// take writes one message down and says what it acknowledges.
func (c *Client) take(r *Reply, msg pgproto3.BackendMessage) (ack, error) {
	switch m := msg.(type) {
	case *pgproto3.ParseComplete:
		return parsed, nil
	case *pgproto3.BindComplete:
		return bound, nil
	case *pgproto3.CloseComplete:
		return closed, nil
	case *pgproto3.RowDescription, *pgproto3.NoData:
		return described, nil
	case *pgproto3.DataRow:
		r.row = columns(m)
		r.add("[%s]", strings.Join(r.row, "|"))
	case *pgproto3.CommandComplete:
		r.add("%s", m.CommandTag)
		return executed, nil
	case *pgproto3.EmptyQueryResponse:
		r.add("EMPTY")
		return executed, nil
	case *pgproto3.ErrorResponse:
		r.add("%s %s", m.Severity, m.Code)
		r.failed = true
	case *pgproto3.NoticeResponse:
		r.add("%s %s", m.Severity, m.Code)
	case *pgproto3.ParameterStatus:
		c.Reported[m.Name] = m.Value
		r.add("S(%s=%s)", m.Name, m.Value)
	case *pgproto3.ReadyForQuery:
		c.Status = m.TxStatus
		r.add("%c", m.TxStatus)
		return ready, nil
	default:
		return none, fmt.Errorf("%T is not known to stories", msg)
	}
	return none, nil
}

func (r *Reply) add(format string, args ...any) {
	r.Items = append(r.Items, fmt.Sprintf(format, args...))
}

func columns(m *pgproto3.DataRow) []string {
	var out []string
	for _, v := range m.Values {
		if v == nil {
			out = append(out, "NULL")
		} else {
			out = append(out, string(v))
		}
	}
	return out
}
