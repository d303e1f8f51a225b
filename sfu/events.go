package sfu

// eventQueue is how many events may wait for signaling. State events that do not fit
// are not lost: what they describe stays marked and is told when there is room.
const eventQueue = 4096

// outbox is a shard's way to the node's events. A send never blocks the loop: what does
// not fit waits here, and of state events only the newest is kept.
type outbox struct {
	to      chan<- Event
	pending []Event
}

// tell queues an event. Order is kept.
func (o *outbox) tell(e Event) {
	if len(o.pending) == 0 {
		select {
		case o.to <- e:
			return
		default:
		}
	}
	if key := stateOf(e); key != nil {
		for i, old := range o.pending {
			if stateOf(old) == key {
				o.pending[i] = e
				return
			}
		}
	}
	o.pending = append(o.pending, e)
}

// retry sends what has waited.
func (o *outbox) retry() {
	for len(o.pending) > 0 {
		select {
		case o.to <- o.pending[0]:
			o.pending = append(o.pending[:0], o.pending[1:]...)
		default:
			return
		}
	}
}

// stateOf names the state that an event replaces, nil if it is a fact of its own. The
// facts are at most three per session, so what waits is bounded by the sessions made.
func stateOf(e Event) any {
	type state struct {
		kind string
		room RoomID
		peer PeerID
		of   Source
	}
	switch e := e.(type) {
	case SlotsChanged:
		return state{"slots", e.Room, e.Peer, 0}
	case SpeakerChanged:
		return state{"speaker", e.Room, "", 0}
	case WantedChanged:
		return state{"wanted", e.Room, e.Peer, e.Source}
	}
	return nil
}
