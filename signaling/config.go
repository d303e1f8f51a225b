package signaling

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"tarasul/signaling/protocol"
)

// Config of the signaling service. Validate fills what is zero.
type Config struct {
	// HTTP is where the server listens without TLS. On a loopback address it serves the
	// client; on any other it answers TLS too, and plain requests are sent there.
	HTTP string
	// HTTPS is a further address that speaks TLS. Plain requests to HTTP on an address
	// that is not loopback are then sent here.
	HTTPS string
	// Origins are further origins (scheme://host[:port]) whose pages may use this server;
	// its own, by the Host header, always may.
	Origins []string
	// Sockets is how many websockets are open at most.
	Sockets int
	// RequestsPerSecond and RequestBurst bound what one websocket may ask.
	RequestsPerSecond int
	RequestBurst      int
	// AudioSlots is how many voices a client can hear at the same time.
	AudioSlots int
}

// Validate fills defaults and reports all mistakes at once.
func (c *Config) Validate() error {
	if c.HTTP == "" {
		c.HTTP = "localhost:8080"
	}
	if c.Sockets == 0 {
		c.Sockets = 4000
	}
	if c.RequestsPerSecond == 0 {
		c.RequestsPerSecond = 50
	}
	if c.RequestBurst == 0 {
		c.RequestBurst = 200
	}
	if c.AudioSlots == 0 {
		c.AudioSlots = 6
	}
	var faults []error
	refuse := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if err := checkAddress(c.HTTP); err != nil {
		refuse("http: %w", err)
	}
	if c.HTTPS != "" {
		if err := checkAddress(c.HTTPS); err != nil {
			refuse("https: %w", err)
		}
		if c.HTTPS == c.HTTP {
			refuse("https: the same address as http")
		}
	}
	for _, o := range c.Origins {
		u, err := url.Parse(o)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" {
			refuse("origins: %q is not of the form https://host or https://host:port", o)
		}
	}
	if c.Sockets < 1 {
		refuse("sockets: %d, must be at least 1", c.Sockets)
	}
	if c.RequestsPerSecond < 1 {
		refuse("requests_per_second: %d, must be at least 1", c.RequestsPerSecond)
	}
	if c.RequestBurst < c.RequestsPerSecond {
		refuse("request_burst: %d, must be at least requests_per_second (%d)", c.RequestBurst, c.RequestsPerSecond)
	}
	if most := protocol.MaxParticipants - 1; c.AudioSlots < 6 || c.AudioSlots > most {
		refuse("audio_slots: %d, must be from 6 to %d", c.AudioSlots, most)
	}
	return errors.Join(faults...)
}

func checkAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not an address such as localhost:8080 or :443", address)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("%q has no valid port", address)
	}
	return nil
}
