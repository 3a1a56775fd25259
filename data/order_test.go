package data

import (
	"fmt"
	"slices"
	"testing"
)

// With windows every row comes once, blocks go together, and rows of a window
// are mixed.
func TestWindows(t *testing.T) {
	const n, blockRows, windowBlocks = 1000, 16, 5
	var held []int32
	for i := int32(3); i < n; i += 7 {
		held = append(held, i)
	}
	for _, held := range [][]int32{nil, held} {
		l := newLoader(t, counting(n, 1, 1), LoaderOptions{Batch: 8, Seed: 4, Shuffle: true, Windows: true, Held: held, Scaling: PixelScaling(Range{0, 1})})
		var orders [3][]int32
		for i, epoch := range []int{0, 0, 1} {
			for piece := range l.windows(epoch, 0, blockRows, windowBlocks) {
				blocks := map[int32]bool{}
				for _, row := range piece {
					blocks[row/blockRows] = true
				}
				if len(blocks) > windowBlocks || slices.IsSorted(piece) {
					t.Errorf("a window of %d blocks, in order: %t", len(blocks), slices.IsSorted(piece))
				}
				orders[i] = append(orders[i], piece...)
			}
		}
		if !slices.Equal(orders[0], orders[1]) || slices.Equal(orders[0], orders[2]) {
			t.Error("an epoch has two orders, or two have one")
		}
		for behind := 0; behind <= l.Rows(); behind += 61 {
			var rest []int32
			for piece := range l.windows(1, behind, blockRows, windowBlocks) {
				rest = append(rest, piece...)
			}
			if !slices.Equal(rest, orders[2][behind:]) {
				t.Errorf("behind %d rows another order", behind)
			}
		}
		got := slices.Clone(orders[2])
		if slices.Sort(got); !slices.Equal(got, l.split.Rows()) || len(got) != l.Rows() {
			t.Errorf("%d rows, want each of %d once", len(got), l.Rows())
		}
	}
}

func TestFeed(t *testing.T) {
	for _, c := range []struct{ piece, take int }{{1, 1}, {3, 4}, {4, 3}, {10, 10}, {7, 100}, {100, 7}} {
		t.Run(fmt.Sprintf("pieces of %d by %d", c.piece, c.take), func(t *testing.T) {
			want := Split{N: 50}.Rows()
			f := NewFeed(slices.Chunk(slices.Clone(want), c.piece))
			defer f.Close()
			var got []int32
			for rows := f.Take(c.take); len(rows) > 0; rows = f.Take(c.take) {
				if len(rows) != min(c.take, len(want)-len(got)) {
					t.Fatalf("%d rows after %d", len(rows), len(got))
				}
				got = append(got, rows...)
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v", got)
			}
		})
	}
}
