package ptxsim_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"aegis/cuda/driver"
	"aegis/cuda/internal/ptxsim"
	"aegis/data/philox"
)

// near fails where got is further than tol from want, relative to 1+|want|.
func near(t *testing.T, what string, got []float32, want []float64, tol float64) {
	t.Helper()
	for i := range want {
		if e := math.Abs(float64(got[i])-want[i]) / (1 + math.Abs(want[i])); !(e <= tol) {
			t.Fatalf("%s: element %d: want %g, got %g", what, i, want[i], got[i])
		}
	}
}

// product is A (m,k) . B (k,n).
func product(a, b []float32, m, n, k int) []float64 {
	c := make([]float64, m*n)
	for i := range m {
		for j := range k {
			for o := range n {
				c[i*n+o] += float64(a[i*k+j]) * float64(b[j*n+o])
			}
		}
	}
	return c
}

func TestGEMM(t *testing.T) {
	for _, s := range [][3]int{{64, 64, 16}, {33, 70, 37}, {130, 20, 100}} {
		m, n, k := s[0], s[1], s[2]
		d := open(t, ptxsim.Options{}, "good")
		a, b := wave(m*k, 1), wave(k*n, 1)
		c := d.alloc(m * n)
		d.must(d.queue("gemm", driver.Dim3{X: uint32(n+63) / 64, Y: uint32(m+63) / 64, Z: 1}, driver.Dim3{X: 256, Y: 1, Z: 1}, 0,
			driver.Ptr(up(d, a)), driver.Ptr(up(d, b)), driver.Ptr(c), driver.Int32(int32(m)), driver.Int32(int32(n)), driver.Int32(int32(k))))
		d.must(d.Synchronize())
		near(t, fmt.Sprint(s), down[float32](d, c, m*n), product(a, b, m, n, k), 1e-5)
	}
}

func TestReductions(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	x := wave(1024, 1)
	want := make([]float64, 4)
	for i, v := range x {
		want[i/256] += float64(v)
	}
	in, out := up(d, x), d.alloc(4)
	d.must(d.run("tree", 4, 256, 1024, driver.Ptr(in), driver.Ptr(out)))
	near(t, "tree", down[float32](d, out, 4), want, 1e-5)

	clear(want)
	for i, v := range x {
		want[i/256%4] += float64(v)
	}
	d.must(d.run("reduce", 4, 256, 0, driver.Ptr(in), driver.Ptr(out), driver.Int32(1024)))
	near(t, "reduce", down[float32](d, out, 4), want, 1e-5)

	ticket := up(d, []uint32{0})
	part := up(d, make([]float32, 32))
	d.must(d.run("lastblock", 32, 32, 0, driver.Ptr(in), driver.Ptr(part), driver.Ptr(ticket), driver.Ptr(out)))
	near(t, "lastblock", down[float32](d, out, 1), []float64{want[0] + want[1] + want[2] + want[3]}, 1e-5)
}

func TestWarpSwap(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	x := wave(32, 1)
	out := d.alloc(32)
	d.must(d.run("warpswap", 1, 32, 0, driver.Ptr(up(d, x)), driver.Ptr(out)))
	for i, v := range down[float32](d, out, 32) {
		if want := x[31-(i^1)] + 1; v != want {
			t.Errorf("lane %d: want %g, got %g", i, want, v)
		}
	}
}

func TestPhilox(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	const n, seed = 100, 0x123456789abcdef
	out := d.alloc(4 * n)
	d.must(d.run("philox", 2, 64, 0, driver.Ptr(out), driver.Int32(n), driver.Uint64(seed)))
	got := down[uint32](d, out, 4*n)
	for i := range uint32(n) {
		if want := philoxBlock([4]uint32{i}, seed); !slices.Equal(got[4*i:4*i+4], want[:]) {
			t.Fatalf("counter %d: want %x, got %x", i, want, got[4*i:4*i+4])
		}
	}
}

func TestAtomics(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	const n = 500
	count, sum, maxi, big := up(d, []int32{0}), up(d, []float32{0}), up(d, []uint32{0}), up(d, []uint64{0})
	x := make([]float32, n)
	for i := range x {
		x[i] = 0.5
	}
	d.must(d.run("atomics", 4, 128, 0, driver.Ptr(count), driver.Ptr(sum), driver.Ptr(maxi), driver.Ptr(big), driver.Ptr(up(d, x)), driver.Int32(n)))
	if c, s, m, b := down[int32](d, count, 1)[0], down[float32](d, sum, 1)[0], down[uint32](d, maxi, 1)[0], down[uint64](d, big, 1)[0]; c != n || s != n/2 || m != n-1 || b != n {
		t.Errorf("want %d %d %d %d, got %d %g %d %d", n, n/2, n-1, n, c, s, m, b)
	}
}

func TestAsyncCopy(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	const tiles = 5
	x := wave(512*tiles, 1)
	out := d.alloc(512 * tiles)
	d.must(d.run("async", 1, 128, 0, driver.Ptr(up(d, x)), driver.Ptr(out), driver.Int32(tiles)))
	for i, v := range down[float32](d, out, 512*tiles) {
		if want := x[i] + x[i/512*512+511-i%512]; v != want {
			t.Fatalf("element %d: want %g, got %g", i, want, v)
		}
	}
}

func TestMatrix(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	for _, tt := range []struct {
		kernel string
		k      int
		tol    float64
	}{{kernel: "mmatf32", k: 8, tol: 2e-3}, {kernel: "mmabf16", k: 16, tol: 2e-2}} {
		a, b, c := wave(16*tt.k, 1), wave(tt.k*8, 1), d.alloc(128)
		d.must(d.run(tt.kernel, 1, 32, 0, driver.Ptr(up(d, a)), driver.Ptr(up(d, b)), driver.Ptr(c)))
		near(t, tt.kernel, down[float32](d, c, 128), product(a, b, 16, 8, tt.k), tt.tol)
	}
}

func TestBytes(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	const n = 100
	in := make([]uint8, n)
	for i := range in {
		in[i] = uint8(7 * i)
	}
	f, out := d.alloc(n), d.alloc(n)
	d.must(d.run("bytes", 4, 32, 0, driver.Ptr(up(d, in)), driver.Ptr(f), driver.Ptr(out), driver.Int32(n)))
	fs, bs := down[float32](d, f, n), down[uint8](d, out, n)
	for i, v := range in {
		if fs[i] != float32(v)/255 || bs[i] != 255-v {
			t.Fatalf("byte %d: got %g and %d", v, fs[i], bs[i])
		}
	}
}

func TestDivergence(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	out := d.alloc(32)
	d.must(d.run("diverge", 1, 32, 0, driver.Ptr(out)))
	for i, v := range down[int32](d, out, 32) {
		s := 0
		for k := range i {
			if k%3 == 0 {
				s += k
			} else if k%5 == 0 {
				continue
			} else {
				s--
			}
			if s > 100 {
				break
			}
		}
		if want := int32(s*1000 + 32); v != want {
			t.Errorf("lane %d: want %d, got %d", i, want, v)
		}
	}
}

func TestCall(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	out := d.alloc(32)
	d.must(d.run("call", 1, 32, 0, driver.Ptr(out), driver.Int32(3)))
	for i, v := range down[float32](d, out, 32) {
		x := float32(i & 7)
		if want := x*x + x + 1 + float32(int(1)<<(i&3)) + 3; v != want {
			t.Errorf("thread %d: want %g, got %g", i, want, v)
		}
	}
}

func TestNamedBarriers(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	x, out := wave(128, 1), d.alloc(128)
	d.must(d.run("named", 1, 128, 0, driver.Ptr(up(d, x)), driver.Ptr(out)))
	for i, v := range down[float32](d, out, 128) {
		if want := x[i%64^63]; v != want {
			t.Errorf("thread %d: want %g, got %g", i, want, v)
		}
	}
}

func TestVotes(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	out := d.alloc(96)
	d.must(d.run("votes", 1, 96, 0, driver.Ptr(out)))
	for i, v := range down[int32](d, out, 96) {
		want := int32(32 + 10000 + 100000)
		if i < 32 {
			want += 1000000
		}
		if i < 64 {
			want += 10000000
		}
		if v != want {
			t.Errorf("thread %d: want %d, got %d", i, want, v)
		}
	}
}

// philoxBlock is the package's own generator.
func philoxBlock(counter [4]uint32, seed uint64) [4]uint32 {
	return philox.Block([2]uint32{uint32(seed), uint32(seed >> 32)}, counter)
}

// TestWorkersChangeNothing runs one product on one and on several workers.
func TestWorkersChangeNothing(t *testing.T) {
	var first []float32
	for _, workers := range []int{1, 4} {
		d := open(t, ptxsim.Options{Workers: workers}, "good")
		const m, n, k = 256, 128, 64
		c := d.alloc(m * n)
		d.must(d.queue("gemm", driver.Dim3{X: 2, Y: 4, Z: 1}, driver.Dim3{X: 256, Y: 1, Z: 1}, 0,
			driver.Ptr(up(d, wave(m*k, 1))), driver.Ptr(up(d, wave(k*n, 1))), driver.Ptr(c), driver.Int32(m), driver.Int32(n), driver.Int32(k)))
		d.must(d.Synchronize())
		got := down[float32](d, c, m*n)
		if first == nil {
			first = got
		} else if !slices.Equal(first, got) {
			t.Error("the number of workers changes the result")
		}
	}
}
