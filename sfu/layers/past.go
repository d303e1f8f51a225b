package layers

// past remembers what a Selector decided lately, so that frames which come late are judged as if they had come in time:
// else a frame that was counted on would be left out, or one be sent that refers to what was left out.
type past struct {
	openings [8]opening // latest first
	changes  [4]change
}

// opening says that combinations of layers became safe at a frame.
type opening struct {
	at     identity
	bits   uint32 // the combinations
	base   uint32 // the combination that was sent until then, which they build upon; 0 at a key frame
	joined bool   // they build upon the temporal layer below instead
}

// change says that another combination is sent from a frame on.
type change struct {
	at     identity
	before uint32
}

func (p *past) opened(o opening) {
	copy(p.openings[1:], p.openings[:])
	p.openings[0] = o
}

func (p *past) changed(at identity, before uint32) {
	copy(p.changes[1:], p.changes[:])
	p.changes[0] = change{at, before}
}

// base is the combination that must have had a frame for a combination to be decoded now: what was opened only after the
// frame builds upon what was sent until then.
func (p *past) base(bit uint32, id identity) uint32 {
	for _, o := range p.openings {
		if o.bits&bit == 0 || !id.before(o.at) {
			continue
		}
		if o.joined {
			bit >>= 1
		} else {
			bit = o.base
		}
	}
	return bit
}

// level is the combination that was being sent when a frame was due.
func (p *past) level(current uint32, id identity) uint32 {
	for _, c := range p.changes {
		if !id.before(c.at) {
			break
		}
		current = c.before
	}
	return current
}
