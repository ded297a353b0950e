package pgtxn

import (
	"errors"
	"fmt"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

// validatePeers checks the options for cancel requests between instances.
func (h *Handler) validatePeers() error {
	switch {
	case h.PeerID < 0 || h.PeerID > relay.MaxPeerID:
		return fmt.Errorf("peer_id: %d is not a number from 1 to %d", h.PeerID, relay.MaxPeerID)
	case len(h.Peers) > 0 && h.PeerID == 0:
		return errors.New("peer: it takes peer_id, the number of this instance")
	}
	for id := range h.Peers {
		if id < 1 || id > relay.MaxPeerID {
			return fmt.Errorf("peer: %d is not a number from 1 to %d", id, relay.MaxPeerID)
		}
	}
	return nil
}

// peers returns the addresses of the other instances.
func (h *Handler) peers() (map[int]string, error) {
	peers := make(map[int]string)
	for id, address := range h.Peers {
		address, err := replaced("peer", address)
		if err == nil {
			address, err = dialAddress("peer", address)
		}
		if err != nil {
			return nil, err
		}
		if id != h.PeerID {
			peers[id] = address
		}
	}
	return peers, nil
}
