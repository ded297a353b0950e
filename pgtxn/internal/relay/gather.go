package relay

// gather collects the bytes of one turn for one destination: runs of what was
// read, passed on as they are, and bytes of our own between them. As long as
// all of it is one run of the input nothing is copied.
//
// It keeps a reference to the input only between begin and take.
type gather struct {
	src      []byte // what was read this turn
	from, to int    // the run of src not yet in buf
	buf      []byte
}

// begin starts a turn on the input src.
func (g *gather) begin(src []byte) {
	g.src, g.from, g.to = src, 0, 0
	g.buf = g.buf[:0]
}

// pass adds src[from:to].
func (g *gather) pass(from, to int) {
	if g.to != from || g.from == g.to {
		g.spill()
		g.from = from
	}
	g.to = to
}

// own gives the buffer to append bytes of our own to; setOwn gives it back.
func (g *gather) own() []byte {
	g.spill()
	return g.buf
}

func (g *gather) setOwn(buf []byte) { g.buf = buf }

// put adds bytes of our own.
func (g *gather) put(p []byte) {
	if len(p) == 0 {
		return
	}
	g.spill()
	g.buf = append(g.buf, p...)
}

func (g *gather) spill() {
	g.buf = append(g.buf, g.src[g.from:g.to]...)
	g.from = g.to
}

// drop forgets what was added.
func (g *gather) drop() {
	g.from, g.to = 0, 0
	g.buf = g.buf[:0]
}

// take ends the turn and returns all that was added, valid until the next one.
func (g *gather) take() []byte {
	if len(g.buf) == 0 {
		return g.src[g.from:g.to]
	}
	g.spill()
	g.src, g.from, g.to = nil, 0, 0
	return g.buf
}
