package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"aegis/data/philox"
)

// What is drawn here.
const step, row = 1 << 31, 77

var (
	stream = philox.Stream{Seed: 0x123456789abcdef, Purpose: philox.For("test")}
	drawn  = NewDraw(stream, step, row)
)

// TestWords holds what is drawn side by side to the counters one by one.
func TestWords(t *testing.T) {
	var first [Lanes]uint32
	for i := range first {
		first[i] = uint32(i*i*i) - 3
	}
	key := [2]uint32{uint32(stream.Seed), uint32(stream.Seed >> 32)}
	for _, s := range Sets() {
		for turns := range 5 {
			for _, stride := range []uint32{1, 16} {
				const guard = 0xabcdef
				got := slices.Repeat([]uint32{guard}, 64*turns+1)
				s.Words(got, &first, turns, stride, &drawn)
				for i, v := range got[:64*turns] {
					lane, word, turn := i%16, i/16%4, i/64
					want := philox.Block(key, [4]uint32{first[lane] + uint32(turn)*stride, row, step, uint32(stream.Purpose)})[word]
					if v != want {
						t.Fatalf("%s: turn %d, word %d, lane %d is %#x, want %#x", s.Name, turn, word, lane, v, want)
					}
				}
				if got[64*turns] != guard {
					t.Errorf("%s: wrote beyond %d turns", s.Name, turns)
				}
			}
		}
	}
}

// TestBelow has limits that words are just at.
func TestBelow(t *testing.T) {
	const turns, stride = 3, 5
	first := make([]uint32, Lanes)
	for i := range first {
		first[i] = uint32(i * 1000)
	}
	words := make([]uint32, 64*turns)
	wordsGeneric(words, first, turns, stride, drawn[:])
	for _, s := range Sets() {
		for _, limit := range append(words[:70:70], 0, 1, 1<<31-1, 1<<31, 1<<31+1, math.MaxUint32) {
			const guard = 0xa5 // behind the bits
			want := make([]byte, 8*turns+1)
			want[8*turns] = guard
			for i, word := range words {
				if word < limit {
					want[i/8] |= 1 << (i % 8)
				}
			}
			got := slices.Repeat([]byte{guard}, 8*turns+1)
			s.below(got[:8*turns], first, turns, stride, drawn[:], limit)
			if !slices.Equal(got, want) {
				t.Errorf("%s: words below %#x: got %x, want %x", s.Name, limit, got, want)
			}
		}
	}
}

// TestBits holds bits to Bernoulli noise, in the order of an image with channels
// last too.
func TestBits(t *testing.T) {
	for _, s := range Sets() {
		for _, c := range []struct{ channels, area int }{
			{1, 1}, {1, 63}, {1, 64}, {1, 129}, {1, 784}, {3, 1}, {16, 196}, {32, 49}, {5, 7}, {33, 6}, {17, 35}, {64, 2},
		} {
			for _, chance := range []float64{0x1p-24, 0.25, 0.8, 1 - 0x1p-24} {
				n := c.channels * c.area
				want := make([]float32, n)
				stream.Bernoullis(want, step, row, chance)
				bits, space := make([]byte, BitBytes(n)), make([]byte, BitSpace(n, c.channels))
				for i := range bits {
					bits[i] = 0xff // of an earlier row
				}
				if c.channels == 1 {
					s.Bits(bits, n, &drawn, philox.Threshold(chance), space)
				} else {
					s.ImageBits(bits, c.channels, c.area, &drawn, philox.Threshold(chance), space)
				}
				for i, v := range want {
					at := i%c.area*c.channels + i/c.area
					if got := bits[at/8] >> (at % 8) & 1; float32(got) != v {
						t.Fatalf("%s: %+v, chance %v: bit %d is %d, want %v", s.Name, c, chance, i, got, v)
					}
				}
			}
		}
	}
}

// TestNoise holds rows of numbers to package philox, to the bit, where no denormal
// is made.
func TestNoise(t *testing.T) {
	var space NoiseSpace
	for _, s := range Sets() {
		for _, n := range []int{0, 1, 2, 3, 5, 63, 64, 65, 784, 20001} {
			got, want := newBuffer(n, 1), make([]float32, n)
			for name, draw := range map[string][2]func(){
				"normals":    {func() { s.Normals(got.data, &drawn, &space) }, func() { stream.Normals(want, step, row) }},
				"uniforms":   {func() { s.Uniforms(got.data, &drawn, &space) }, func() { stream.Uniforms(want, step, row) }},
				"bernoullis": {func() { s.Bernoullis(got.data, &drawn, 1<<22, &space) }, func() { stream.Bernoullis(want, step, row, 0.25) }},
			} {
				draw[0]()
				draw[1]()
				for i, v := range got.data {
					if math.Float32bits(v) != math.Float32bits(want[i]) {
						t.Fatalf("%s: %s: value %d of %d is %v, want %v", s.Name, name, i, n, v, want[i])
					}
				}
				got.check(t, name)
			}
		}
	}
}

// TestPairs takes the ends of what two words can be.
func TestPairs(t *testing.T) {
	ends := []uint32{0, 0xff, 0x100, 1 << 29, 1<<29 - 1, 1 << 30, 3 << 29, 1 << 31, 5 << 29, 7 << 29, math.MaxUint32, 0xb504f300, 0xb504f400}
	var a, b []uint32
	for _, x := range ends {
		for _, y := range ends {
			a, b = append(a, x), append(b, y)
		}
	}
	for _, s := range Sets() {
		first, second := make([]float32, len(a)), make([]float32, len(a))
		s.normals(first, second, a, b)
		for i := range a {
			x, y := philox.Pair(a[i], b[i])
			if math.Float32bits(x) != math.Float32bits(first[i]) || math.Float32bits(y) != math.Float32bits(second[i]) {
				t.Errorf("%s: %#x, %#x give %v, %v; want %v, %v", s.Name, a[i], b[i], first[i], second[i], x, y)
			}
		}
	}
}

// TestDrop covers every length and the end of every slice.
func TestDrop(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, s := range Sets() {
		for n := range 70 {
			t.Run(fmt.Sprintf("%s/%d", s.Name, n), func(t *testing.T) {
				src, bits := make([]float32, n), make([]byte, (n+7)/8+1)
				fill(src, wide32, r)
				for i := range bits {
					bits[i] = byte(r.Uint32())
				}
				got := newBuffer(n, 1)
				s.Drop(got.data, src, bits, 1.25)
				for i, v := range src {
					factor := float32(0)
					if bits[i/8]>>(i%8)&1 == 1 {
						factor = 1.25
					}
					if got.data[i] != v*factor {
						t.Errorf("value %d is %v, want %v", i, got.data[i], v*factor)
					}
				}
				got.check(t, "dst")
			})
		}
	}
}

func BenchmarkBits(b *testing.B) {
	for _, s := range Sets() {
		bits, space := make([]byte, BitBytes(3136)), make([]byte, BitSpace(3136, 16))
		b.Run(s.Name+"/flat", func(b *testing.B) {
			for range b.N {
				s.Bits(bits, 3136, &drawn, 1<<23, space)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/3136, "ns/value")
		})
		b.Run(s.Name+"/image", func(b *testing.B) {
			for range b.N {
				s.ImageBits(bits, 16, 196, &drawn, 1<<23, space)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/3136, "ns/value")
		})
	}
}

func BenchmarkNormals(b *testing.B) {
	var space NoiseSpace
	dst := make([]float32, 784)
	for _, s := range Sets() {
		b.Run(s.Name, func(b *testing.B) {
			for range b.N {
				s.Normals(dst, &drawn, &space)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/784, "ns/value")
		})
	}
}
