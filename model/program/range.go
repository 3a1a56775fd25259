package program

import "fmt"

// Range is what bytes become: v → Lo + v/255·(Hi−Lo).
type Range struct{ Lo, Hi float32 }

// Scale returns factor and offset: a byte v becomes v·factor + offset.
func (r Range) Scale() (factor, offset float32) { return (r.Hi - r.Lo) / 255, r.Lo }

// Decode writes bytes as pixels into dst, which is as long as src.
func (r Range) Decode(dst []float32, src []byte) {
	factor, offset := r.Scale()
	for i, v := range src {
		dst[i] = float32(float32(v)*factor) + offset // no fused multiply-add: the same bits everywhere
	}
}

func (r Range) String() string { return fmt.Sprintf("[%g,%g]", r.Lo, r.Hi) }
