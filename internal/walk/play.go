package walk

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"strings"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/story"
)

// A Game compares a proxy with the server behind it. It is used by one goroutine.
type Game struct {
	Server story.Target // its user a superuser, its database prepared with Setup
	Proxy  story.Target
	Shared bool          // its clients find custom settings of others to be '', where the server has NULL
	Alarm  func() string // what the proxy complained of since the last call, "" for nothing; may be nil

	admin   *story.Client
	company map[string]*company // by user
}

// ErrUnplayable says that PostgreSQL itself did not get to the end of a walk, which then says nothing about the proxy.
var ErrUnplayable = errors.New("the server does not play this walk")

// Close ends the connections that outlive a walk.
func (g *Game) Close() {
	if g.admin != nil {
		g.admin.Leave()
	}
	for _, c := range g.company {
		c.leave()
	}
}

// Compare plays s on the server, writes the answers into it as what is wanted, and plays it on the proxy; the seed decides what the
// other clients do there. An error is a difference, unless it is ErrUnplayable.
func (g *Game) Compare(s *story.Story, seed uint64) error {
	direct := player{story: s, target: g.Server, record: true}
	for _, p := range []*player{&direct, {story: s, target: g.Proxy, game: g, like: &direct, r: rand.New(rand.NewPCG(seed, 1))}} {
		if err := g.clear(s); err != nil {
			return err
		}
		if err := p.play(); err != nil {
			if p.record {
				return fmt.Errorf("%w: %w", ErrUnplayable, err)
			}
			return err
		}
	}
	return nil
}

// clear ends what another playing of s has prepared.
func (g *Game) clear(s *story.Story) error {
	if g.admin == nil {
		var err error
		if g.admin, err = story.Connect(g.Server); err != nil {
			return err
		}
	}
	if !strings.Contains(strings.ToUpper(s.Text()), "PREPARE") {
		return nil
	}
	for _, gid := range []string{"walk_1", "walk_2"} {
		_, err := g.admin.Query("ROLLBACK PREPARED '" + gid + "'")
		if err != nil && !strings.Contains(err.Error(), "42704") { // no such transaction
			return err
		}
	}
	return nil
}

// A player plays one story in one place.
type player struct {
	story  *story.Story
	target story.Target
	record bool // the answers are right; else they are compared

	game    *Game
	like    *player // who played it on the server
	r       *rand.Rand
	greeted map[string]string // the settings reported at login
	told    map[string]string // and at the end
}

func (p *player) play() error {
	if p.story.User != "" {
		p.target.User = p.story.User
	}
	c, err := story.Connect(p.target, p.story.Startup...)
	if err != nil {
		return err
	}
	p.greeted = maps.Clone(c.Reported)
	if err = p.same("at login", p.greeted, func(o *player) map[string]string { return o.greeted }); err == nil {
		err = p.steps(c)
	}
	p.told = c.Reported
	if err == nil {
		err = p.same("at the end", p.told, func(o *player) map[string]string { return o.told })
	}
	if len(p.story.Steps)%2 == 0 {
		c.Drop()
	} else {
		c.Leave()
	}
	return err
}

func (p *player) same(when string, got map[string]string, of func(*player) map[string]string) error {
	if p.record || maps.Equal(got, of(p.like)) {
		return nil
	}
	return fmt.Errorf("%s the client was told\n  %v, on the server\n  %v", when, got, of(p.like))
}

func (p *player) steps(c *story.Client) error {
	for i := range p.story.Steps {
		if !p.record && c.Status == 'I' && p.r.IntN(2) > 0 {
			others, err := p.game.others(p.target)
			if err == nil {
				err = others.between(p.r)
			}
			if err != nil {
				return fmt.Errorf("before step %d the other clients: %w", i+1, err)
			}
		}
		step := &p.story.Steps[i]
		replies, err := c.Do(false, *step)
		for j, r := range replies {
			x, got := &step.Statements[j], p.game.told(r.String())
			if p.record {
				x.Want = got
			} else if want := p.game.told(x.Want); got != want && !known(want, got) {
				return fmt.Errorf("%s\n  want %s\n  got  %s", source(*x), want, got)
			}
		}
		if err == nil && !p.record && p.game.Alarm != nil {
			if alarm := p.game.Alarm(); alarm != "" {
				err = errors.New(alarm)
			}
		}
		if err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

// told is an answer, less what need not be alike on the server and on the proxy.
func (g *Game) told(answer string) string {
	if g != nil && g.Shared {
		return strings.ReplaceAll(answer, undefined, "")
	}
	return answer
}

// known are the differences that there are and will be. A prepared statement that the client has not used on this backend is prepared
// there when it needs it. In an aborted transaction that can't be done, and the statement is refused for that before its number of
// parameters is; and what the server has to remark on the text is not passed on.
func known(want, got string) bool {
	return refusedAlike.ReplaceAllString(want, "ERROR 25P02") == got
}

var refusedAlike = regexp.MustCompile(`ERROR 08P01|(NOTICE 42622|WARNING 22P06) ERROR 25P02`)
