//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"tarasul/loadtest/bot"
)

// measure lets the meeting settle, measures it, and writes down what was found, even if it ends early.
func (c *crew) measure(ctx context.Context, r *Report, progress Progress) error {
	err := c.pass(ctx, c.m.Warmup, func(passed time.Duration) error {
		progress("the meeting settles", passed.Seconds(), c.m.Warmup.Seconds())
		return nil
	})
	if err != nil {
		return err
	}
	var metersBefore Meters
	if c.metrics != "" {
		if metersBefore, err = readMeters(ctx, c.metrics); err != nil {
			return fmt.Errorf("--metrics: %w", err)
		}
	}
	if err := c.engine.StartWindow(); err != nil {
		return err
	}
	before, err := takeMeasure(r.ServerPID)
	if err != nil {
		return err
	}
	last, lastUsage := bot.Sample{}, before
	if last, err = c.engine.Sample(); err != nil {
		return err
	}
	first := last.At
	stopFollowing := c.network.follow(ctx)
	endErr := c.pass(ctx, c.m.Duration, func(passed time.Duration) error {
		progress("measuring", passed.Seconds(), c.m.Duration.Seconds())
		now, err := c.engine.Sample()
		if err != nil {
			return err
		}
		used, err := takeMeasure(r.ServerPID)
		if err != nil {
			return err
		}
		r.Series = append(r.Series, second(first, last, now, lastUsage, used))
		last, lastUsage = now, used
		return nil
	})
	stopFollowing()
	after, usageErr := takeMeasure(r.ServerPID)
	if usageErr != nil {
		// A server that died has no account any more: the last one has to do.
		after = lastUsage
	}
	w, err := c.engine.EndWindow(func(receiver, sender int) bool { return c.m.Video > 0 && c.m.sees(receiver, sender) })
	if err != nil {
		return err
	}
	r.fill(w)
	c.network.report(r)
	r.account(before, after, w.Totals.Packets)
	if c.metrics != "" && endErr == nil {
		metersAfter, err := readMeters(ctx, c.metrics)
		if err != nil {
			return fmt.Errorf("--metrics: %w", err)
		}
		r.ServerMeters = metersAfter.since(metersBefore)
		r.economy(r.ServerMeters, c.floor)
	}
	for _, b := range c.bots {
		r.EventGaps += b.Socket().SequenceGaps()
	}
	return errors.Join(endErr, usageErr)
}

// measurement is what processes have used at a moment.
type measurement struct {
	at          time.Time
	server      usage
	client      time.Duration
	idle, total time.Duration
}

// takeMeasure reads what was used so far; with no process known, the server's part stays empty.
func takeMeasure(pid int) (m measurement, err error) {
	m.at = time.Now()
	if pid != 0 {
		if m.server, err = readUsage(pid); err != nil {
			if errors.Is(err, os.ErrNotExist) {
				err = fmt.Errorf("%w: process %d has ended", ErrServer, pid)
			}
			return m, err
		}
	}
	m.client = ownTime()
	m.idle, m.total = machineTime()
	return m, nil
}

// account writes down what was used between two measurements for a number of packets.
func (r *Report) account(before, after measurement, packets uint64) {
	user, system := after.server.user-before.server.user, after.server.system-before.server.system
	if packets > 0 {
		r.ServerUserPerPacket = round(float64(user) / float64(packets))
		r.ServerSystemPerPacket = round(float64(system) / float64(packets))
		r.ServerCPUPerPacket = round(float64(user+system) / float64(packets))
	}
	wall := after.at.Sub(before.at)
	if wall > 0 {
		r.ServerCPU = round(float64(user+system) * 100 / float64(wall))
		r.ClientCPU = round(float64(after.client-before.client) * 100 / float64(wall))
	}
	if total := after.total - before.total; total > 0 {
		r.MachineIdle = round(float64(after.idle-before.idle) * 100 / float64(total))
		others := total - (after.idle - before.idle) - (user + system) - (after.client - before.client)
		r.OtherCPU = max(0, round(float64(others)*100/float64(wall)))
	}
	r.ServerRSS, r.ServerRSSNow = mebibytes(after.server.peak), mebibytes(after.server.resident)
	r.ServerRSSWindow = r.ServerRSSNow
	for _, s := range r.Series {
		r.ServerRSSWindow = max(r.ServerRSSWindow, s.ServerRSS)
	}
}

func second(first int64, last, now bot.Sample, before, after measurement) Second {
	seconds := time.Duration(now.At - last.At).Seconds()
	t := now.Totals.Sub(last.Totals)
	s := Second{
		At: round(time.Duration(now.At - first).Seconds()), P50: milliseconds(now.P50), P99: milliseconds(now.P99),
		Lost: (now.Expected - last.Expected) - min(now.Received-last.Received, now.Expected-last.Expected), ServerRSS: mebibytes(after.server.resident),
	}
	if seconds > 0 {
		s.PPS, s.Mbps = round(float64(t.Packets)/seconds), round(float64(t.Bytes)*8/1e6/seconds)
	}
	if wall := after.at.Sub(before.at); wall > 0 {
		used := after.server.user + after.server.system - before.server.user - before.server.system
		s.ServerCPU = round(float64(used) * 100 / float64(wall))
	}
	return s
}

func mebibytes(bytes int64) float64 { return round(float64(bytes) / (1 << 20)) }
