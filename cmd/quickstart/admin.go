package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
)

// admin reads Caddy's admin API.
type admin struct {
	url string
}

// session is the part of GET /pgtxn/sessions/<id> that is shown here.
type session struct {
	ID          string  `json:"id"`
	Client      string  `json:"client"`
	State       string  `json:"state"`
	Transaction string  `json:"transaction"`
	Frames      []frame `json:"frames"`
}

// frame is the session itself, a transaction or a savepoint, with the variables changed since it began.
type frame struct {
	Kind      string     `json:"kind"`
	Name      string     `json:"name"`
	Variables []variable `json:"variables"`
}

type variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Layer string `json:"layer"` // "session", or "local" after SET LOCAL
}

// pool is the part of GET /pgtxn/pools that is shown here.
type pool struct {
	User     string `json:"user"`
	Database string `json:"database"`
	Size     int    `json:"size"`
	Active   int    `json:"active"`
	Idle     int    `json:"idle"`
	Waiting  int    `json:"waiting"`
}

func (a *admin) get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s: %s", path, response.Status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("GET %s: %w in %s", path, err, body)
	}
	return nil
}

func (a *admin) session(ctx context.Context, id string) (session, error) {
	var s session
	return s, a.get(ctx, "/pgtxn/sessions/"+id, &s)
}

// sessionOf finds a session by the address that its client connected from.
func (a *admin) sessionOf(ctx context.Context, client string) (session, error) {
	var all []session
	if err := a.get(ctx, "/pgtxn/sessions", &all); err != nil {
		return session{}, err
	}
	for _, s := range all {
		if s.Client == client {
			return s, nil
		}
	}
	return session{}, fmt.Errorf("GET /pgtxn/sessions has no session of the client %s", client)
}

func (a *admin) pool(ctx context.Context, user, database string) (pool, error) {
	var all []pool
	if err := a.get(ctx, "/pgtxn/pools", &all); err != nil {
		return pool{}, err
	}
	for _, p := range all {
		if p.User == user && p.Database == database {
			return p, nil
		}
	}
	return pool{}, fmt.Errorf("GET /pgtxn/pools has no pool of %s in %s", user, database)
}

// lines returns the stack as one line a frame, the outermost first, with the variables that keep names.
func lines(frames []frame, keep func(name string) bool) []string {
	var all []string
	for _, f := range frames {
		words := []string{f.Kind}
		if f.Name != "" {
			words[0] += " " + f.Name
		}
		for _, v := range f.Variables {
			if keep(v.Name) {
				words = append(words, v.text())
			}
		}
		all = append(all, strings.Join(words, " "))
	}
	return all
}

func (v variable) text() string {
	if v.Layer == "local" {
		return fmt.Sprintf("%s=%s(local)", v.Name, v.Value)
	}
	return v.Name + "=" + v.Value
}

// printFrames shows a stack as a table, the outermost frame first.
func printFrames(out io.Writer, frames []frame) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range frames {
		changed := []string{}
		for _, v := range f.Variables {
			changed = append(changed, v.text())
		}
		if len(changed) == 0 {
			changed = append(changed, "-")
		}
		fmt.Fprintf(table, "        %s\t%s\n", strings.TrimSpace(f.Kind+" "+f.Name), strings.Join(changed, "  "))
	}
	return table.Flush()
}
