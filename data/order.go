package data

import (
	"fmt"
	"iter"

	"aegis/data/philox"
)

// A mapped file is read in blocks that lie anywhere in it. The rows of a window
// of blocks are what memory must hold at once.
const (
	blockBytes  = 128 << 10
	windowBytes = 64 << 20
)

// Order gives the rows of an epoch, counted from 0, in the order in which
// Batches does: the numbers of purpose "shuffle", step epoch. It comes in one
// piece, or with windows in several, each valid until the next one.
func (l *Loader) Order(epoch int) iter.Seq[[]int32] { return l.OrderBehind(epoch, 0) }

// OrderBehind is Order without its first so many rows. Whole windows of these are
// neither shuffled nor read.
func (l *Loader) OrderBehind(epoch, behind int) iter.Seq[[]int32] {
	if l.opt.Shuffle && l.opt.Windows {
		return l.windows(epoch, behind, max(1, blockBytes/l.rows.RowBytes()), windowBytes/blockBytes)
	}
	return func(yield func([]int32) bool) {
		rows := l.split.Rows()
		if l.opt.Shuffle {
			philox.Stream{Seed: l.opt.Seed, Purpose: philox.For("shuffle")}.Shuffle(rows, uint32(epoch))
		}
		yield(rows[min(behind, len(rows)):])
	}
}

// windows shuffles blocks of so many rows, takes so many of them for a window,
// and shuffles its rows by the numbers of purpose "window/<number>".
func (l *Loader) windows(epoch, behind, blockRows, windowBlocks int) iter.Seq[[]int32] {
	return func(yield func([]int32) bool) {
		blocks := make([]int32, (l.rows.N-1)/blockRows+1)
		for i := range blocks {
			blocks[i] = int32(i)
		}
		philox.Stream{Seed: l.opt.Seed, Purpose: philox.For("shuffle")}.Shuffle(blocks, uint32(epoch))
		scattered(l.rows.Memory())
		var rows []int32
		for w := 0; len(blocks) > 0; w++ {
			n := min(windowBlocks, len(blocks))
			rows = rows[:0]
			for _, b := range blocks[:n] {
				from := int(b) * blockRows
				rows = l.split.AppendTrained(rows, from, min(from+blockRows, l.rows.N))
			}
			window := blocks[:n]
			blocks = blocks[n:]
			if behind > 0 && behind >= len(rows) {
				behind -= len(rows)
				continue
			}
			for _, b := range window {
				from := int(b) * blockRows
				willNeed(l.rows.Slice(from, min(from+blockRows, l.rows.N)).Memory())
			}
			philox.Stream{Seed: l.opt.Seed, Purpose: philox.For(fmt.Sprintf("window/%d", w))}.Shuffle(rows, uint32(epoch))
			if !yield(rows[behind:]) {
				return
			}
			behind = 0
		}
	}
}

// Feed takes rows off an order, as many at a time as are asked for.
type Feed struct {
	next   func() ([]int32, bool)
	stop   func()
	rest   []int32 // of the piece in progress
	joined []int32 // of several pieces
}

// NewFeed starts an order; Close ends it.
func NewFeed(order iter.Seq[[]int32]) *Feed {
	f := &Feed{}
	f.next, f.stop = iter.Pull(order)
	return f
}

// Take returns the next n rows, fewer at the end. They are valid until the next
// call.
func (f *Feed) Take(n int) []int32 {
	if len(f.rest) >= n {
		rows := f.rest[:n:n]
		f.rest = f.rest[n:]
		return rows
	}
	f.joined = append(f.joined[:0], f.rest...)
	f.rest = nil
	for len(f.joined) < n {
		piece, ok := f.next()
		if !ok {
			break
		}
		k := min(n-len(f.joined), len(piece))
		f.joined = append(f.joined, piece[:k]...)
		f.rest = piece[k:]
	}
	return f.joined
}

// Close ends the order.
func (f *Feed) Close() { f.stop() }
