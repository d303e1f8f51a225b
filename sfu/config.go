package sfu

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"
)

// DefaultAddress is where media is received unless the configuration says otherwise.
const DefaultAddress = "[::]:7880"

// Config is how a node receives and sends media.
type Config struct {
	// Address is where the first shard listens, UDP and TCP; each further shard takes
	// the next port. Port 0 lets the kernel choose for every shard.
	Address string `yaml:"address"`
	// Shards is the number of loops; 0 is one per core.
	Shards int `yaml:"shards"`
	// Advertise are the IP addresses that browsers are told. Empty means those of this
	// machine's interfaces, loopback included.
	Advertise []string `yaml:"advertise"`
	// TCP offers ICE-TCP on the same port numbers, for missions where UDP does not pass.
	TCP bool `yaml:"tcp"`
	// Wait is the least time between two turns of a loop, in which datagrams gather: CPU is
	// bought with latency. 0 to 3 ms.
	Wait time.Duration `yaml:"wait"`
}

// DefaultConfig is what a node runs on unless told otherwise.
func DefaultConfig() Config { return Config{Address: DefaultAddress, TCP: true} }

// Validate fills in defaults and reports all mistakes at once.
func (c *Config) Validate() error {
	var errs []error
	if c.Address == "" {
		c.Address = DefaultAddress
	}
	if _, err := netip.ParseAddrPort(c.Address); err != nil {
		errs = append(errs, fmt.Errorf("address %q: want IP:PORT, as %s or 10.0.0.5:7880", c.Address, DefaultAddress))
	}
	if c.Shards == 0 {
		c.Shards = runtime.GOMAXPROCS(0)
	}
	if c.Shards < 0 || c.Shards > 256 {
		errs = append(errs, fmt.Errorf("shards %d: want 0 to 256", c.Shards))
	}
	for _, a := range c.Advertise {
		if ip, err := netip.ParseAddr(a); err != nil || ip.IsUnspecified() {
			errs = append(errs, fmt.Errorf("advertise %q: want an IP address that browsers can reach", a))
		}
	}
	if c.Wait < 0 || c.Wait > 3*time.Millisecond {
		errs = append(errs, fmt.Errorf("wait %v: want 0 to 3ms", c.Wait))
	}
	return errors.Join(errs...)
}
