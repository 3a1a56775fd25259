package kernels

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"aegis/cuda/driver"
)

// device has families of kernels loaded. The simulator faults on reads of
// memory that was never written, on races and on accesses out of bounds.
type device struct {
	testing.TB
	driver.Context
	stream  driver.Stream
	modules map[Family]driver.Module
	buffers []*buffer
}

// open loads families.
func open(t testing.TB, families ...Family) *device {
	t.Helper()
	c := newContext(t)
	d := &device{TB: t, Context: c, modules: make(map[Family]driver.Module)}
	var err error
	if d.stream, err = c.NewStream(); err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		ptx, err := PTX(f)
		if err != nil {
			t.Fatal(err)
		}
		if d.modules[f], err = c.LoadModule(ptx); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// run launches in order, waits, and checks that no guard band was touched.
func (d *device) run(launches []Launch, err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
	for _, l := range launches {
		if n := l.Block.X * l.Block.Y * l.Block.Z; n > 256 || l.Shared > 48<<10 {
			d.Fatalf("%s: %d threads, %d bytes of shared memory", l.Kernel, n, l.Shared)
		}
		f, err := d.Function(d.modules[l.Family], l.Kernel)
		if err != nil {
			d.Fatal(err)
		}
		if err := d.Launch(f, driver.LaunchConfig{Grid: l.Grid, Block: l.Block, Shared: l.Shared, Stream: d.stream}, l.Args...); err != nil {
			d.Fatalf("%s: %v", l.Kernel, err)
		}
	}
	if err := d.SyncStream(d.stream); err != nil {
		d.Fatal(err)
	}
	for _, b := range d.buffers {
		b.checkGuards()
	}
}

// free frees the buffers of a case.
func (d *device) free() {
	d.Helper()
	for _, b := range d.buffers {
		if err := d.Free(b.base); err != nil {
			d.Fatal(err)
		}
	}
	d.buffers = nil
}

// guard is the floats before and behind each buffer; untouched is what stands
// there and in results before a kernel writes them.
const (
	guard     = 64
	untouched = 0x7fc0beef
)

// buffer is floats in device memory between guard bands.
type buffer struct {
	d    *device
	base driver.DevicePtr
	ptr  driver.DevicePtr
	n    int
	lead int // floats in front
}

// buffer allocates n floats, not written yet. A shift of 1 to 3 floats spoils
// the alignment.
func (d *device) buffer(n, shift int) *buffer {
	d.Helper()
	b := &buffer{d: d, n: n, lead: guard + shift}
	var err error
	if b.base, err = d.Alloc(int64(4 * (b.lead + n + guard))); err != nil {
		d.Fatal(err)
	}
	b.ptr = b.base + driver.DevicePtr(4*b.lead)
	b.fill(b.base, b.lead)
	b.fill(b.ptr+driver.DevicePtr(4*n), guard)
	d.buffers = append(d.buffers, b)
	return b
}

func (b *buffer) fill(at driver.DevicePtr, n int) {
	b.d.Helper()
	words := make([]uint32, n)
	for i := range words {
		words[i] = untouched
	}
	upload(b.d, at, words)
}

// in returns a buffer of n floats that starts with values; the rest stays
// unwritten, and the simulator faults if a kernel reads it.
func (d *device) in(values []float32, n, shift int) *buffer {
	d.Helper()
	b := d.buffer(n, shift)
	if len(values) > 0 {
		upload(d, b.ptr, values)
	}
	return b
}

// out returns a buffer of n untouched floats.
func (d *device) out(n, shift int) *buffer {
	d.Helper()
	b := d.buffer(n, shift)
	b.fill(b.ptr, n)
	return b
}

// step returns a step block.
func (d *device) step(n, index, batch, number int) driver.DevicePtr {
	d.Helper()
	b := d.buffer(4, 0)
	block := StepBlock(uint32(n), uint32(index), uint32(batch), uint32(number))
	upload(d, b.ptr, block[:])
	return b.ptr
}

func upload[T any](d *device, at driver.DevicePtr, values []T) {
	d.Helper()
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, values); err != nil {
		d.Fatal(err)
	}
	if err := d.CopyToDevice(at, b.Bytes()); err != nil {
		d.Fatal(err)
	}
}

func download(d *device, at driver.DevicePtr, n int) []float32 {
	d.Helper()
	raw := make([]byte, 4*n)
	if err := d.CopyToHost(raw, at); err != nil {
		d.Fatal(err)
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return v
}

func (b *buffer) read() []float32 {
	b.d.Helper()
	return download(b.d, b.ptr, b.n)
}

func (b *buffer) checkGuards() {
	b.d.Helper()
	both := append(download(b.d, b.base, b.lead), download(b.d, b.ptr+driver.DevicePtr(4*b.n), guard)...)
	for i, v := range both {
		if math.Float32bits(v) != untouched {
			b.d.Fatalf("guard %d of a buffer of %d floats was overwritten", i, b.n)
		}
	}
}

// tolerance is for float32 against float64: sums of up to some thousand terms
// of order 1, and functions within some units in the last place.
const tolerance = 2e-5

// check wants the first values of a result to be close, and those behind
// untouched.
func (b *buffer) check(name string, want []float64) {
	b.d.Helper()
	got := b.read()
	for i, w := range want {
		g := float64(got[i])
		if math.IsNaN(w) && math.IsNaN(g) && math.Float32bits(got[i]) != untouched || g == w {
			continue
		}
		if !(math.Abs(g-w) <= tolerance*(1+math.Abs(w))) {
			b.d.Fatalf("%s: value %d = %v (%#x), want %v", name, i, g, math.Float32bits(got[i]), w)
		}
	}
	b.checkUntouched(name, len(want))
}

// checkUntouched wants everything from a value on to be as it was.
func (b *buffer) checkUntouched(name string, from int) {
	b.d.Helper()
	for i, v := range b.read()[from:] {
		if math.Float32bits(v) != untouched {
			b.d.Fatalf("%s: value %d of %d = %v was written", name, from+i, b.n, v)
		}
	}
}

// checkBits wants the very bits.
func (b *buffer) checkBits(name string, want []float32) {
	b.d.Helper()
	got := b.read()
	for i, w := range want {
		if math.Float32bits(got[i]) != math.Float32bits(w) && !(w != w && got[i] != got[i]) { // NaNs have many bits
			b.d.Fatalf("%s: value %d = %v, want exactly %v", name, i, got[i], w)
		}
	}
	b.checkUntouched(name, len(want))
}

// random returns n numbers in [-1,1), the same ones for the same seed.
func random(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	v := make([]float32, n)
	for i := range v {
		v[i] = 2*r.Float32() - 1
	}
	return v
}

// spread scales numbers.
func spread(v []float32, factor float32) []float32 {
	for i := range v {
		v[i] *= factor
	}
	return v
}

// kernelNames are the kernels of each family.
var kernelNames = map[Family][]string{
	Gemm:        {"gemm_nt_128", "gemm_nt_64", "gemm_nt_32", "gemm_nn_128", "gemm_nn_64", "gemm_nn_32", "gemm_tn_128", "gemm_tn_64", "gemm_tn_32"},
	Conv:        {"conv_64", "conv_32", "conv_narrow", "conv_transpose_64", "conv_transpose_32", "conv_transpose_narrow", "conv_dw_32"},
	Elementwise: {"activate", "slope", "add", "mul", "lerp", "scale", "copy", "collect", "loss"},
	Optim:       {"update", "partials_update"},
	Gather:      {"advance", "gather_rows", "gather_scaled"},
	Inputs:      {"fetch", "one_hot", "noise", "mixture", "drop"},
	Reduce:      {"channel_sums", "channel_mean"},
	Variational: {"kl_grad", "kl_means", "free_bits", "free_bits_grad", "gaussian", "concat", "columns"},
	Regular:     {"clamp", "clamp_grad", "top_k", "channel_mean_grad", "rate_kl", "rate_kl_grad", "decay"},
	Clip:        {"squares", "clip_factor"},
	BatchNorms:  {"moments", "batch_norm", "batch_norm_sums", "batch_norm_dx"},
}

func TestPTXHasEveryKernel(t *testing.T) {
	for _, f := range Families() {
		ptx, err := PTX(f)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(ptx), ".visible .entry"); n != len(kernelNames[f]) {
			t.Errorf("%s: %d kernels, want %d", f, n, len(kernelNames[f]))
		}
		for _, k := range kernelNames[f] {
			if !strings.Contains(string(ptx), fmt.Sprintf(".entry %s(", k)) {
				t.Errorf("%s: no kernel %s", f, k)
			}
		}
	}
	if _, err := PTX("fft"); err == nil {
		t.Error("PTX of a family that does not exist")
	}
}
