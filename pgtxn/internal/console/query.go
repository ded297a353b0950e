package console

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// statement is a command with its arguments; without one it is empty.
type statement struct {
	*command
	words []string
}

// portal is a statement that was bound.
type portal struct {
	*statement
	formats []int16
	ran     bool
	rows    []row // that were not sent yet
}

// understand finds the command of a statement.
func understand(words []string) (*statement, error) {
	if len(words) == 0 {
		return &statement{}, nil
	}
	found, args, err := find(words)
	return &statement{found, args}, err
}

// do runs the statement's command. What is for admins is logged.
func (s *visit) do(ctx context.Context, st *statement) ([]row, error) {
	if st.admin && !s.admin {
		return nil, wire.AdminsOnly(st.name)
	}
	rows, err := st.run(ctx, s, st.words)
	if st.admin {
		attrs := []any{"client", s.Addr.String(), "user", s.User, "command", strings.Join(append([]string{st.name}, st.words...), " ")}
		if err != nil {
			attrs = append(attrs, "error", err)
		}
		s.console.Log.Info("console command", attrs...)
	}
	return rows, err
}

// simple answers a Query.
func (s *visit) simple(ctx context.Context, body []byte) {
	defer s.ready()
	var query pgproto3.Query
	if err := decode(&query, body); err != nil {
		s.refuse(err)
		return
	}
	all := statements(query.String)
	if len(all) == 0 {
		s.out, _ = (&pgproto3.EmptyQueryResponse{}).Encode(s.out)
	}
	for _, words := range all {
		st, err := understand(words)
		var rows []row
		if err == nil {
			rows, err = s.do(ctx, st)
		}
		if err != nil {
			s.refuse(err)
			return
		}
		if st.columns != nil {
			s.out = describe(s.out, st.columns, nil)
		}
		for _, r := range rows {
			s.out = r.encode(s.out, nil)
		}
		s.complete(st)
	}
}

func (s *visit) complete(st *statement) {
	s.out, _ = (&pgproto3.CommandComplete{CommandTag: []byte(st.tag())}).Encode(s.out)
}

func (s *visit) parse(body []byte) error {
	var m pgproto3.Parse
	if err := decode(&m, body); err != nil {
		return err
	}
	if _, known := s.statements[m.Name]; known && m.Name != "" {
		return wire.DuplicateStatement(m.Name)
	}
	all := statements(m.Query)
	if len(all) > 1 {
		return wire.SeveralStatements()
	}
	var words []string
	if len(all) == 1 {
		words = all[0]
	}
	st, err := understand(words)
	if err != nil {
		return err
	}
	if s.statements == nil {
		s.statements = make(map[string]*statement)
	}
	s.statements[m.Name] = st
	s.out, _ = (&pgproto3.ParseComplete{}).Encode(s.out)
	return nil
}

func (s *visit) bind(body []byte) error {
	var m pgproto3.Bind
	if err := decode(&m, body); err != nil {
		return err
	}
	st, known := s.statements[m.PreparedStatement]
	switch {
	case !known:
		return wire.NoSuchStatement(m.PreparedStatement)
	case len(m.Parameters) > 0:
		return wire.NoParameters(len(m.Parameters))
	}
	if s.portals == nil {
		s.portals = make(map[string]*portal)
	}
	s.portals[m.DestinationPortal] = &portal{statement: st, formats: m.ResultFormatCodes}
	s.out, _ = (&pgproto3.BindComplete{}).Encode(s.out)
	return nil
}

func (s *visit) describe(body []byte) error {
	var m pgproto3.Describe
	if err := decode(&m, body); err != nil {
		return err
	}
	var st *statement
	var formats []int16
	if m.ObjectType == 'S' {
		st = s.statements[m.Name]
		if st == nil {
			return wire.NoSuchStatement(m.Name)
		}
		s.out, _ = (&pgproto3.ParameterDescription{}).Encode(s.out)
	} else {
		p := s.portals[m.Name]
		if p == nil {
			return wire.NoSuchPortal(m.Name)
		}
		st, formats = p.statement, p.formats
	}
	if st.command == nil {
		s.out = describe(s.out, nil, nil)
	} else {
		s.out = describe(s.out, st.columns, formats)
	}
	return nil
}

func (s *visit) execute(ctx context.Context, body []byte) error {
	var m pgproto3.Execute
	if err := decode(&m, body); err != nil {
		return err
	}
	p := s.portals[m.Portal]
	switch {
	case p == nil:
		return wire.NoSuchPortal(m.Portal)
	case p.command == nil:
		s.out, _ = (&pgproto3.EmptyQueryResponse{}).Encode(s.out)
		return nil
	}
	if !p.ran {
		rows, err := s.do(ctx, p.statement)
		if err != nil {
			return err
		}
		p.ran, p.rows = true, rows
	}
	n := len(p.rows)
	if m.MaxRows > 0 {
		n = min(n, int(m.MaxRows))
	}
	for _, r := range p.rows[:n] {
		s.out = r.encode(s.out, p.formats)
	}
	if p.rows = p.rows[n:]; len(p.rows) > 0 {
		s.out, _ = (&pgproto3.PortalSuspended{}).Encode(s.out)
		return nil
	}
	s.complete(p.statement)
	return nil
}

func (s *visit) close(body []byte) error {
	var m pgproto3.Close
	if err := decode(&m, body); err != nil {
		return err
	}
	if m.ObjectType == 'S' {
		delete(s.statements, m.Name)
	} else {
		delete(s.portals, m.Name)
	}
	s.out, _ = (&pgproto3.CloseComplete{}).Encode(s.out)
	return nil
}
