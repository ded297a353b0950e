package relay

// maxAhead is how many answers the server may owe a client before its next message waits
// for half of them: what is noted of messages under way takes memory, and is looked through.
const maxAhead = 10_000

// tooFarAhead reports whether the message at hand waits for that. A Flush behind what was
// sent sees to it that the server answers.
func (s *Session) tooFarAhead(typ byte) bool {
	limit := maxAhead
	if s.catchingUp {
		limit = maxAhead / 2
	}
	switch {
	case s.srv == nil || s.srv.replies.n < limit:
		s.catchingUp = false
		return false
	case typ == 'd', typ == 'H', typ == 'X', s.copyIn && (typ == 'c' || typ == 'f'): // of these nothing is noted
		return false
	case s.catchingUp:
		s.held = true
	default:
		s.catchingUp = s.awaitAnswers()
	}
	return s.catchingUp
}
