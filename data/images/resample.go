package images

import "math"

// taps are the pixels that one pixel of a row is made of.
type taps struct {
	from    int
	weights []float32 // sum to 1; all but the first and last are alike
}

// axis are the taps of n pixels that divide what lies between lo and hi among
// size pixels. Where pixels become fewer each is the average of what it covers,
// where they become more it is interpolated between its neighbours.
func axis(lo, hi float64, n, size int) []taps {
	all := make([]taps, n)
	step := (hi - lo) / float64(n)
	for i := range all {
		a := lo + step*float64(i)
		if step >= 1 {
			all[i] = area(a, lo+step*float64(i+1), size)
		} else {
			all[i] = between(a+step/2-0.5, size)
		}
	}
	return all
}

// area weights pixels by how much of them lies between a and b.
func area(a, b float64, size int) taps {
	const nothing = 1e-6 // of a pixel: an error of rounding
	from := min(max(0, int(math.Floor(a+nothing))), size-1)
	to := min(max(from+1, int(math.Ceil(b-nothing))), size)
	t := taps{from: from}
	sum := 0.0
	for i := from; i < to; i++ {
		sum += overlap(a, b, i)
	}
	if sum <= 0 { // beyond the end: the last pixel
		return taps{from: from, weights: []float32{1}}
	}
	for i := from; i < to; i++ {
		t.weights = append(t.weights, float32(overlap(a, b, i)/sum))
	}
	return t
}

// overlap is how much of pixel i lies between a and b.
func overlap(a, b float64, i int) float64 {
	return max(0, min(b, float64(i+1))-max(a, float64(i)))
}

// between weights the two pixels whose centres are around a place.
func between(at float64, size int) taps {
	at = min(max(0, at), float64(size-1))
	from := int(at)
	if part := float32(at - float64(from)); part > 0 {
		return taps{from, []float32{1 - part, part}}
	}
	return taps{from, []float32{1}}
}

// Products are converted to float32 where sums follow: some processors would
// else round once for both, and rows would depend on the machine.

// pixels are n values a pixel, a row at a time. A row is valid until the next.
type pixels struct {
	n   int
	row func(y int) []byte
}

// resample makes of pixels those of other axes, (len(y), len(x), n), in out,
// whose lines are summed up in line.
func (p pixels) resample(x, y []taps, out, line []float32) {
	width := len(x) * p.n
	clear(out)
	last := y[len(y)-1]
	first := 0 // whose taps are not over
	for at := y[0].from; at < last.from+len(last.weights); at++ {
		for y[first].from+len(y[first].weights) <= at {
			first++
		}
		if y[first].from > at {
			continue
		}
		if p.n == 1 {
			across1(line[:width], p.row(at), x)
		} else {
			across3(line[:width], p.row(at), x)
		}
		for i := first; i < len(y) && y[i].from <= at; i++ {
			if at < y[i].from+len(y[i].weights) {
				add(out[i*width:(i+1)*width], line[:width], y[i].weights[at-y[i].from])
			}
		}
	}
}

func add(sum, line []float32, weight float32) {
	for i, v := range line[:len(sum)] {
		sum[i] += float32(weight * v)
	}
}

// across1 makes a line of a row of one value a pixel. Pixels of the same weight
// are summed as whole numbers, several times as fast as products.
func across1(line []float32, row []byte, x []taps) {
	for i := range line {
		w := x[i].weights
		p := row[x[i].from:][:len(w)]
		v := float32(w[0] * float32(p[0]))
		if end := len(w) - 1; end > 0 {
			v += float32(w[end] * float32(p[end]))
			if end > 1 {
				sum := uint32(0)
				for _, b := range p[1:end] {
					sum += uint32(b)
				}
				v += float32(w[1] * float32(sum))
			}
		}
		line[i] = v
	}
}

// across3 does so of three values a pixel.
func across3(line []float32, row []byte, x []taps) {
	for i := range x {
		w := x[i].weights
		end := len(w) - 1
		p := row[3*x[i].from:][:3*(end+1)]
		r, g, b := float32(w[0]*float32(p[0])), float32(w[0]*float32(p[1])), float32(w[0]*float32(p[2]))
		if end > 0 {
			last := p[3*end:]
			r, g, b = r+float32(w[end]*float32(last[0])), g+float32(w[end]*float32(last[1])), b+float32(w[end]*float32(last[2]))
		}
		if end > 1 {
			var sr, sg, sb uint32
			for q := p[3 : 3*end]; len(q) >= 3; q = q[3:] {
				sr, sg, sb = sr+uint32(q[0]), sg+uint32(q[1]), sb+uint32(q[2])
			}
			r, g, b = r+float32(w[1]*float32(sr)), g+float32(w[1]*float32(sg)), b+float32(w[1]*float32(sb))
		}
		line[3*i], line[3*i+1], line[3*i+2] = r, g, b
	}
}
