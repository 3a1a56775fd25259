package detect

import (
	"context"
	"errors"

	"aegis/data"
	"aegis/internal/infer"
)

// smoother averages an image's errors over the 3×3 pixels around each; beyond
// the border errors are 0.
type smoother struct {
	data.Shape
	errors, across []float64 // (H,W) of a channel: errors, and their sums over 3 columns
	squares        []float64 // (H,W): squared averages, the mean over channels
}

func newSmoother(s data.Shape) *smoother {
	n := s.H * s.W
	return &smoother{s, make([]float64, n), make([]float64, n), make([]float64, n)}
}

// square returns the squared average at every pixel, the mean over the channels.
// It is valid until the next call.
func (s *smoother) square(values, rebuilt []float32) []float64 {
	clear(s.squares)
	n := s.H * s.W
	for c := range s.C {
		for i := range n {
			s.errors[i] = float64(values[c*n+i]) - float64(rebuilt[c*n+i])
		}
		s.channel()
	}
	return s.squares
}

// channel adds what one channel's errors give.
func (s *smoother) channel() {
	const pixels = 9
	sum3(s.across, s.errors, s.W, 1, s.H, s.W)
	sum3(s.errors, s.across, s.H, s.W, s.W, 1)
	for i, sum := range s.errors {
		s.squares[i] += (sum / pixels) * (sum / pixels) / float64(s.C)
	}
}

// sum3 writes the sums of each value and its two neighbours along lines of n
// values that are step apart; there are count lines, which begin between apart.
func sum3(dst, src []float64, n, step, count, between int) {
	for line := range count {
		for i := range n {
			at := line*between + i*step
			sum := src[at]
			if i > 0 {
				sum += src[at-step]
			}
			if i < n-1 {
				sum += src[at+step]
			}
			dst[at] = sum
		}
	}
}

// mean is an image's score.
func (s *smoother) mean(values, rebuilt []float32) (sum float64) {
	for _, v := range s.square(values, rebuilt) {
		sum += v
	}
	return sum / float64(s.H*s.W)
}

// Heat returns where images are strange (n,H,W): the squared error of each
// pixel, averaged over 3×3, in [0,1] on the model's one scale. A normal image
// stays near 0.
func (d *Detector) Heat(ctx context.Context, m *infer.Model, rows data.Rows, labels ...byte) ([]float32, error) {
	if err := d.Check(m); err != nil {
		return nil, err
	}
	if d.Formula == Standardised {
		return nil, errors.New("detect: heat of vectors; want images: of vectors, findings name columns")
	}
	heat := make([]float32, 0, rows.N*rows.H*rows.W)
	err := batches(ctx, m, rows, labels, func(_ int, b *batch) error {
		s, p := newSmoother(rows.Shape), rows.Size()
		for at := 0; at < len(b.values); at += p {
			for _, v := range s.square(b.values[at:][:p], b.rebuilt[at:][:p]) {
				heat = append(heat, float32(min(1, v/d.FullHeat)))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return heat, nil
}
