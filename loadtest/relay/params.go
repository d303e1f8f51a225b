package relay

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Bitrate is in bits per second.
type Bitrate int64

// String writes a rate as ParseBitrate reads it: 600kbps, 1.5Mbps.
func (b Bitrate) String() string {
	for _, unit := range []struct {
		size Bitrate
		name string
	}{{1e9, "Gbps"}, {1e6, "Mbps"}, {1e3, "kbps"}} {
		if b >= unit.size {
			return strconv.FormatFloat(float64(b)/float64(unit.size), 'f', -1, 64) + unit.name
		}
	}
	return strconv.FormatInt(int64(b), 10) + "bps"
}

// Bounds of Params. They keep what is on its way finite, and the arithmetic inside 64 bits.
const (
	MaxDelay     = time.Minute
	MaxQueue     = time.Minute
	MinRate      = Bitrate(1000)
	MaxRate      = Bitrate(1e11)
	MaxBurst     = 1e6
	MaxBytes     = 1 << 30
	defaultQueue = 200 * time.Millisecond
)

// Params say what a link does to packets. The zero value lets everything through at once.
type Params struct {
	// Loss is the mean share of packets that the wire loses, 0 to 1.
	Loss float64
	// Burst is the mean length of a burst of losses, in packets, from 1 (Gilbert-Elliott: in the good state nothing is lost, in
	// the bad one everything). 0 loses each packet independently of the others.
	Burst float64
	// Delay is what every packet takes on the wire.
	Delay time.Duration
	// Jitter is how much more it takes at most: the delay wanders between Delay and Delay+Jitter, the same for packets of the
	// same time, and never so fast that one overtakes another.
	Jitter time.Duration
	// Rate of the link, 0 without limit.
	Rate Bitrate
	// Bucket is how many bytes may pass at once after a pause, beyond the link's rate; 0 is none: every packet takes its time.
	Bucket int
	// QueueTime and QueueBytes are how much waits before the link at most; what comes then is lost (drop-tail). If both are
	// given the smaller one counts, if neither is, a link with a rate has a queue of 200 ms.
	QueueTime  time.Duration
	QueueBytes int
}

// Validate reports all that is wrong at once.
func (p Params) Validate() error {
	var all []error
	check := func(good bool, format string, args ...any) {
		if !good {
			all = append(all, fmt.Errorf(format, args...))
		}
	}
	check(p.Loss >= 0 && p.Loss <= 1, "loss %v is not between 0 and 100 %%", percent(p.Loss))
	check(p.Burst == 0 || p.Burst >= 1 && p.Burst <= MaxBurst, "burst %v is not between 1 and %v packets", p.Burst, float64(MaxBurst))
	if p.Burst >= 1 && p.Loss > 0 && p.Loss <= 1 {
		most := p.Burst / (1 + p.Burst) // each burst ends with a packet that passes
		check(p.Loss <= most, "loss %v cannot come in bursts of %v: at most %v", percent(p.Loss), p.Burst, percent(most))
	}
	check(p.Delay >= 0 && p.Delay <= MaxDelay, "delay %v is not between 0 and %v", p.Delay, MaxDelay)
	check(p.Jitter >= 0 && p.Jitter <= MaxDelay, "jitter %v is not between 0 and %v", p.Jitter, MaxDelay)
	check(p.Rate == 0 || p.Rate >= MinRate && p.Rate <= MaxRate, "rate %v is not between %v and %v", p.Rate, MinRate, MaxRate)
	check(p.Bucket >= 0 && p.Bucket <= MaxBytes, "bucket of %d bytes is not between 0 and %d", p.Bucket, MaxBytes)
	check(p.QueueTime >= 0 && p.QueueTime <= MaxQueue, "queue %v is not between 0 and %v", p.QueueTime, MaxQueue)
	check(p.QueueBytes >= 0 && p.QueueBytes <= MaxBytes, "queue of %d bytes is not between 0 and %d", p.QueueBytes, MaxBytes)
	check(p.Rate > 0 || p.QueueTime == 0 && p.QueueBytes == 0 && p.Bucket == 0, "a queue needs a rate: without one nothing waits")
	return errors.Join(all...)
}

// validate reports what is wrong with two directions; what is the same in both is said once.
func validate(up, down Params) error {
	err := up.Validate()
	if up == down {
		return err
	}
	if err != nil {
		err = fmt.Errorf("up: %w", err)
	}
	if bad := down.Validate(); bad != nil {
		err = errors.Join(err, fmt.Errorf("down: %w", bad))
	}
	return err
}

// percent writes a share for a person.
func percent(share float64) string { return strconv.FormatFloat(share*100, 'g', 6, 64) + "%" }
