package pagetest

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/jackc/pgx/v5"
)

// hostile is a name that would run if it were taken for HTML.
const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`

type session struct {
	ID, Client  string
	Application string `json:"application_name"`
	Backend     *struct{ PID int }
}

// of finds the session of a client.
func (p *proxy) of(t *testing.T, conn *pgx.Conn) session {
	t.Helper()
	for _, s := range api[[]session](t, p, "/pgtxn/sessions") {
		if s.Client == conn.PgConn().Conn().LocalAddr().String() {
			return s
		}
	}
	t.Fatal("the API does not have the session")
	return session{}
}

// cells are the texts of the row in a section that has the word in it, as JavaScript.
func cells(section, word string) string {
	return fmt.Sprintf("[...document.querySelectorAll('#%s tbody tr')].map(r => [...r.children].map(c => c.textContent)).find(r => r.includes(%s))",
		section, text(word))
}

func TestPage(t *testing.T) {
	p := start(t)
	t.Run("headers", func(t *testing.T) { headers(t, p) })
	evil, pinned := p.connect(t, hostile), p.connect(t, "reports")
	exec1(t, evil, "BEGIN; SET LOCAL work_mem = '9MB'")
	exec1(t, pinned, "SELECT pg_advisory_lock(1)")
	b := browse(t, "http://"+p.admin+"/pgtxn/")
	b.await("document.querySelector('#status').textContent === 'Live'")

	t.Run("lists", func(t *testing.T) { lists(&tab{t, b.ctx}, p, evil, pinned) })
	t.Run("frames", func(t *testing.T) { frames(&tab{t, b.ctx}, p, evil) })
	t.Run("filters", func(t *testing.T) { filters(&tab{t, b.ctx}, p, evil, pinned) })
	t.Run("looks", func(t *testing.T) { looks(&tab{t, b.ctx}) })
	t.Run("command", func(t *testing.T) { command(t, p, evil) })
	t.Run("unreachable", func(t *testing.T) { unreachable(&tab{t, b.ctx}, p) })
	if got := evaluate[string](b, "document.title"); got != "pgtxn" {
		t.Errorf("the title is %q", got)
	}
	if got := evaluate[int](b, "document.querySelectorAll('img, table script').length"); got != 0 {
		t.Errorf("%d elements that no file of the page has", got)
	}
}

// What the page lists is what the API says.
func lists(b *tab, p *proxy, evil, pinned *pgx.Conn) {
	for _, conn := range []*pgx.Conn{evil, pinned} {
		s := p.of(b.T, conn)
		b.await(cells("sessions", s.ID) + " !== undefined")
		row := evaluate[[]string](b, cells("sessions", s.ID))
		for _, want := range []string{s.Client, "postgres", s.Application, "active", fmt.Sprint(s.Backend.PID)} {
			if !strings.Contains(strings.Join(row, "\n")+"\n", want+"\n") {
				b.Errorf("no %q in %q", want, row)
			}
		}
	}
	b.await(cells("sessions", p.of(b.T, pinned).ID) + "[8] === 'session advisory lock'")
	b.await(cells("log", "session advisory lock") + "[1] === 'pin'")
	pools := evaluate[[]string](b, cells("pools", "postgres"))
	if got := strings.Join(pools, "|"); !strings.Contains(got, "|transaction|2|0||2|0|20|") {
		b.Errorf("pools: %s", got)
	}
	certificate := evaluate[[]string](b, cells("certificates", "db.example.com"))
	until := p.cert.Leaf.NotAfter.Local().Format("2006-01-02 15:04:05")
	if certificate[1] != "main" || certificate[2] != until || !strings.Contains(certificate[3], " h ") || !strings.HasSuffix(certificate[3], ", soon") {
		b.Errorf("%q, want until %s", certificate, until)
	}
}

// A session is opened, watched as its stack changes, and closed with the keyboard alone.
func frames(b *tab, p *proxy, conn *pgx.Conn) {
	id := p.of(b.T, conn).ID
	for range 40 { // Tab comes to the list once, wherever it is
		if evaluate[bool](b, "document.activeElement.closest('#sessions tbody') !== null") {
			break
		}
		b.press(kb.Tab)
	}
	b.press(kb.End, kb.Home, kb.ArrowUp)
	for range 10 {
		if evaluate[string](b, "document.activeElement.textContent") == id {
			break
		}
		b.press(kb.ArrowDown)
	}
	if evaluate[string](b, "getComputedStyle(document.activeElement).outlineStyle") != "solid" {
		b.Error("the focus can't be seen")
	}
	b.press(kb.Enter)
	stack := func(want string) {
		b.Helper()
		b.await("[...document.querySelectorAll('#frames > li')].map(f => f.innerText.replace(/\\s+/g, ' ')).join(' / ') === " + text(want))
	}
	stack("transaction work_mem = 9MB SET LOCAL, as asked for / session nothing changed")
	exec1(b.T, conn, "SAVEPOINT \"A <b>\"; SET search_path = '<i>1</i>'")
	stack("savepoint A <b> search_path = <i>1</i> as asked for / transaction work_mem = 9MB SET LOCAL, as asked for / session nothing changed")
	b.await("document.querySelector('#frames [data-mark=changed] code').textContent === 'search_path'")
	b.picture("session")
	exec1(b.T, conn, "ROLLBACK TO \"A <b>\"")
	stack("savepoint A <b> nothing changed / transaction work_mem = 9MB SET LOCAL, as asked for / session nothing changed")
	exec1(b.T, conn, "ROLLBACK; SET my.y = 2")
	stack("session my.y = 2")
	b.press(kb.Escape)
	b.await("!document.querySelector('#session').open")
	if got := evaluate[string](b, "document.activeElement.textContent"); got != id {
		b.Errorf("behind Escape the focus is on %q", got)
	}
	ending := p.connect(b.T, "ending")
	exec1(b.T, ending, "SELECT 1")
	id = p.of(b.T, ending).ID
	b.await(cells("sessions", id) + " !== undefined")
	b.press(kb.End, kb.Enter)
	b.await("document.querySelector('#session-title').textContent.includes('" + id + ": postgres')")
	if err := ending.Close(b.Context()); err != nil {
		b.Error(err)
	}
	b.await("document.querySelector('#session-ended').textContent.startsWith('It has ended')")
	b.press(kb.Escape)
	b.await(cells("sessions", id) + " === undefined && document.activeElement.closest('#sessions tbody') !== null")
}

// The filters leave the sessions that the API finds with the same.
func filters(b *tab, p *proxy, evil, pinned *pgx.Conn) {
	shown := "[...document.querySelectorAll('#sessions tbody th')].map(c => c.textContent).join()"
	is := func(conns ...*pgx.Conn) {
		b.Helper()
		var ids []string
		for _, conn := range conns {
			ids = append(ids, p.of(b.T, conn).ID)
		}
		b.await(shown + " === " + text(strings.Join(ids, ",")))
	}
	is(evil, pinned)
	evaluate[bool](b, "document.querySelector('[name=pinned]').focus() ?? true")
	b.press(" ")
	is(pinned)
	b.press(" ")
	is(evil, pinned)
	evaluate[bool](b, "document.querySelector('[name=application_name]').focus() ?? true")
	b.press("reports")
	is(pinned)
	b.press("x")
	b.await("document.querySelector('#sessions .empty').textContent === 'There are none.'")
	evaluate[bool](b, "(document.querySelector('[name=application_name]').select(), true)")
	b.press(kb.Backspace)
	is(evil, pinned)
}

// contrast is the least contrast of a text with what is behind it, by WCAG's formula.
const contrast = `(() => {
	const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
	const rgb = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
	const light = (c) => c.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	let least = { ratio: 99 };
	for (const e of document.querySelectorAll("body *")) {
		if (!e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
		let behind = e;
		while (behind && rgb(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
		const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind ? rgb(getComputedStyle(behind).backgroundColor) : [255, 255, 255])];
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < least.ratio) least = { ratio, text: e.textContent };
	}
	return least;
})()`

// Light and dark can be read, and a narrow window has no part of the page outside of it.
func looks(b *tab) {
	for _, scheme := range []string{"light", "dark"} {
		b.prefer(scheme, 1400)
		type least struct {
			Ratio float64
			Text  string
		}
		if got := evaluate[least](b, contrast); got.Ratio < 4.5 {
			b.Errorf("%s: a contrast of %.1f: %s", scheme, got.Ratio, got.Text)
		}
		b.picture(scheme)
		b.prefer(scheme, 360)
		if width := evaluate[int](b, "document.documentElement.scrollWidth"); width > 360 {
			b.Errorf("in a window of 360 the page is %d wide", width)
		}
		b.picture(scheme + "-narrow")
	}
	b.prefer("light", 1400)
}

// A Caddy that does not answer is told of, with the time, until it answers again.
func unreachable(b *tab, p *proxy) {
	p.down(b.T)
	b.await(`/^No answer from the admin API since \d\d:\d\d:\d\d: it can't be reached. What is shown is of \d\d:\d\d:\d\d.$/
		.test(document.querySelector('#status').textContent)`)
	b.picture("unreachable")
	p.up(b.T)
	b.await("document.querySelector('#status').textContent === 'Live'")
	b.await("document.querySelector('#sessions .empty').textContent === 'There are none.'")
}

// Through caddy pgtxn page the browser needs nothing of the configuration.
func command(t *testing.T, p *proxy, conn *pgx.Conn) {
	page := exec.CommandContext(t.Context(), p.binary, "pgtxn", "page", "--address", p.admin)
	out, err := page.StdoutPipe()
	if err == nil {
		err = page.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said, _ := bufio.NewReader(out).ReadString('\n')
	b := browse(t, strings.Fields(said)[0])
	b.await(cells("sessions", p.of(t, conn).ID) + " !== undefined && " + cells("certificates", "db.example.com") + " !== undefined")
	b.await("document.querySelector('#status').textContent === 'Live'")
	_ = page.Process.Signal(os.Interrupt)
	_ = page.Wait()
}

// The page may load nothing of others, and be in nobody's frame.
func headers(t *testing.T, p *proxy) {
	for path, kind := range map[string]string{"": "text/html", "main.js": "text/javascript", "style.css": "text/css"} {
		response, err := http.Get("http://" + p.admin + "/pgtxn/" + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		h := response.Header
		if policy := h.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") ||
			!strings.HasPrefix(h.Get("Content-Type"), kind) || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q: %v", path, h)
		}
	}
}
