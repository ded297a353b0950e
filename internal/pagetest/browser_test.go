package pagetest

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a page in the browser. What the page does wrong there, exceptions and breaches of its policy, fails the test.
type tab struct {
	*testing.T
	ctx context.Context
}

func browse(t *testing.T, url string) *tab {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{chromedp.Flag("lang", "en-GB"), chromedp.WSURLReadTimeout(patience)}
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(options...))
	t.Cleanup(stop)
	b := &tab{t, ctx}
	b.do(chromedp.Steps())
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page threw: %s %v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
		case *log.EventEntryAdded:
			if e.Entry.Source == log.EntrySourceSecurity || e.Entry.Source == log.EntrySourceJavascript {
				t.Errorf("the browser says: %s", e.Entry.Text)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate(url))
	return b
}

func (b *tab) do(step chromedp.Action[chromedp.Void]) {
	b.Helper()
	if _, err := chromedp.Run(b.ctx, step); err != nil {
		b.Fatal(err)
	}
}

// await waits until an expression is true, in the page.
func (b *tab) await(expression string) {
	b.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(patience)))
	if err != nil {
		b.Fatalf("never true: %s: %v\n%s", expression, err, evaluate[string](b, "document.body.innerText"))
	}
}

func evaluate[T any](b *tab, expression string) T {
	b.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return value
}

func (b *tab) press(keys ...string) {
	b.Helper()
	for _, key := range keys {
		b.do(chromedp.KeyEvent(key))
	}
}

// text is a word in JavaScript.
func text(word string) string {
	quoted, _ := json.Marshal(word)
	return string(quoted)
}

// prefer has the page in light or dark, in a window of this width.
func (b *tab) prefer(scheme string, width int64) {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, 1000))
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
		return err
	}))
}

// picture keeps a picture of the page, where PAGETEST_PICTURES names a folder.
func (b *tab) picture(name string) {
	b.Helper()
	folder := os.Getenv("PAGETEST_PICTURES")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600)
	}
	if err != nil {
		b.Error(err)
	}
}
