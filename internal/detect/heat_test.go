package detect

import (
	"math"
	"testing"

	"aegis/data"
)

// TestSmoothedErrors holds the sums of three to nine sums at every pixel.
func TestSmoothedErrors(t *testing.T) {
	for _, shape := range []data.Shape{{C: 1, H: 4, W: 5}, {C: 3, H: 2, W: 3}, {C: 1, H: 1, W: 1}, {C: 2, H: 1, W: 4}} {
		values, rebuilt := make([]float32, shape.Size()), make([]float32, shape.Size())
		for i := range values {
			values[i], rebuilt[i] = float32(i*i%11), float32(i%5)
		}
		s := newSmoother(shape)
		for range 2 { // the second call starts anew
			got := s.square(values, rebuilt)
			for y := range shape.H {
				for x := range shape.W {
					var want float64
					for c := range shape.C {
						var sum float64
						for dy := max(0, y-1); dy <= min(shape.H-1, y+1); dy++ {
							for dx := max(0, x-1); dx <= min(shape.W-1, x+1); dx++ {
								i := (c*shape.H+dy)*shape.W + dx
								sum += float64(values[i] - rebuilt[i])
							}
						}
						want += sum / 9 * sum / 9 / float64(shape.C)
					}
					if g := got[y*shape.W+x]; math.Abs(g-want) > 1e-9 {
						t.Errorf("%v: pixel %d, %d: %v; want %v", shape, y, x, g, want)
					}
				}
			}
		}
	}
}
