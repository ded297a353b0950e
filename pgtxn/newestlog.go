package pgtxn

import (
	"context"
	"log/slog"
)

// newestLog logs where the configuration says that is in force, and as it says:
// sessions outlive theirs, whose log files may be closed by then.
type newestLog struct {
	own  slog.Handler // of the configuration that made it, until one has started
	with func(slog.Handler) slog.Handler
}

// followNewest returns a log for what outlives its configuration.
func followNewest(own *slog.Logger) *slog.Logger {
	return slog.New(&newestLog{own.Handler(), func(h slog.Handler) slog.Handler { return h }})
}

func (l *newestLog) handler() slog.Handler {
	if app := process.newest.Load(); app != nil && app.handlerLog != nil {
		return l.with(app.handlerLog)
	}
	return l.with(l.own)
}

// Enabled implements slog.Handler.
func (l *newestLog) Enabled(ctx context.Context, level slog.Level) bool {
	return l.handler().Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (l *newestLog) Handle(ctx context.Context, r slog.Record) error {
	return l.handler().Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (l *newestLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &newestLog{l.own, func(h slog.Handler) slog.Handler { return l.with(h).WithAttrs(attrs) }}
}

// WithGroup implements slog.Handler.
func (l *newestLog) WithGroup(name string) slog.Handler {
	return &newestLog{l.own, func(h slog.Handler) slog.Handler { return l.with(h).WithGroup(name) }}
}
