//go:build !unix

package tlsreload

import "context"

// heedSignal: there is no such signal.
func (*App) heedSignal(context.Context) {}
