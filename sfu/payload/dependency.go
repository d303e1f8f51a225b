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
	NotPresent Indication = iota
	Discardable
	SwitchPoint
	Required
)

// Limits of the dependency descriptor's syntax.
const (
	MaxDecodeTargets = 32
	MaxChains        = 32
	MaxFrameDiffs    = 16
)

// Dependency is one dependency descriptor (AV1 RTP specification, appendix A).
type Dependency struct {
	FrameStart, FrameEnd bool
	Template             uint8
	Frame                uint16 // frame number, modulo 2^16
	Spatial, Temporal    uint8
	HasStructure         bool   // carries the template structure: a key frame
	ActiveTargets        uint32 // bit i: decode target i is being produced
	Width, Height        uint16 // of this frame's spatial layer, 0 where the structure does not say

	diffs                     [MaxFrameDiffs]uint16
	indications               [MaxDecodeTargets]Indication
	chainDiffs                [MaxChains]uint8
	nDiffs, nTargets, nChains uint8
	present, switches         uint32
	spatialLayers             uint8
}

// FrameDiffs are the distances to the frames that this one refers to: frame - diff, none for a key frame.
func (d *Dependency) FrameDiffs() []uint16 { return d.diffs[:d.nDiffs] }

// Indications says what the frame means to each decode target.
func (d *Dependency) Indications() []Indication { return d.indications[:d.nTargets] }

// ChainDiffs are the distances to the previous frame of each chain, 0 = none.
func (d *Dependency) ChainDiffs() []uint8 { return d.chainDiffs[:d.nChains] }

// Apply writes what the dependency descriptor knows over what the payload said.
func (d *Dependency) Apply(to *Descriptor) {}

// DependencyParser reads the dependency descriptors of one encoding. Later descriptors mean nothing without the template
// structure of an earlier one, so there is one parser for each encoding. The zero value is ready.
type DependencyParser struct{}

// Parse reads one descriptor, the raw value of the header extension, into d. A structure that it carries holds for what
// follows. After an error d is undefined and the parser is as before.
func (p *DependencyParser) Parse(raw []byte, d *Dependency) error { return ErrDependencyShort }

// Reset forgets the template structure.
func (p *DependencyParser) Reset() { *p = DependencyParser{} }

// RewriteDependency writes raw with another frame number into dst, which must be at least as long, and returns the
// length. References are differences, so nothing else changes. It is 0 if raw is malformed or dst too short.
func RewriteDependency(dst, raw []byte, frame uint16) int { return 0 }
