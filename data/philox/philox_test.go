package philox

import (
	"math"
	"slices"
	"testing"
)

// Known answers of the authors' Random123 library, kat_vectors, philox4x32 10.
func TestBlockKnownAnswers(t *testing.T) {
	cases := []struct {
		name      string
		key       [2]uint32
		ctr, want [4]uint32
	}{
		{
			name: "zeros",
			want: [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
		},
		{
			name: "ones",
			key:  [2]uint32{0xffffffff, 0xffffffff},
			ctr:  [4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
			want: [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
		},
		{
			name: "pi",
			key:  [2]uint32{0xa4093822, 0x299f31d0},
			ctr:  [4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
			want: [4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := Block(c.key, c.ctr); got != c.want {
				t.Errorf("Block(%x, %x) = %x, want %x", c.key, c.ctr, got, c.want)
			}
		})
	}
}

func TestForIsFNV1a(t *testing.T) {
	for name, want := range map[string]Purpose{"": 0x811c9dc5, "a": 0xe40c292c, "foobar": 0xbf9cf968} {
		if got := For(name); got != want {
			t.Errorf("For(%q) = %#x, want %#x", name, got, want)
		}
	}
}

func TestUniform(t *testing.T) {
	s := Stream{Seed: 1<<40 + 7, Purpose: For("test")}
	const bound = 0.25
	got := make([]float32, 100_003)
	s.Uniform(got, bound)
	var mean, square float64
	for i, v := range got {
		if v < -bound || v >= bound {
			t.Fatalf("number %d = %v, outside [-%v, %v)", i, v, bound, bound)
		}
		if want := (2*s.Float32(0, 0, uint32(i)) - 1) * bound; v != want {
			t.Fatalf("number %d = %v, but Float32 says %v", i, v, want)
		}
		mean += float64(v)
		square += float64(v) * float64(v)
	}
	n := float64(len(got))
	if mean /= n; math.Abs(mean) > 0.002 {
		t.Errorf("mean %v, want 0", mean)
	}
	if v := square / n; math.Abs(v-bound*bound/3) > 0.001 {
		t.Errorf("variance %v, want %v", v, bound*bound/3.0)
	}
}

func TestShuffle(t *testing.T) {
	identity := func() []int32 {
		rows := make([]int32, 1000)
		for i := range rows {
			rows[i] = int32(i)
		}
		return rows
	}
	s := Stream{Seed: 3, Purpose: For("shuffle")}
	a, again, b := identity(), identity(), identity()
	s.Shuffle(a, 0)
	s.Shuffle(again, 0)
	s.Shuffle(b, 1)
	if !slices.Equal(a, again) {
		t.Error("the same step gave another order")
	}
	if slices.Equal(a, b) || slices.Equal(a, identity()) {
		t.Error("two steps gave the same order, or rows stayed in place")
	}
	slices.Sort(a)
	if !slices.Equal(a, identity()) {
		t.Error("not a permutation")
	}
}
