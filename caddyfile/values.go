package caddyfile

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// one is an option of a single argument.
func one(name, args string, set func(string) error) Option {
	return Option{Name: name, Args: args, Min: 1, Max: 1, Set: func(a []string) error { return set(a[0]) }}
}

// String is an option of one argument, whatever it is but not empty.
func String(name, args string, dst *string) Option {
	return one(name, args, func(s string) error {
		if s == "" {
			return fmt.Errorf("expected %s, not an empty text", args)
		}
		*dst = s
		return nil
	})
}

// Strings is a repeatable option of one or more arguments; all are collected.
func Strings(name, args string, dst *[]string) Option {
	return Option{Name: name, Args: args, Min: 1, Max: -1, Repeatable: true, Set: func(a []string) error {
		*dst = append(*dst, a...)
		return nil
	}}
}

// Word is an option that takes one of a few words.
func Word(name string, dst *string, words ...string) Option {
	return one(name, strings.Join(words, "|"), func(s string) error {
		for _, w := range words {
			if s == w {
				*dst = s
				return nil
			}
		}
		return fmt.Errorf("expected one of %s, not '%s'", strings.Join(words, ", "), s)
	})
}

// Flag is an option without an argument: it is there or not.
func Flag(name string, dst *bool) Option {
	return Option{Name: name, Set: func([]string) error {
		*dst = true
		return nil
	}}
}

// Int is an option that takes a whole number, least or more.
func Int(name string, dst *int, least int) Option {
	return one(name, "<number>", func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < least {
			return fmt.Errorf("expected a whole number from %d, not '%s'", least, s)
		}
		*dst = n
		return nil
	})
}

// Size is an option that takes a number of bytes, with or without a unit.
func Size(name string, dst *int) Option {
	return one(name, "<size>", func(s string) error {
		n, ok := parseSize(s)
		if !ok {
			return fmt.Errorf("expected a number of bytes such as 65536, 64KiB or 16MiB, not '%s'", s)
		}
		*dst = n
		return nil
	})
}

// parseSize takes the units of PostgreSQL's settings, where kB is 1024 bytes,
// and their unambiguous names.
func parseSize(s string) (int, bool) {
	digits := strings.TrimRight(s, "kKMGiB")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 {
		return 0, false
	}
	shift := 0
	switch s[len(digits):] {
	case "", "B":
	case "kB", "KiB":
		shift = 10
	case "MB", "MiB":
		shift = 20
	case "GB", "GiB":
		shift = 30
	default:
		return 0, false
	}
	return n << shift, n <= math.MaxInt>>shift
}

// Duration is an option that takes a time longer than 0.
func Duration(name string, dst *caddy.Duration) Option {
	return one(name, "<duration>", func(s string) error {
		d, err := parseDuration(s)
		if err == nil && d == 0 {
			err = errors.New("expected a duration longer than 0")
		}
		*dst = d
		return err
	})
}

// Limit is an option that takes a time, where 0 lifts the limit. Dst stays nil
// if the option is not there.
func Limit(name string, dst **caddy.Duration) Option {
	return one(name, "<duration>", func(s string) error {
		d, err := parseDuration(s)
		*dst = &d
		return err
	})
}

func parseDuration(s string) (caddy.Duration, error) {
	d, err := caddy.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("expected a duration with its unit, such as 500ms, 30s, 10m, 1h or 1d, not '%s'", s)
	}
	return caddy.Duration(d), nil
}
