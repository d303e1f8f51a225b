package payload

import "errors"

// Errors of DependencyParser.Parse.
var (
	ErrDependencyShort     = errors.New("dependency descriptor: too short")
	ErrDependencyTemplate  = errors.New("dependency descriptor: unknown template")
	ErrDependencyStructure = errors.New("dependency descriptor: bad template structure")
)

// Indication is what a frame means to one decode target (AV1 RTP specification, appendix A.4).
type Indication uint8

// The indications, with the values that they have on the wire.
const (
	NotPresent  Indication = iota
	Droppable              // "discardable": no later frame of the target refers to it
	SwitchPoint            // all later frames of the target can be decoded if this one can
	Required
)

// Limits of the syntax; MaxFrameDiffs is ours, encoders refer to at most 7 frames.
const (
	MaxDecodeTargets = 32
	MaxChains        = 32
	MaxFrameDiffs    = 16
	maxTemplates     = 64
)

// frameDefinition is what a template says of a frame, or the frame itself instead of its template.
type frameDefinition struct {
	spatial, temporal uint8
	nDiffs            uint8
	diffs             [MaxFrameDiffs]uint16
	indications       [MaxDecodeTargets]Indication
	chainDiffs        [MaxChains]uint8
}

// Dependency is one dependency descriptor (AV1 RTP specification, appendix A). It is large: reuse it.
type Dependency struct {
	FrameStart, FrameEnd bool
	HasStructure         bool // carries the template structure
	Template             uint8
	Frame                uint16 // frame number, modulo 2^16
	Spatial, Temporal    uint8
	SpatialLayers        uint8
	ActiveTargets        uint32 // bit i: decode target i is being produced
	Width, Height        uint16 // of this frame's spatial layer in pixels, 0 if the structure has none

	def                         frameDefinition
	targets, chains             uint8
	present, switches, produced uint32 // Descriptor's Present, Switch and Active
}

// FrameDiffs are the distances to the frames that this one refers to: they are numbered Frame - diff. A key frame has none.
func (d *Dependency) FrameDiffs() []uint16 { return d.def.diffs[:d.def.nDiffs] }

// Indications says what the frame means to each decode target.
func (d *Dependency) Indications() []Indication { return d.def.indications[:d.targets] }

// ChainDiffs are the distances to the previous frame of each chain, 0 where a chain begins.
func (d *Dependency) ChainDiffs() []uint8 { return d.def.chainDiffs[:d.chains] }

// KeyFrame reports whether a decoder may begin with this frame.
func (d *Dependency) KeyFrame() bool { return d.HasStructure && d.def.nDiffs == 0 && d.Spatial == 0 }

// Apply writes what the dependency descriptor says over what the payload said: the descriptor knows better.
func (d *Dependency) Apply(to *Descriptor) {
	to.KeyFrame = d.KeyFrame()
	to.FrameStart, to.FrameEnd = d.FrameStart, d.FrameEnd
	to.Spatial, to.Temporal = d.Spatial, d.Temporal
	to.SpatialLayers = 0
	if d.HasStructure {
		to.SpatialLayers = d.SpatialLayers
		if d.Width != 0 {
			to.Width, to.Height = d.Width, d.Height
		}
	}
	to.Present, to.Switch, to.Active, to.HasTargets = d.present, d.switches, d.produced, true
	to.Numbers.Frame, to.Numbers.HasFrame = d.Frame, true
}

// structure is the template dependency structure (appendix A.8.3), with what follows from it.
type structure struct {
	offset        uint8 // id of the first template
	templates     uint8
	targets       uint8
	chains        uint8
	spatialLayers uint8
	resolutions   bool
	width, height [4]uint16
	template      [maxTemplates]frameDefinition
	// covers has for each decode target the TargetBits that it serves, which depends on which targets are active
	layerOf  [MaxDecodeTargets]struct{ spatial, temporal uint8 }
	covers   [MaxDecodeTargets]uint32
	active   uint32 // decode targets
	produced uint32 // their TargetBits
}

// DependencyParser reads the dependency descriptors of one encoding. Later descriptors mean nothing without the template
// structure of an earlier one, so there is one parser for each encoding. The zero value is ready. Only a parser's first
// two structures allocate.
type DependencyParser struct {
	current, spare *structure
}

// Reset forgets the template structure: what follows is unknown until the next one.
func (p *DependencyParser) Reset() { *p = DependencyParser{} }

// Parse reads one descriptor, the raw value of the header extension, into d. A structure that it carries holds for what
// follows, and so does its mask of active decode targets. After an error d is undefined and the parser is as before.
func (p *DependencyParser) Parse(raw []byte, d *Dependency) error {
	if len(raw) < 3 {
		return ErrDependencyShort
	}
	d.FrameStart, d.FrameEnd = raw[0]&0x80 != 0, raw[0]&0x40 != 0
	d.Template = raw[0] & 0x3f
	d.Frame = uint16(raw[1])<<8 | uint16(raw[2])
	d.HasStructure = false

	r := bitReader{b: raw, pos: 24}
	s := p.current
	var hasActive, customIndications, customDiffs, customChains bool
	if len(raw) > 3 {
		d.HasStructure, hasActive = r.flag(), r.flag()
		customIndications, customDiffs, customChains = r.flag(), r.flag(), r.flag()
		if d.HasStructure {
			if p.spare == nil {
				p.spare = new(structure)
			}
			s = p.spare
			if !s.parse(&r) {
				return ErrDependencyStructure
			}
		}
	}
	if s == nil {
		return ErrDependencyTemplate
	}
	active := s.active
	if hasActive {
		active = uint32(r.bits(max(int(s.targets)-16, 0)))<<16 | uint32(r.bits(min(int(s.targets), 16)))
	}
	index := (d.Template - s.offset) & 0x3f
	if index >= s.templates {
		return ErrDependencyTemplate
	}
	d.def = s.template[index]
	if customIndications {
		for i := range s.targets {
			d.def.indications[i] = Indication(r.bits(2))
		}
	}
	if customDiffs {
		if !d.def.readDiffs(&r) {
			return ErrDependencyStructure
		}
	}
	if customChains {
		for i := range s.chains {
			d.def.chainDiffs[i] = uint8(r.bits(8))
		}
	}
	if r.short {
		return ErrDependencyShort
	}

	// nothing can go wrong any more
	if active != s.active {
		s.activate(active)
	}
	if d.HasStructure {
		p.current, p.spare = s, p.current
	}
	d.targets, d.chains, d.SpatialLayers, d.ActiveTargets = s.targets, s.chains, s.spatialLayers, active
	d.Spatial, d.Temporal = d.def.spatial, d.def.temporal
	d.Width, d.Height = 0, 0
	if s.resolutions {
		d.Width, d.Height = s.width[d.Spatial], s.height[d.Spatial]
	}
	d.present, d.switches, d.produced = 0, 0, s.produced
	for i, indication := range d.Indications() {
		if indication != NotPresent {
			d.present |= s.covers[i]
		}
		if indication == SwitchPoint {
			d.switches |= s.covers[i]
		}
	}
	return nil
}

// readDiffs reads frame_fdiffs.
func (f *frameDefinition) readDiffs(r *bitReader) bool {
	for f.nDiffs = 0; ; f.nDiffs++ {
		size := int(r.bits(2))
		if size == 0 {
			return true
		}
		if f.nDiffs == MaxFrameDiffs {
			return false
		}
		f.diffs[f.nDiffs] = r.bits(4*size) + 1
	}
}

// parse reads template_dependency_structure. It is false if that is malformed or cut off.
func (s *structure) parse(r *bitReader) bool {
	*s = structure{}
	s.offset = uint8(r.bits(6))
	s.targets = uint8(r.bits(5)) + 1

	var spatial, temporal uint8
	for next := uint16(0); next != 3; {
		if s.templates == maxTemplates {
			return false
		}
		s.template[s.templates].spatial, s.template[s.templates].temporal = spatial, temporal
		s.templates++
		switch next = r.bits(2); next {
		case 1:
			temporal++
		case 2:
			spatial, temporal = spatial+1, 0
		}
		if spatial > 3 || temporal > 7 || r.short {
			return false
		}
	}
	s.spatialLayers = spatial + 1
	templates := s.template[:s.templates]

	for i := range templates {
		for t := range s.targets {
			templates[i].indications[t] = Indication(r.bits(2))
		}
	}
	for i := range templates {
		f := &templates[i]
		for r.flag() {
			if f.nDiffs == MaxFrameDiffs {
				return false
			}
			f.diffs[f.nDiffs] = r.bits(4) + 1
			f.nDiffs++
		}
	}
	if s.chains = uint8(r.nonSymmetric(int(s.targets) + 1)); s.chains > 0 {
		for range s.targets { // decode_target_protected_by
			if r.nonSymmetric(int(s.chains)) >= int(s.chains) {
				return false
			}
		}
		for i := range templates {
			for c := range s.chains {
				templates[i].chainDiffs[c] = uint8(r.bits(4))
			}
		}
	}
	if s.resolutions = r.flag(); s.resolutions {
		for i := range s.spatialLayers {
			s.width[i], s.height[i] = r.bits(16)+1, r.bits(16)+1
		}
	}
	if r.short {
		return false
	}
	for t := range s.targets { // decode_target_layers
		for i := range templates {
			if templates[i].indications[t] != NotPresent {
				s.layerOf[t].spatial = max(s.layerOf[t].spatial, templates[i].spatial)
				s.layerOf[t].temporal = max(s.layerOf[t].temporal, templates[i].temporal)
			}
		}
	}
	s.activate(1<<s.targets - 1)
	return true
}

// activate works out which decode target serves a watcher of layers up to s, t: the highest active one within, spatial
// layers first, or else the lowest active one.
func (s *structure) activate(active uint32) {
	s.active, s.produced = active, 0
	s.covers = [MaxDecodeTargets]uint32{}
	for t := range s.targets {
		if active>>t&1 != 0 {
			s.produced |= TargetBit(s.layerOf[t].spatial, s.layerOf[t].temporal)
		}
	}
	if active == 0 {
		return
	}
	for spatial := range uint8(4) {
		for temporal := range uint8(8) {
			best, within := -1, false
			for t := range int(s.targets) {
				if active>>t&1 == 0 {
					continue
				}
				l := s.layerOf[t]
				fits := l.spatial <= spatial && l.temporal <= temporal
				var better bool
				switch {
				case best < 0 || fits != within:
					better = best < 0 || fits
				default:
					b := s.layerOf[best]
					above := l.spatial > b.spatial || l.spatial == b.spatial && l.temporal > b.temporal
					better = above == fits && l != b
				}
				if better {
					best, within = t, fits
				}
			}
			s.covers[best] |= TargetBit(spatial, temporal)
		}
	}
}

// RewriteDependency writes raw with another frame number into dst, which must be at least as long, and returns the
// length. A receiver refuses a key frame whose number is older than the last, so a switch must not turn the numbers
// back; the references are differences, so nothing else changes. It is 0 if raw is malformed or dst too short.
func RewriteDependency(dst, raw []byte, frame uint16) int {
	if len(raw) < 3 || len(dst) < len(raw) {
		return 0
	}
	n := copy(dst, raw)
	dst[1], dst[2] = byte(frame>>8), byte(frame)
	return n
}
