package pgtest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"time"
)

// retryTime is how long to wait before a server that is not ready is asked again.
const retryTime = 5 * time.Millisecond

// waitReady asks until the server lets the superuser in, has ended, or ctx is done.
func (s *Server) waitReady(ctx context.Context) error {
	socket := filepath.Join(s.SocketDir, ".s.PGSQL."+strconv.Itoa(s.Port))
	for {
		err := login(ctx, socket)
		if err == nil {
			return nil
		}
		select {
		case <-s.process.Done():
			return fmt.Errorf("it ended: %w", s.process.Err())
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(retryTime):
		}
	}
}

// login sends a startup packet as pg_isready does (protocol 3.0; "Message Formats" in PostgreSQL's documentation) and
// takes any authentication request for a yes. A server that is still starting sends an ErrorResponse (57P03).
func login(ctx context.Context, socket string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	params := "user\x00" + Superuser + "\x00database\x00postgres\x00\x00"
	packet := binary.BigEndian.AppendUint32(nil, uint32(8+len(params)))
	packet = binary.BigEndian.AppendUint32(packet, 3<<16)
	if _, err := conn.Write(append(packet, params...)); err != nil {
		return err
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if answer[0] != 'R' {
		return fmt.Errorf("answer %q to a startup packet", answer)
	}
	return nil
}
