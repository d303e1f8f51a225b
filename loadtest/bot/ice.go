package bot

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/pion/stun/v4"
)

// Times of the connectivity checks, in nanoseconds. The first check is repeated quickly, as browsers do; once nominated it
// is the consent check of RFC 7675.
const (
	checkInterval   = int64(50 * time.Millisecond)
	consentInterval = int64(5 * time.Second)
	consentTimeout  = int64(30 * time.Second)
)

// errCheck says that a STUN message was not an answer to our check.
var errCheck = errors.New("bot: not the answer to our check")

// checks is the client's half of ICE towards a lite agent with one candidate (RFC 8445 section 2.5): it controls, nominates
// with its first check, and renews its consent. It has no socket and no clock.
type checks struct {
	localUfrag, localPwd   string
	remoteUfrag, remotePwd string
	tie                    uint64
	transaction            [stun.TransactionIDSize]byte
	pending                bool
	nominated              bool
	sentAt, nextAt         int64
	heardAt                int64 // last answer
	roundTrip              int64
}

// newChecks makes local credentials as a browser does (RFC 8445 section 5.3: 24 and 128 bits).
func newChecks() *checks {
	c := &checks{localUfrag: randomText(6), localPwd: randomText(18)}
	var b [8]byte
	rand.Read(b[:])
	c.tie = binary.BigEndian.Uint64(b[:])
	return c
}

// randomText is n random bytes as ICE characters.
func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawStdEncoding.EncodeToString(b)
}

// due returns the check that is to be sent now, or nil. alive is false once the other side has been silent too long.
func (c *checks) due(now int64) (request []byte, alive bool) {
	if c.heardAt == 0 {
		c.heardAt = now
	}
	if now-c.heardAt > consentTimeout {
		return nil, false
	}
	if now < c.nextAt {
		return nil, true
	}
	c.nextAt = now + checkInterval
	c.sentAt = now
	if !c.pending || c.nominated {
		c.transaction = stun.NewTransactionID()
		c.pending = true
	}
	priority := binary.BigEndian.AppendUint32(nil, 126<<24|65535<<8|255) // of a host candidate (RFC 8445 section 5.1.2)
	message, err := stun.Build(
		stun.NewTransactionIDSetter(c.transaction), stun.BindingRequest,
		stun.NewUsername(c.remoteUfrag+":"+c.localUfrag),
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: binary.BigEndian.AppendUint64(nil, c.tie)},
		stun.RawAttribute{Type: stun.AttrUseCandidate},
		stun.RawAttribute{Type: stun.AttrPriority, Value: priority},
		stun.NewShortTermIntegrity(c.remotePwd), stun.Fingerprint,
	)
	if err != nil {
		return nil, false // the credentials cannot be written: the answer was nonsense
	}
	return message.Raw, true
}

// answered takes in a STUN message. It returns nil if it is the answer to the pending check, made by someone who knows the
// password.
func (c *checks) answered(raw []byte, now int64) error {
	message := &stun.Message{Raw: raw}
	if err := message.Decode(); err != nil {
		return err
	}
	if message.Type != stun.BindingSuccess || !c.pending || message.TransactionID != c.transaction {
		return errCheck
	}
	if err := stun.NewShortTermIntegrity(c.remotePwd).Check(message); err != nil {
		return err
	}
	c.pending, c.nominated = false, true
	c.heardAt, c.roundTrip = now, now-c.sentAt
	c.nextAt = now + consentInterval
	return nil
}
