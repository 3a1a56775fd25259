package analysis

import (
	"context"
	"fmt"
	"math"
)

// MSE returns the mean squared difference of two slices of the same length,
// NaN for none.
func MSE(a, b []float32) float64 {
	return squaredDistance(a, b[:len(a)]) / float64(len(a))
}

// MAE returns the mean absolute difference.
func MAE(a, b []float32) float64 {
	b = b[:len(a)]
	var sum float64
	for i, v := range a {
		sum += math.Abs(float64(v) - float64(b[i]))
	}
	return sum / float64(len(a))
}

// PSNR returns the peak signal-to-noise ratio in decibels of a mean squared
// error of values that span a range, 10·log₁₀(span²/mse): infinite for 0.
func PSNR(mse, span float64) float64 { return 10 * math.Log10(span*span/mse) }

// SSIM measures how alike images are: Wang, Bovik, Sheikh and Simoncelli,
// "Image Quality Assessment: From Error Visibility to Structural Similarity"
// (2004), with their window, a Gaussian of 11×11 and σ = 1.5, at the places
// where it lies wholly inside, and their K₁ = 0.01 and K₂ = 0.03. Where an
// image is narrower or lower than 11 the window is as long there as the
// largest odd number that fits. An SSIM is for one goroutine.
type SSIM struct {
	c, h, w        int
	across, down   []float64 // the window's weights along a row and a column
	c1, c2         float64
	rows, filtered []float64 // what is filtered along rows, (5, h, w'), and then columns, (5, h', w')
}

// NewSSIM returns what compares images (C,H,W) of values that span a range.
func NewSSIM(c, h, w int, span float64) (*SSIM, error) {
	if c < 1 || h < 1 || w < 1 || !(span > 0) {
		return nil, fmt.Errorf("analysis: SSIM: want channels, height, width and a span above 0, got (%d,%d,%d) and %v", c, h, w, span)
	}
	s := &SSIM{c: c, h: h, w: w, across: gaussian(w), down: gaussian(h), c1: math.Pow(0.01*span, 2), c2: math.Pow(0.03*span, 2)}
	wide, high := w-len(s.across)+1, h-len(s.down)+1
	s.rows, s.filtered = make([]float64, 5*h*wide), make([]float64, 5*high*wide)
	return s, nil
}

// gaussian returns the weights of a window along a side, which sum to 1.
func gaussian(side int) []float64 {
	size := min(11, side-(side+1)%2)
	weights := make([]float64, size)
	var total float64
	for i := range weights {
		d := float64(i - size/2)
		weights[i] = math.Exp(-d * d / (2 * 1.5 * 1.5))
		total += weights[i]
	}
	for i := range weights {
		weights[i] /= total
	}
	return weights
}

// Of returns the mean structural similarity of two images (C,H,W), over all
// places and channels: 1 where they are the same.
func (s *SSIM) Of(a, b []float32) (float64, error) {
	plane := s.h * s.w
	if len(a) != s.c*plane || len(b) != s.c*plane {
		return 0, fmt.Errorf("analysis: SSIM: want two images of %d values, got %d and %d", s.c*plane, len(a), len(b))
	}
	var total float64
	for c := range s.c {
		total += s.plane(a[c*plane:(c+1)*plane], b[c*plane:(c+1)*plane])
	}
	return total / float64(s.c), nil
}

// ssimPairs is how many pairs of images one task has.
const ssimPairs = 32

// Each writes into dst (n) the mean structural similarity of each of n pairs of
// images, a and b (n,C,H,W), on all cores.
func (s *SSIM) Each(ctx context.Context, dst []float64, a, b []float32) error {
	size := s.c * s.h * s.w
	if len(a) != len(dst)*size || len(b) != len(a) {
		return fmt.Errorf("analysis: SSIM: want %d pairs of images of %d values, got %d and %d values", len(dst), size, len(a), len(b))
	}
	pool, err := newPool()
	if err != nil {
		return err
	}
	return pool.each(ctx, (len(dst)+ssimPairs-1)/ssimPairs, func(_ *worker, task int) {
		own := *s
		own.rows, own.filtered = make([]float64, len(s.rows)), make([]float64, len(s.filtered))
		for i := task * ssimPairs; i < min(len(dst), (task+1)*ssimPairs); i++ {
			dst[i], _ = own.Of(a[i*size:(i+1)*size], b[i*size:(i+1)*size]) // the sizes are right
		}
	})
}

// plane is the mean over one channel.
func (s *SSIM) plane(a, b []float32) float64 {
	wide, high := s.w-len(s.across)+1, s.h-len(s.down)+1
	s.alongRows(a, b, wide)
	clear(s.filtered)
	for q := range 5 {
		for y := range high {
			dst := s.filtered[(q*high+y)*wide : (q*high+y+1)*wide]
			for k, weight := range s.down {
				src := s.rows[(q*s.h+y+k)*wide : (q*s.h+y+k+1)*wide]
				for x, v := range src {
					dst[x] += weight * v
				}
			}
		}
	}
	size := high * wide
	var total float64
	for i := range size {
		ma, mb := s.filtered[i], s.filtered[size+i]
		va, vb := s.filtered[2*size+i]-ma*ma, s.filtered[3*size+i]-mb*mb
		cov := s.filtered[4*size+i] - ma*mb
		total += (2*ma*mb + s.c1) * (2*cov + s.c2) / ((ma*ma + mb*mb + s.c1) * (va + vb + s.c2))
	}
	return total / float64(size)
}

// alongRows filters a, b, a², b² and a·b along rows.
func (s *SSIM) alongRows(a, b []float32, wide int) {
	part := s.h * wide
	for y := range s.h {
		ra, rb := a[y*s.w:(y+1)*s.w], b[y*s.w:(y+1)*s.w]
		for x := range wide {
			var sums [5]float64
			for k, weight := range s.across {
				u, v := float64(ra[x+k]), float64(rb[x+k])
				wu, wv := weight*u, weight*v
				sums[0] += wu
				sums[1] += wv
				sums[2] += wu * u
				sums[3] += wv * v
				sums[4] += wu * v
			}
			for q, v := range sums {
				s.rows[q*part+y*wide+x] = v
			}
		}
	}
}
