//go:build linux && (amd64 || arm64)

package relay

import "time"

// lane is a Link and where what comes out of it goes to.
type lane struct {
	link   *Link
	socket *socket // through which it leaves
	to     *name   // nil: the socket is connected
	lost   uint64  // the kernel refused it when it left
	noRoom uint64  // there was no memory left for it
	due    time.Duration
	place  int // in the schedule, -1 if it is not there
}

// schedule is a heap of lanes on which something is on its way, the next due on top.
type schedule []*lane

// update puts a lane where it belongs, after its Link has changed.
func (s *schedule) update(l *lane) {
	at, some := l.link.Next()
	switch {
	case some && l.place < 0:
		l.due, l.place = at, len(*s)
		*s = append(*s, l)
		s.up(l.place)
	case some:
		l.due = at
		s.up(l.place)
		s.down(l.place)
	case l.place >= 0:
		i, last := l.place, len(*s)-1
		s.swap(i, last)
		(*s)[last] = nil
		*s = (*s)[:last]
		l.place = -1
		if i < last {
			s.up(i)
			s.down(i)
		}
	}
}

func (s schedule) swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].place, s[j].place = i, j
}

func (s schedule) up(i int) {
	for parent := (i - 1) / 2; i > 0 && s[i].due < s[parent].due; i, parent = parent, (parent-1)/2 {
		s.swap(i, parent)
	}
}

func (s schedule) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(s); child++ {
			if s[child].due < s[least].due {
				least = child
			}
		}
		if least == i {
			return
		}
		s.swap(i, least)
		i = least
	}
}
