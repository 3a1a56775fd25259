package data

import (
	"context"
	"fmt"
	"iter"
	"math"
)

// LoaderOptions says how rows become batches.
type LoaderOptions struct {
	Batch   int     // B, at least 1
	Seed    uint64  // of the shuffle
	Scaling Scaling // what a batch holds of a row
	Shuffle bool    // a new order each epoch; else rows come in their own order
	Held    []int32 // rows to leave out, in ascending order
	// Windows shuffles blocks of rows, and rows within a window of blocks, so
	// that rows that are mapped from a file are read in large pieces.
	Windows bool
}

// Loader makes batches of B rows. It has no state of its own: any number of
// goroutines may use it at once.
type Loader struct {
	rows  Rows
	split Split
	opt   LoaderOptions
}

// Batch is B rows, the first N of them real.
type Batch struct {
	X       []float32 // (B, P), zero in padding
	Weights []float32 // (B), 1 for a row, 0 for padding
	Rows    []int32   // (N), which rows they are
	N       int
}

// NewLoader checks rows and options. The values must not change while the
// loader is in use.
func NewLoader(rows Rows, opt LoaderOptions) (*Loader, error) {
	if err := rows.check(); err != nil {
		return nil, fmt.Errorf("data: loader: %w", err)
	}
	if err := checkHeld(opt.Held, rows.N); err != nil {
		return nil, err
	}
	if opt.Batch < 1 {
		return nil, fmt.Errorf("data: loader: batch %d; want at least 1", opt.Batch)
	}
	if most := math.MaxInt32 / rows.Size(); opt.Batch > most {
		return nil, fmt.Errorf("data: loader: batch %d; want at most %d for rows of %d values",
			opt.Batch, most, rows.Size())
	}
	if err := opt.Scaling.Validate(rows.Size()); err != nil {
		return nil, fmt.Errorf("data: loader: %w", err)
	}
	if err := opt.Scaling.Check(rows, rows.Size()); err != nil {
		return nil, fmt.Errorf("data: loader: %w", err)
	}
	return &Loader{rows: rows, split: Split{N: rows.N, Held: opt.Held}, opt: opt}, nil
}

// checkHeld says what is wrong with a list of rows to leave out of n.
func checkHeld(held []int32, n int) error {
	before := int32(-1)
	for _, row := range held {
		if row <= before || int(row) >= n {
			return fmt.Errorf("data: loader: row %d held out of %d, after row %d; want rows from 0 to %d in ascending order", row, n, before, n-1)
		}
		before = row
	}
	if len(held) == n {
		return fmt.Errorf("data: loader: all %d rows are held out; want at least one to be left", n)
	}
	return nil
}

// Rows returns how many rows an epoch has.
func (l *Loader) Rows() int { return l.split.Trained() }

// Steps returns the batches of an epoch.
func (l *Loader) Steps() int { return (l.Rows()-1)/l.opt.Batch + 1 }

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
				X:       make([]float32, l.opt.Batch*l.rows.Size()),
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
	feed := NewFeed(l.Order(epoch))
	defer feed.Close()
	for rows := feed.Take(l.opt.Batch); len(rows) > 0; rows = feed.Take(l.opt.Batch) {
		select {
		case <-ctx.Done():
			return
		case b := <-spent:
			l.fill(b, rows)
			ready <- b
		}
	}
}

// fill makes b the batch of rows.
func (l *Loader) fill(b *Batch, rows []int32) {
	p := l.rows.Size()
	b.Rows, b.N = append(b.Rows[:0], rows...), len(rows)
	for i, row := range rows {
		l.opt.Scaling.Read(b.X[i*p:(i+1)*p], l.rows, int(row))
		b.Weights[i] = 1
	}
	clear(b.X[len(rows)*p:])
	clear(b.Weights[len(rows):])
}
