package report

import "aegis/data/philox"

// WidestCode is the most values of a code that axes are looked for in; wider
// ones are folded.
const WidestCode = 1024

// Fold is a random projection by which wide codes keep their distances, up to
// a few hundredths, in few values: each value is added to one of these or taken
// from it, as the count sketch of Charikar, Chen and Farach-Colton ("Finding
// Frequent Items in Data Streams", 2002) does. It is the same each time.
type Fold struct {
	to       []uint16
	negative []bool
	width    int
}

// NewFold returns the projection of codes of z values. Where these are few, it
// changes nothing.
func NewFold(z int) *Fold {
	f := &Fold{to: make([]uint16, z), negative: make([]bool, z), width: min(z, WidestCode)}
	draw := philox.Stream{Purpose: philox.For("fold")}
	for i := range f.to {
		if z <= WidestCode {
			f.to[i] = uint16(i)
			continue
		}
		word := draw.Uint32(0, 0, uint32(i))
		f.to[i], f.negative[i] = uint16(word%WidestCode), word>>31 == 1
	}
	return f
}

// Width is how many values a folded code has.
func (f *Fold) Width() int { return f.width }

// Add adds codes (n,z) to folded ones (n,Width).
func (f *Fold) Add(folded, codes []float32) {
	z := len(f.to)
	for ; len(codes) >= z; codes, folded = codes[z:], folded[f.width:] {
		for i, v := range codes[:z] {
			if f.negative[i] {
				v = -v
			}
			folded[f.to[i]] += v
		}
	}
}
