package data

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"aegis/data/philox"
)

// LoaderOptions says how images become batches.
type LoaderOptions struct {
	Batch   int     // B, at least 1
	Seed    uint64  // of the shuffle
	Lo, Hi  float32 // a byte v becomes Lo + v/255·(Hi−Lo); Lo < Hi, both finite
	Shuffle bool    // a new order each epoch; else rows come in their own order
	Rows    []int32 // the rows to take, nil: all
}

// Loader makes batches of B rows. It has no state of its own: any number of
// goroutines may use it at once.
type Loader struct {
	images Images
	opt    LoaderOptions
}

// Batch is B rows, the first N of them real.
type Batch struct {
	X       []float32 // (B, P), zero in padding
	Weights []float32 // (B), 1 for a row, 0 for padding
	Rows    []int32   // (N), where the rows are in the images
	N       int
}

// NewLoader checks images and options. The images' bytes must not change while
// the loader is in use.
func NewLoader(images Images, opt LoaderOptions) (*Loader, error) {
	if err := images.check(); err != nil {
		return nil, fmt.Errorf("data: loader: %w", err)
	}
	if opt.Rows != nil && len(opt.Rows) == 0 {
		return nil, errors.New("data: loader: no rows; want at least one, or nil for all")
	}
	for _, row := range opt.Rows {
		if row < 0 || int(row) >= images.N {
			return nil, fmt.Errorf("data: loader: row %d of %d images; want 0 to %d", row, images.N, images.N-1)
		}
	}
	if opt.Batch < 1 {
		return nil, fmt.Errorf("data: loader: batch %d; want at least 1", opt.Batch)
	}
	if most := math.MaxInt32 / images.Size(); opt.Batch > most {
		return nil, fmt.Errorf("data: loader: batch %d; want at most %d for images of %d bytes",
			opt.Batch, most, images.Size())
	}
	if width := opt.Hi - opt.Lo; !(width > 0) || math.IsInf(float64(width), 0) {
		return nil, fmt.Errorf("data: loader: pixels in [%g,%g]; want finite Lo < Hi, such as [0,1]", opt.Lo, opt.Hi)
	}
	return &Loader{images: images, opt: opt}, nil
}

// Steps returns the batches of an epoch.
func (l *Loader) Steps() int {
	return (l.rows()-1)/l.opt.Batch + 1
}

// rows returns how many rows an epoch has.
func (l *Loader) rows() int {
	if l.opt.Rows != nil {
		return len(l.opt.Rows)
	}
	return l.images.N
}

// Order returns the rows of an epoch, counted from 0, in the order in which
// Batches gives them: the numbers of purpose "shuffle", step epoch.
func (l *Loader) Order(epoch int) []int32 {
	rows := slices.Clone(l.opt.Rows)
	if rows == nil {
		rows = make([]int32, l.images.N)
		for i := range rows {
			rows[i] = int32(i)
		}
	}
	if l.opt.Shuffle {
		philox.Stream{Seed: l.opt.Seed, Purpose: philox.For("shuffle")}.Shuffle(rows, uint32(epoch))
	}
	return rows
}

// buffers is how many batches go round: one with the caller, one being
// decoded, one ready.
const buffers = 3

// Batches gives the batches of an epoch, each row once, and decodes ahead of
// the caller. A batch is valid until the next one. Where ctx is cancelled, it
// ends with ctx's error. It leaves no goroutine behind however the loop ends.
func (l *Loader) Batches(ctx context.Context, epoch int) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		ahead, cancel := context.WithCancel(ctx)
		ready, spent := make(chan *Batch, buffers), make(chan *Batch, buffers)
		defer func() {
			cancel()
			for range ready { // until the decoder has closed it
			}
		}()
		for range buffers {
			spent <- &Batch{
				X:       make([]float32, l.opt.Batch*l.images.Size()),
				Weights: make([]float32, l.opt.Batch),
			}
		}
		go l.decode(ahead, epoch, ready, spent)
		for b := range ready {
			if ctx.Err() != nil {
				break
			}
			if !yield(b, nil) {
				return
			}
			spent <- b
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// decode fills spent batches and sends them, in order, until the epoch or ctx
// ends. Neither channel holds more than all the batches, so no send waits.
func (l *Loader) decode(ctx context.Context, epoch int, ready chan<- *Batch, spent <-chan *Batch) {
	defer close(ready)
	order := l.Order(epoch)
	for len(order) > 0 {
		n := min(l.opt.Batch, len(order))
		select {
		case <-ctx.Done():
			return
		case b := <-spent:
			l.fill(b, order[:n:n])
			ready <- b
		}
		order = order[n:]
	}
}

// fill makes b the batch of rows.
func (l *Loader) fill(b *Batch, rows []int32) {
	p := l.images.Size()
	b.Rows, b.N = rows, len(rows)
	for i, row := range rows {
		decode(b.X[i*p:(i+1)*p], l.images.Image(int(row)), l.opt.Lo, l.opt.Hi)
		b.Weights[i] = 1
	}
	clear(b.X[len(rows)*p:])
	clear(b.Weights[len(rows):])
}

// decode writes bytes as pixels, with the arithmetic that every device has.
func decode(dst []float32, src []byte, lo, hi float32) {
	factor := (hi - lo) / 255
	for i, v := range src {
		dst[i] = float32(float32(v)*factor) + lo // no fused multiply-add: the same bits everywhere
	}
}
