package meeting

import (
	"errors"
	"fmt"
	"time"

	"tarasul/signaling/protocol"
)

// Config of the package. Validate fills what is zero.
type Config struct {
	Participants int           // seats in a meeting; protocol.MaxParticipants, and never more
	Early        time.Duration // how long before its start a meeting may be entered without a chair; 10 min
	Linger       time.Duration // how long after its planned end it may still be entered; 15 min
	Grace        time.Duration // how long a seat is kept for a lost socket; protocol.SeatGraceSeconds
}

// Validate fills defaults and reports all mistakes at once.
func (c *Config) Validate() error {
	if c.Participants == 0 {
		c.Participants = protocol.MaxParticipants
	}
	fill := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	fill(&c.Early, 10*time.Minute)
	fill(&c.Linger, 15*time.Minute)
	fill(&c.Grace, protocol.SeatGraceSeconds*time.Second)
	var errs []error
	if c.Participants < 2 || c.Participants > protocol.MaxParticipants {
		errs = append(errs, fmt.Errorf("a meeting has 2 to %d participants", protocol.MaxParticipants))
	}
	if c.Early < 0 || c.Linger < 0 || c.Grace < 0 {
		errs = append(errs, errors.New("times around a meeting must not be negative"))
	}
	return errors.Join(errs...)
}
