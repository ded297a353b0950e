package wire

import "strconv"

// ErrorFields are the parts of a server's ErrorResponse or NoticeResponse that we look at. They
// are slices of its body, nil if it does not have them.
type ErrorFields struct {
	Severity []byte // V if it is there, for S is translated; ERROR, FATAL, PANIC, WARNING, …
	Code     []byte // SQLSTATE
	Message  []byte
}

// ParseError reads the body of an ErrorResponse or NoticeResponse, without allocating. It takes what it
// finds: a truncated body gives fewer fields.
func ParseError(body []byte) ErrorFields {
	var f ErrorFields
	for len(body) > 1 {
		field := body[0]
		value, rest, ok := CString(body[1:])
		if !ok {
			break
		}
		body = rest
		switch field {
		case 'S':
			if f.Severity == nil {
				f.Severity = value
			}
		case 'V':
			f.Severity = value
		case 'C':
			f.Code = value
		case 'M':
			f.Message = value
		}
	}
	return f
}

// EndsConnection reports whether the server closes the connection behind the error.
func (f ErrorFields) EndsConnection() bool {
	return string(f.Severity) == "FATAL" || string(f.Severity) == "PANIC"
}

// MovePosition returns an ErrorResponse or a NoticeResponse (typ) of that body, with another
// position in the client's text (field P).
func MovePosition(typ byte, body []byte, move func(position int) int) []byte {
	dst, at := Begin(nil, typ)
	for len(body) > 1 {
		field := body[0]
		value, rest, ok := CString(body[1:])
		if !ok {
			break
		}
		body = rest
		text := string(value)
		if position, err := strconv.Atoi(text); field == 'P' && err == nil {
			text = strconv.Itoa(move(position))
		}
		dst = AppendCString(append(dst, field), text)
	}
	return End(append(dst, body...), at)
}
