package incaddy

import (
	"errors"
	"io"
	"net/http"
	"syscall"
	"testing"
)

// Ask sends a request to an admin API, and returns the answer and its body.
func Ask(tb testing.TB, method, url string) (*http.Response, string) {
	tb.Helper()
	request, err := http.NewRequestWithContext(tb.Context(), method, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	request.Close = true // behind a reload another server answers
	var response *http.Response
	Await(tb, "the admin API answers", func() bool { // who still came to the one before may be cut off
		response, err = http.DefaultClient.Do(request)
		return !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF)
	})
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return response, string(body)
}
