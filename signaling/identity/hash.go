package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"tarasul/signaling/protocol"
)

// Cost of one argon2id hash (RFC 9106). More threads make a hash quicker, not dearer for
// a guesser, so there is always one.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
}

// DefaultCost takes 50 ms on a core of the test machine. Memory is kept to 12 MiB because
// the whole server has 64 and two hashes may be made at once; the passes make up for it
// (twice the least that OWASP asks for at this size).
var DefaultCost = Cost{MemoryKiB: 12 << 10, Passes: 7}

const (
	saltBytes = 16
	sumBytes  = 32
	// maxPasswordBytes bounds what is normalised and hashed for somebody unknown.
	maxPasswordBytes = 1024
	// queuePerHash is how many may wait for each hash that can run: two seconds at most.
	queuePerHash = 32
)

// hasher makes and checks password hashes, only so many at once: memory and cores stay
// with the meetings whatever the sign-in page is flooded with.
type hasher struct {
	cost  Cost
	run   chan struct{} // a token for each hash that is made
	queue chan struct{} // a token for each that is made or waits
	dummy string        // what a password for nobody is checked against
	made  atomic.Int64
}

func newHasher(cost Cost, atOnce int) *hasher {
	h := &hasher{cost: cost, run: make(chan struct{}, atOnce), queue: make(chan struct{}, atOnce*(1+queuePerHash))}
	h.dummy = phc{cost, make([]byte, saltBytes), make([]byte, sumBytes)}.String()
	return h
}

// make gives the PHC string of a password. CodeUnavailable if too many wait.
func (h *hasher) make(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails
	p := phc{h.cost, salt, nil}
	var err error
	if p.sum, err = h.sum(ctx, password, p); err != nil {
		return "", err
	}
	return p.String(), nil
}

// check says whether password is that of the PHC string stored; an empty string is that
// of nobody, costs the same and never fits. stale is true if it should be made anew at
// today's cost.
func (h *hasher) check(ctx context.Context, password, stored string) (fits, stale bool, err error) {
	nobody := stored == ""
	if nobody {
		stored = h.dummy
	}
	p, err := parsePHC(stored)
	if err != nil {
		return false, false, err
	}
	sum, err := h.sum(ctx, password, p)
	if err != nil {
		return false, false, err
	}
	same := subtle.ConstantTimeCompare(sum, p.sum) == 1
	return same && !nobody && len(password) <= maxPasswordBytes, p.cost != h.cost, nil
}

func (h *hasher) sum(ctx context.Context, password string, p phc) ([]byte, error) {
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		return nil, &protocol.Refusal{Code: protocol.CodeUnavailable, RetryAfter: 2000}
	}
	select {
	case h.run <- struct{}{}:
		defer func() { <-h.run }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	h.made.Add(1)
	// The hash's memory goes back before the next one takes its own. Left to its own pace
	// the collector would let a morning's sign-ins pile up: 82 MiB resident instead of 46
	// after the ten of the demonstration. It costs 1 ms of the hash's 45.
	defer runtime.GC()
	if len(password) > maxPasswordBytes {
		password = "" // check refuses it after it has cost what every password costs
	}
	// The same letters typed on another keyboard are the same password (RFC 8265).
	return argon2.IDKey([]byte(norm.NFKC.String(password)), p.salt, p.cost.Passes, p.cost.MemoryKiB, 1, sumBytes), nil
}

// phc is a hash in the string format of the Password Hashing Competition:
// $argon2id$v=19$m=12288,t=7,p=1$salt$hash.
type phc struct {
	cost Cost
	salt []byte
	sum  []byte
}

func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, p.cost.MemoryKiB, p.cost.Passes,
		base64.RawStdEncoding.EncodeToString(p.salt), base64.RawStdEncoding.EncodeToString(p.sum))
}

var errPHC = errors.New("identity: a stored password hash cannot be read")

// parsePHC reads what String writes, and nothing else. The bounds keep a damaged record
// from taking all memory.
func parsePHC(s string) (p phc, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 {
		return phc{}, errPHC
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=1", &p.cost.MemoryKiB, &p.cost.Passes); err != nil {
		return phc{}, errPHC
	}
	encoding := base64.RawStdEncoding.Strict()
	p.salt, err = encoding.DecodeString(parts[4])
	if err != nil || len(p.salt) != saltBytes {
		return phc{}, errPHC
	}
	p.sum, err = encoding.DecodeString(parts[5])
	if err != nil || len(p.sum) != sumBytes {
		return phc{}, errPHC
	}
	if p.cost.check() != nil || p.String() != s {
		return phc{}, errPHC
	}
	return p, nil
}

func (c Cost) check() error {
	if c.MemoryKiB < 8<<10 || c.MemoryKiB > 1<<20 || c.Passes < 1 || c.Passes > 100 {
		return errors.New("the cost of a password hash must be 8 MiB to 1 GiB and 1 to 100 passes")
	}
	return nil
}
