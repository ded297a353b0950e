package relay

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
)

// Where reads end is chance: what comes in pieces means what it means in one.

// chop forwards connections to addr in pieces of 1 to most bytes, either way, each
// written when the one before has been taken. It returns its own address.
func chop(t testing.TB, addr string, most int) string {
	return between(t, addr, func(near, far net.Conn) {
		go pieces(far, near, most)
		go pieces(near, far, most)
	})
}

// between listens, and gives each connection that comes to carry, with one to addr.
func between(t testing.TB, addr string, carry func(near, far net.Conn)) string {
	t.Helper()
	return listen(t, func(near net.Conn) {
		far, err := net.Dial("tcp", addr)
		if err != nil {
			near.Close()
			return
		}
		carry(near, far)
	})
}

// pieces writes to dst what src says, Nagle's algorithm being off in package net.
func pieces(dst, src net.Conn, most int) {
	defer dst.Close()
	defer src.Close()
	buf := make([]byte, most)
	for {
		n, err := src.Read(buf[:1+rand.IntN(most)])
		if n > 0 {
			if _, err := dst.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func TestPieces(t *testing.T) {
	for _, most := range []int{1, 7, 100, 5000} {
		t.Run(fmt.Sprint("of ", most), func(t *testing.T) {
			p := database(t)
			p.addr = chop(t, p.addr, most)
			p = p.behind(t, 1)
			p.addr = chop(t, p.addr, most)
			rows := min(40*most, 20000)
			one, two := p.connect(t), p.connect(t)
			one.must("SET my.x = '1'")
			two.must("SET my.x = '2'")
			for range 3 {
				bigAnswers(t, one, rows)
				if got := one.value("SHOW my.x"); got != "1" {
					t.Error("the first sees", got)
				}
				pipeline(t, two, rows)
				if got := two.value("SHOW my.x"); got != "2" {
					t.Error("the second sees", got)
				}
			}
		})
	}
}

// bigAnswers reads rows of many lengths.
func bigAnswers(t *testing.T, c *client, rows int) {
	t.Helper()
	c.send(query(fmt.Sprintf("SELECT g, repeat('x', g %% 50) FROM generate_series(1, %d) g", rows)))
	c.expect("T")
	for g := 1; g <= rows; g++ {
		c.expect(fmt.Sprintf("D %d|%s", g, strings.Repeat("x", g%50)))
	}
	c.expect(fmt.Sprintf("C SELECT %d", rows), "Z I")
}

// pipeline sends many statements in one go, with an error among them.
func pipeline(t *testing.T, c *client, n int) {
	t.Helper()
	n = min(n, 200)
	go func() {
		var all [][]byte
		for i := range n {
			all = append(all, oneShot("SELECT "+fmt.Sprint(i)), syncMsg)
		}
		all = append(all, oneShot("SELECT 1/0"), oneShot("SELECT 1"), syncMsg, query("SET my.y = 'a'; SELECT 1"))
		for _, m := range all {
			if _, err := c.conn.Write(m); err != nil && err != io.EOF {
				return
			}
		}
	}()
	for i := range n {
		c.expect("1", "2", fmt.Sprint("D ", i), "C SELECT 1", "Z I")
	}
	c.expect("1", "E ERROR 22012 division by zero", "Z I", "C SET", "T", "D 1", "C SELECT 1", "Z I")
}
