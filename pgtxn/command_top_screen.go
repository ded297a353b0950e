package pgtxn

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// screen is what caddy pgtxn top draws on. The zero screen is no terminal: it has room for all, and tables follow each
// other.
type screen struct{ width, height int }

// terminal is standard output, as large as it is now.
func terminal() screen {
	width, height, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return screen{}
	}
	return screen{width, height}
}

// wordColumns is how many columns are words, which are aligned to the left; the others are numbers.
const wordColumns = 2

// draw writes the pools, the busiest first, over what was on the screen; what there is no room for is left out, and
// counted.
func (s screen) draw(to io.Writer, t *top) error {
	pools := slices.SortedStableFunc(slices.Values(t.Pools), func(a, b rated) int {
		return cmp.Or(cmp.Compare(b.StatementRate, a.StatementRate), cmp.Compare(b.Waiting, a.Waiting))
	})
	rows := [][]string{strings.Fields("USER DATABASE CLIENTS WAITING ACTIVE IDLE SIZE TXN/S STMT/S WAIT IN/S OUT/S")}
	clients, rate := 0, 0.0
	for i := range pools {
		cells := pools[i].cells()
		for j := range wordColumns {
			cells[j] = s.shorten(cells[j])
		}
		rows = append(rows, cells)
		clients += pools[i].Sessions
		rate += pools[i].TransactionRate
	}
	title := fmt.Sprintf("%s  pools %d  clients %d  txn/s %.0f  Ctrl-C ends", t.Time.Format(time.TimeOnly), len(pools), clients, rate)
	lines := append([]string{title, ""}, align(rows)...)
	if s == (screen{}) {
		_, err := fmt.Fprintln(to, strings.Join(lines, "\n"))
		return err
	}
	if more := len(lines) - (s.height - 1); more > 0 { // the cursor has the last line
		lines = append(lines[:len(lines)-more-1], fmt.Sprintf("… and %d more", more+1))
	}
	for i, line := range lines {
		if runes := []rune(line); len(runes) > s.width {
			lines[i] = string(runes[:s.width])
		}
	}
	// To the top left; each line clears what was behind it, the last what was below: nothing flickers.
	_, err := fmt.Fprint(to, "\x1b[H", strings.Join(lines, "\x1b[K\n"), "\x1b[K\n\x1b[J")
	return err
}

// shorten leaves most of the width to numbers.
func (s screen) shorten(word string) string {
	room := max(8, s.width/7)
	if runes := []rune(word); s.width > 0 && len(runes) > room {
		return string(runes[:room-1]) + "…"
	}
	return word
}

func (p *rated) cells() []string {
	cells := []string{printable(p.User), printable(p.Database)}
	for _, n := range []int{p.Sessions, p.Waiting, p.Active, p.Idle, p.Size} {
		cells = append(cells, fmt.Sprint(n))
	}
	if p.known {
		wait := time.Duration(p.MeanWait * float64(time.Second)).Round(10 * time.Microsecond)
		cells = append(cells, fmt.Sprintf("%.1f", p.TransactionRate), fmt.Sprintf("%.1f", p.StatementRate), wait.String(),
			size(p.ReceivedRate), size(p.SentRate))
	} else {
		cells = append(cells, "-", "-", "-", "-", "-")
	}
	if p.Paused {
		cells = append(cells, "PAUSED")
	}
	return cells
}

// size writes bytes in powers of 1024.
func size(bytes float64) string {
	units := []string{"B", "kB", "MB", "GB"}
	for len(units) > 1 && bytes >= 1024 {
		bytes, units = bytes/1024, units[1:]
	}
	return fmt.Sprintf("%.0f %s", bytes, units[0])
}

// align makes lines of rows.
func align(rows [][]string) []string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var lines []string
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i < wordColumns {
				fmt.Fprintf(&line, "%-*s  ", widths[i], cell)
			} else {
				fmt.Fprintf(&line, "%*s  ", widths[i], cell)
			}
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return lines
}
