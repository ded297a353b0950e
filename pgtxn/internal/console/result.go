package console

import (
	"encoding/binary"
	"strconv"

	"github.com/jackc/pgx/v5/pgproto3"
)

// row has a cell for each column: a string, an int64 in columns of numbers, or nil for NULL.
type row []any

type column struct {
	name   string
	number bool
}

// The types of columns, by pg_type.oid.
const (
	oidInt8 = 20
	oidText = 25
)

// The formats of cells.
const (
	formatText   = 0
	formatBinary = 1
)

// describe appends the RowDescription of columns, or NoData. Formats are those of a Bind: none, one for all, or one for
// each.
func describe(out []byte, columns []column, formats []int16) []byte {
	if columns == nil {
		out, _ = (&pgproto3.NoData{}).Encode(out)
		return out
	}
	var description pgproto3.RowDescription
	for i, c := range columns {
		field := pgproto3.FieldDescription{
			Name: []byte(c.name), DataTypeOID: oidText, DataTypeSize: -1, TypeModifier: -1, Format: formatOf(formats, i),
		}
		if c.number {
			field.DataTypeOID, field.DataTypeSize = oidInt8, 8
		}
		description.Fields = append(description.Fields, field)
	}
	out, _ = description.Encode(out)
	return out
}

func formatOf(formats []int16, i int) int16 {
	switch {
	case len(formats) == 1:
		return formats[0]
	case i < len(formats):
		return formats[i]
	}
	return formatText
}

// encode appends a DataRow.
func (r row) encode(out []byte, formats []int16) []byte {
	data := pgproto3.DataRow{Values: make([][]byte, len(r))}
	for i, cell := range r {
		switch value := cell.(type) {
		case string:
			data.Values[i] = []byte(value)
		case int64:
			if formatOf(formats, i) == formatBinary {
				data.Values[i] = binary.BigEndian.AppendUint64(nil, uint64(value))
			} else {
				data.Values[i] = strconv.AppendInt(nil, value, 10)
			}
		}
	}
	out, _ = data.Encode(out)
	return out
}
