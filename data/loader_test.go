package data

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"aegis/data/philox"
)

func newLoader(t testing.TB, m Rows, opt LoaderOptions) *Loader {
	t.Helper()
	l, err := NewLoader(m, opt)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The formula of a pixel, in float64, and its two steps in float32.
func TestDecodeFormula(t *testing.T) {
	src := make([]byte, 256)
	for i := range src {
		src[i] = byte(i)
	}
	for _, r := range []struct{ lo, hi float32 }{
		{lo: 0, hi: 1}, {lo: -1, hi: 1}, {lo: 0, hi: 255}, {lo: -0.4242, hi: 2.8215},
	} {
		dst := make([]float32, len(src))
		Range{r.lo, r.hi}.Decode(dst, src)
		factor := (r.hi - r.lo) / 255
		for v, got := range dst {
			// Processors that fuse the multiplication and the addition round once.
			product := float32(v) * factor
			fused := float32(math.FMA(float64(v), float64(factor), float64(r.lo)))
			if two := float32(product) + r.lo; got != two && got != fused {
				t.Errorf("byte %d in [%g,%g] is %v, want %v", v, r.lo, r.hi, got, two)
			}
			exact := float64(r.lo) + float64(v)/255*(float64(r.hi)-float64(r.lo))
			if tolerance := 3e-7 * float64(max(r.hi, -r.lo)); math.Abs(float64(got)-exact) > tolerance {
				t.Errorf("byte %d in [%g,%g] is %v, want %v within %g", v, r.lo, r.hi, got, exact, tolerance)
			}
		}
	}
}

func TestOrder(t *testing.T) {
	const n, seed = 1000, 42
	l := newLoader(t, counting(n, 1, 1), LoaderOptions{Batch: 7, Seed: seed, Scaling: PixelScaling(Range{0, 1}), Shuffle: true})
	for epoch := range 3 {
		want := make([]int32, n)
		for i := range want {
			want[i] = int32(i)
		}
		philox.Stream{Seed: seed, Purpose: philox.For("shuffle")}.Shuffle(want, uint32(epoch))
		if !slices.Equal(all(l.Order(epoch)), want) {
			t.Errorf("epoch %d: not the shuffle of step %d", epoch, epoch)
		}
	}
	for _, behind := range []int{0, 1, 999, 1000} {
		if !slices.Equal(all(l.OrderBehind(1, behind)), all(l.Order(1))[behind:]) {
			t.Errorf("behind %d rows another order", behind)
		}
	}
	if slices.Equal(all(l.Order(0)), all(l.Order(1))) {
		t.Error("two epochs have one order")
	}
	other := newLoader(t, counting(n, 1, 1), LoaderOptions{Batch: 7, Seed: seed + 1, Scaling: PixelScaling(Range{0, 1}), Shuffle: true})
	if slices.Equal(all(l.Order(0)), all(other.Order(0))) {
		t.Error("two seeds have one order")
	}
	still := newLoader(t, counting(n, 1, 1), LoaderOptions{Batch: 7, Seed: seed, Scaling: PixelScaling(Range{0, 1})})
	for i, row := range all(still.Order(5)) {
		if int(row) != i {
			t.Fatalf("without shuffle, place %d has row %d", i, row)
		}
	}
}

func TestBatches(t *testing.T) {
	cases := []struct{ n, batch, steps int }{
		{n: 1, batch: 1, steps: 1},
		{n: 10, batch: 5, steps: 2},
		{n: 10, batch: 3, steps: 4},
		{n: 10, batch: 10, steps: 1},
		{n: 3, batch: 8, steps: 1},
		{n: 100, batch: 7, steps: 15}, // buffers go round several times
	}
	for _, c := range cases {
		for _, shuffle := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d by %d, shuffle %t", c.n, c.batch, shuffle), func(t *testing.T) {
				l := newLoader(t, counting(c.n, 4, 5), LoaderOptions{Batch: c.batch, Seed: 9, Scaling: PixelScaling(Range{-1, 1}), Shuffle: shuffle})
				if l.Steps() != c.steps {
					t.Fatalf("%d steps, want %d", l.Steps(), c.steps)
				}
				for epoch := range 2 {
					checkEpoch(t, l, epoch, c.n)
				}
			})
		}
	}
}

// checkEpoch compares every value of an epoch with the images and the order.
func checkEpoch(t *testing.T, l *Loader, epoch, n int) {
	t.Helper()
	order, p, batch := all(l.Order(epoch)), l.rows.Size(), l.opt.Batch
	steps, done := 0, 0
	want := make([]float32, p)
	for b, err := range l.Batches(t.Context(), epoch) {
		if err != nil {
			t.Fatal(err)
		}
		if len(b.X) != batch*p || len(b.Weights) != batch || len(b.Rows) != b.N || b.N != min(batch, n-done) {
			t.Fatalf("step %d: %d pixels, %d weights, %d rows, N %d", steps, len(b.X), len(b.Weights), len(b.Rows), b.N)
		}
		if !slices.Equal(b.Rows, order[done:done+b.N]) {
			t.Errorf("step %d: rows %v, want %v", steps, b.Rows, order[done:done+b.N])
		}
		for i := range batch {
			clear(want)
			weight := float32(0)
			if i < b.N {
				l.opt.Scaling.Pixels.Decode(want, l.rows.ByteRow(int(b.Rows[i])))
				weight = 1
			}
			if !slices.Equal(b.X[i*p:(i+1)*p], want) || b.Weights[i] != weight {
				t.Errorf("step %d, place %d: weight %v, want %v; or other pixels", steps, i, b.Weights[i], weight)
			}
		}
		steps, done = steps+1, done+b.N
	}
	if steps != l.Steps() || done != n {
		t.Errorf("%d steps with %d rows, want %d with %d", steps, done, l.Steps(), n)
	}
}

// What a caller writes into a batch must not reach the next ones.
func TestBatchesAreRecycledClean(t *testing.T) {
	l := newLoader(t, counting(29, 2, 2), LoaderOptions{Batch: 4, Scaling: PixelScaling(Range{0, 1})})
	for b, err := range l.Batches(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range b.Rows {
			if got, want := b.X[4*i], float32(l.rows.ByteRow(int(row))[0])*(float32(1)/255); got != want {
				t.Errorf("row %d starts with %v, want %v", row, got, want)
			}
		}
		for i := b.N; i < 4; i++ {
			if b.Weights[i] != 0 || b.X[4*i] != 0 {
				t.Errorf("padding %d: weight %v, pixel %v", i, b.Weights[i], b.X[4*i])
			}
		}
		for i := range b.X {
			b.X[i] = float32(math.NaN())
		}
		for i := range b.Weights {
			b.Weights[i] = 99
		}
	}
}

// settle waits until no more goroutines run than before; a goroutine that has
// closed its channel may need a moment to end.
func settle(t *testing.T, before int) {
	t.Helper()
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestBatchesBreak(t *testing.T) {
	l := newLoader(t, counting(100, 3, 3), LoaderOptions{Batch: 2, Scaling: PixelScaling(Range{0, 1}), Shuffle: true})
	before := runtime.NumGoroutine()
	for stop := range 6 {
		seen := 0
		for _, err := range l.Batches(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			if seen++; seen > stop {
				break
			}
		}
	}
	settle(t, before)
}

func TestBatchesPanic(t *testing.T) {
	l := newLoader(t, counting(100, 3, 3), LoaderOptions{Batch: 2, Scaling: PixelScaling(Range{0, 1})})
	before := runtime.NumGoroutine()
	func() {
		defer func() {
			if recover() != "caller" {
				t.Error("the caller's panic was lost")
			}
		}()
		for range l.Batches(t.Context(), 0) {
			panic("caller")
		}
	}()
	settle(t, before)
}

func TestBatchesCancel(t *testing.T) {
	l := newLoader(t, counting(100, 3, 3), LoaderOptions{Batch: 2, Scaling: PixelScaling(Range{0, 1})})
	before := runtime.NumGoroutine()
	for _, after := range []int{0, 1, 5, 50} { // 50: in the last batch
		ctx, cancel := context.WithCancel(t.Context())
		if after == 0 {
			cancel()
		}
		seen, failures := 0, 0
		for b, err := range l.Batches(ctx, 0) {
			if err != nil {
				if failures++; !errors.Is(err, context.Canceled) || b != nil {
					t.Errorf("cancelled after %d: batch %v, error %v", after, b, err)
				}
				continue
			}
			if seen++; seen == after {
				cancel()
			}
		}
		if seen != after || failures != 1 {
			t.Errorf("cancelled after %d: %d batches and %d errors, want %d and 1", after, seen, failures, after)
		}
		cancel()
	}
	settle(t, before)
}

// Several epochs at once, and one iterator run twice, do not disturb each other.
func TestBatchesTogether(t *testing.T) {
	l := newLoader(t, counting(50, 2, 2), LoaderOptions{Batch: 8, Scaling: PixelScaling(Range{0, 1}), Shuffle: true})
	for epoch := range 4 {
		t.Run(fmt.Sprint(epoch), func(t *testing.T) {
			t.Parallel()
			checkEpoch(t, l, epoch, 50)
		})
	}
	batches := l.Batches(t.Context(), 1)
	for range 2 {
		var rows []int32
		for b, err := range batches {
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, b.Rows...)
		}
		if !slices.Equal(rows, all(l.Order(1))) {
			t.Error("rows in another order")
		}
	}
}

func TestNewLoaderErrors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	cases := []struct {
		name     string
		images   Rows
		opt      LoaderOptions
		fragment string
	}{
		{name: "no images", opt: LoaderOptions{Batch: 1, Scaling: PixelScaling(Range{0, 1})}, fragment: "data: loader: rows: 0 of shape [0]"},
		{name: "no batch", images: counting(2, 2, 2), opt: LoaderOptions{Scaling: PixelScaling(Range{0, 1})}, fragment: "data: loader: batch 0; want at least 1"},
		{name: "negative batch", images: counting(2, 2, 2), opt: LoaderOptions{Batch: -1, Scaling: PixelScaling(Range{0, 1})}, fragment: "batch -1; "},
		{name: "huge batch", images: counting(2, 2, 2), opt: LoaderOptions{Batch: math.MaxInt, Scaling: PixelScaling(Range{0, 1})}, fragment: "want at most 536870911 for rows of 4 values"},
		{name: "no range", images: counting(2, 2, 2), opt: LoaderOptions{Batch: 1, Scaling: PixelScaling(Range{})}, fragment: "pixels in [0,0]; want finite Lo < Hi"},
		{name: "swapped", images: counting(2, 2, 2), opt: LoaderOptions{Batch: 1, Scaling: PixelScaling(Range{1, 0})}, fragment: "pixels in [1,0]; "},
		{name: "NaN", images: counting(2, 2, 2), opt: LoaderOptions{Batch: 1, Scaling: PixelScaling(Range{0, nan})}, fragment: "pixels in [0,NaN]; "},
		{name: "infinite", images: counting(2, 2, 2), opt: LoaderOptions{Batch: 1, Scaling: PixelScaling(Range{-inf, 0})}, fragment: "pixels in [-Inf,0]; "},
		{name: "no scaling", images: counting(2, 2, 2), opt: LoaderOptions{Batch: 1}, fragment: `unknown scaling ""`},
		{name: "overflow", images: counting(2, 2, 2), opt: LoaderOptions{Batch: 1, Scaling: PixelScaling(Range{-math.MaxFloat32, math.MaxFloat32})}, fragment: "want finite Lo < Hi"},
	}
	for _, c := range cases {
		if l, err := NewLoader(c.images, c.opt); err == nil || l != nil || !strings.Contains(err.Error(), c.fragment) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.fragment)
		}
	}
}

// An epoch a turn; bytes are those of the images.
func BenchmarkLoader(b *testing.B) {
	for _, c := range []struct{ n, c, h, w, batch int }{
		{n: 8192, c: 1, h: 28, w: 28, batch: 64},
		{n: 8192, c: 1, h: 28, w: 28, batch: 1024},
		{n: 2048, c: 3, h: 32, w: 32, batch: 128},
	} {
		b.Run(fmt.Sprintf("%dx%dx%d/batch%d", c.c, c.h, c.w, c.batch), func(b *testing.B) {
			m := counting(c.n, c.c*c.h, c.w)
			m.C, m.H = c.c, c.h
			l := newLoader(b, m, LoaderOptions{Batch: c.batch, Scaling: PixelScaling(Range{0, 1}), Shuffle: true})
			b.SetBytes(int64(len(m.Bytes)))
			for b.Loop() {
				for _, err := range l.Batches(b.Context(), 0) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// A loader of some rows gives those and no others, in the order in which a
// loader of as many images would.
func TestLoaderRows(t *testing.T) {
	images, rows, held := counting(10, 1, 2), []int32{1, 4, 5, 9}, []int32{0, 2, 3, 6, 7, 8}
	whole, err := NewLoader(images.Slice(0, len(rows)), LoaderOptions{Batch: 3, Seed: 3, Scaling: PixelScaling(Range{0, 1}), Shuffle: true})
	if err != nil {
		t.Fatal(err)
	}
	some, err := NewLoader(images, LoaderOptions{Batch: 3, Seed: 3, Scaling: PixelScaling(Range{0, 255}), Shuffle: true, Held: held})
	if err != nil {
		t.Fatal(err)
	}
	if some.Steps() != 2 {
		t.Errorf("%d steps, want 2", some.Steps())
	}
	order := all(some.Order(1))
	for i, at := range all(whole.Order(1)) {
		if order[i] != rows[at] {
			t.Errorf("order %v, want the rows %v in the order %v", order, rows, all(whole.Order(1)))
		}
	}
	for b, err := range some.Batches(context.Background(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range b.Rows {
			if b.X[2*i] != float32(images.ByteRow(int(row))[0]) {
				t.Errorf("row %d is %v", row, b.X[2*i:2*i+2])
			}
		}
	}
	for _, bad := range [][]int32{{10}, {-1}, {3, 3}, {4, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}} {
		if _, err := NewLoader(images, LoaderOptions{Batch: 1, Scaling: PixelScaling(Range{0, 1}), Held: bad}); err == nil || !strings.Contains(err.Error(), "held out") {
			t.Errorf("rows %v held out: error %v", bad, err)
		}
	}
}

// all joins the pieces of an order.
func all(order iter.Seq[[]int32]) (rows []int32) {
	for piece := range order {
		rows = append(rows, piece...)
	}
	return rows
}
