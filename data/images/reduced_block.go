package images

import (
	"math"
	"sync"
)

// zigzag is the place of a coefficient, by rows, in the order of a file.
var zigzag = func() (z [64]int) {
	y, x := 0, 0
	for i := range z {
		z[i] = 8*y + x
		up := (x+y)%2 == 0
		switch {
		case up && x == 7, !up && y < 7 && x == 0:
			y++
		case up && y == 0, !up && y == 7:
			x++
		case up:
			y, x = y-1, x+1
		default:
			y, x = y+1, x-1
		}
	}
	return z
}()

// reducedBlock makes n×n means of 8×8 pixels. The mean of a cosine over
// neighbours is a cosine on the coarser grid, of which there are n: several of
// the 64 coefficients fall onto each of n×n.
type reducedBlock struct {
	n      int
	cell   *[64]uint8 // of a coefficient, by the order of the file
	weight [64]float32
	sums   [16]float32
}

// folds are the cells and weights of coefficients for n×n means, by n.
var folds = func() (all [5]func() *folded) {
	for _, n := range []int{1, 2, 4} {
		all[n] = sync.OnceValue(func() *folded { return newFolded(n) })
	}
	return all
}()

type folded struct {
	cell   [64]uint8
	weight [64]float32
}

// newFolded folds both axes.
func newFolded(n int) *folded {
	var f folded
	for i, at := range zigzag {
		y, wy := fold(n, at/8)
		x, wx := fold(n, at%8)
		f.cell[i], f.weight[i] = uint8(n*y+x), float32(wy*wx)
	}
	return &f
}

// fold says which of n cosines number k of 8 becomes, and what it weighs.
func fold(n, k int) (at int, weight float64) {
	if k == 0 {
		return 0, math.Sqrt(0.125)
	}
	cos := math.Cos(float64(k) * math.Pi / 16)
	switch {
	case n == 4 && k < 4:
		return k, cos / 2
	case n == 4 && k > 4:
		return 8 - k, -cos / 2
	case n == 2 && k%2 == 1:
		sum := 0.0
		for x := range 4 {
			sum += math.Cos(float64((2*x+1)*k) * math.Pi / 16)
		}
		return 1, sum / 8
	}
	return 0, 0 // its means are 0
}

// newReducedBlock makes blocks of coefficients in such steps.
func newReducedBlock(n int, steps *[64]uint16) *reducedBlock {
	f := folds[n]()
	b := &reducedBlock{n: n, cell: &f.cell}
	for i, w := range f.weight {
		b.weight[i] = w * float32(steps[i])
	}
	return b
}

// decode reads the coefficients of a block.
func (b *reducedBlock) decode(bits *bitReader, c *component) bool {
	const most = 11 // bits of a difference
	size, ok := c.dc.symbol(bits)
	if !ok || size > most {
		return false
	}
	diff, ok := bits.signed(uint(size))
	if !ok {
		return false
	}
	c.last += diff
	clear(b.sums[:b.n*b.n])
	b.sums[0] = float32(c.last) * b.weight[0]
	for i := 1; i < 64; i++ {
		run, v, ok := c.ac.coefficient(bits)
		if !ok {
			return false
		}
		if v == 0 && run < 15 { // the rest is 0
			return run == 0
		}
		if i += run; i > 63 {
			return false
		}
		b.sums[b.cell[i]&15] += float32(float32(v) * b.weight[i])
	}
	return true
}

// put writes the means of a block.
func (b *reducedBlock) put(to []byte, stride int) {
	const middle = 128
	s := &b.sums
	switch b.n {
	case 1:
		to[0] = toByte(s[0] + middle)
	case 2:
		top, bottom := [2]float32{s[0] + s[2], s[1] + s[3]}, [2]float32{s[0] - s[2], s[1] - s[3]}
		to[0], to[1] = toByte(top[0]+top[1]+middle), toByte(top[0]-top[1]+middle)
		to[stride], to[stride+1] = toByte(bottom[0]+bottom[1]+middle), toByte(bottom[0]-bottom[1]+middle)
	default:
		for x := range 4 {
			s[x], s[4+x], s[8+x], s[12+x] = four(s[x], s[4+x], s[8+x], s[12+x])
		}
		for y := range 4 {
			line := to[y*stride:][:4]
			v0, v1, v2, v3 := four(s[4*y], s[4*y+1], s[4*y+2], s[4*y+3])
			line[0], line[1], line[2], line[3] = toByte(v0+middle), toByte(v1+middle), toByte(v2+middle), toByte(v3+middle)
		}
	}
}

// four sums four cosines.
func four(c0, c1, c2, c3 float32) (v0, v1, v2, v3 float32) {
	const (
		root = math.Sqrt2 / 2
		one  = 0.92387953251128675613 // cos π/8
		tri  = 0.38268343236508977173 // cos 3π/8
	)
	even := float32(root * c2)
	e0, e1 := c0+even, c0-even
	o0 := float32(one*c1) + float32(tri*c3)
	o1 := float32(tri*c1) - float32(one*c3)
	return e0 + o0, e1 + o1, e1 - o1, e0 - o0
}
