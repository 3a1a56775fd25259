package explorer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"aegis/data"
	"aegis/data/philox"
	"aegis/internal/analysis"
	"aegis/model"
)

// axes are the first two principal components of the codes.
type axes struct {
	Mean       []float64    `json:"mean"`       // (Z)
	Components [2][]float64 `json:"components"` // (Z) each
	Shares     [2]float64   `json:"shares"`     // of the whole variance
}

// addRows reads rows, and has the model encode and score them.
func (p *page) addRows(ctx context.Context, g Given) error {
	if got, image := g.Rows.Shape(), g.Spec.Image; got != (data.Shape{C: image[0], H: image[1], W: image[2]}) {
		return fmt.Errorf("rows of %v; want such as the model reads: %v", got, data.Shape{C: image[0], H: image[1], W: image[2]})
	}
	s, numbers, of, err := sample(ctx, g.Rows, g.Points, g.Seed)
	if err != nil {
		return err
	}
	p.N, p.Of, p.Bytes = s.N, of, s.IsBytes()
	labels := g.Spec.Reads(s.Labels)
	codes, err := g.Model.Encode(ctx, s.Rows, labels...)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(codes, func(v float32) bool { return v-v != 0 }); i >= 0 {
		return fmt.Errorf("the code of row %d is not finite; want a model that was trained to an end", numbers[i/p.Latent])
	}
	if err := p.addCodes(ctx, codes); err != nil {
		return err
	}
	losses, err := g.Model.Score(ctx, s.Rows, labels...)
	if err != nil {
		return err
	}
	p.add("losses", doubleBytes(losses), 8)
	if g.Detector != nil {
		scores, err := g.Detector.Scores(ctx, g.Model, s.Rows, labels...)
		if err != nil {
			return err
		}
		p.add("scores", doubleBytes(scores), 8)
	}
	names := g.Classes
	if names == nil {
		names = data.ClassNames(g.Rows)
	}
	p.addSet(g.Spec, s, numbers, names)
	return nil
}

// addSet adds rows with their classes, and their numbers where they are a part of
// Of rows.
func (p *page) addSet(spec model.Spec, s data.Set, numbers []int, classes []string) {
	if s.Labels != nil {
		p.addClasses(spec, s.Labels, classes)
	}
	if p.Of > s.N {
		p.add("numbers", numberBytes(numbers), 4)
	}
	p.addValues(s.Rows)
	p.Conditional = spec.Condition != ""
}

// addValues adds the rows as they are, and of vectors each column's range.
func (p *page) addValues(rows data.Rows) {
	if rows.IsBytes() {
		p.add("rows", rows.Bytes[:rows.N*rows.Size()], 1)
	} else {
		p.add("rows", floatBytes(rows.Floats[:rows.N*rows.Size()]), 4)
	}
	if !rows.IsVector() {
		return
	}
	width := rows.Size()
	p.Least, p.Greatest = slices.Repeat([]float64{math.Inf(1)}, width), slices.Repeat([]float64{math.Inf(-1)}, width)
	for i := range rows.N {
		for j := range width {
			v := 0.0
			if rows.IsBytes() {
				v = float64(rows.ByteRow(i)[j])
			} else {
				v = float64(rows.FloatRow(i)[j])
			}
			p.Least[j], p.Greatest[j] = min(p.Least[j], v), max(p.Greatest[j], v)
		}
	}
}

// addClasses names the labels.
func (p *page) addClasses(spec model.Spec, labels []byte, names []string) {
	p.add("labels", labels, 1)
	if names == nil {
		names = spec.Form.Classes
	}
	n := max(spec.Classes, int(slices.Max(labels))+1)
	for i := range n {
		if i < len(names) {
			p.Classes = append(p.Classes, names[i])
		} else {
			p.Classes = append(p.Classes, strconv.Itoa(i))
		}
	}
}

// addCodes adds the codes in 16 bits, of which the map is drawn: the page
// computes a code anew before it decodes it.
func (p *page) addCodes(ctx context.Context, codes []float32) error {
	z := p.Latent
	p.CodeLeast, p.CodeGreatest = rangesOf(codes, z)
	steps := make([]byte, 0, 2*len(codes))
	for i, v := range codes {
		step, lo, span := 0.0, float64(p.CodeLeast[i%z]), float64(p.CodeGreatest[i%z])-float64(p.CodeLeast[i%z])
		if span > 0 {
			step = math.Round((float64(v) - lo) / span * math.MaxUint16)
		}
		steps = append(steps, byte(uint16(step)), byte(uint16(step)>>8))
	}
	p.add("codes", steps, 2)
	var err error
	p.Axes, err = axesOf(ctx, codes, z)
	return err
}

// rangesOf are the least and the greatest of each value of codes.
func rangesOf(codes []float32, z int) (least, greatest []float32) {
	least, greatest = slices.Clone(codes[:z]), slices.Clone(codes[:z])
	for i, v := range codes {
		least[i%z], greatest[i%z] = min(least[i%z], v), max(greatest[i%z], v)
	}
	return least, greatest
}

// axesOf finds the components; what has no variance has the code's own axes.
func axesOf(ctx context.Context, codes []float32, z int) (axes, error) {
	a := axes{Mean: make([]float64, z)}
	for k := range min(2, z) {
		a.Components[k] = make([]float64, z)
		a.Components[k][k] = 1
	}
	n := len(codes) / z
	if z < 2 || n < 2 {
		return a, nil
	}
	m := analysis.Matrix{Rows: n, Cols: z, Values: codes}
	found, err := analysis.FitPCA(ctx, m.Blocks(256), z, 2)
	if err != nil {
		return a, err
	}
	a.Mean = found.Mean
	for k := range 2 {
		a.Components[k] = found.Components[k*z:][:z]
		if found.Total > 0 {
			a.Shares[k] = found.Variances[k] / found.Total
		}
	}
	return a, nil
}

// sample draws rows under a seed, every one as likely as every other, in their
// order, with their numbers, and says how many there were (Vitter's algorithm R).
func sample(ctx context.Context, r data.Reader, most int, seed uint64) (data.Set, []int, int, error) {
	s := data.Set{Rows: data.Rows{Shape: r.Shape()}}
	if room := maxRowBytes / max(1, r.Shape().Size()); most > room {
		return s, nil, 0, fmt.Errorf("%d rows of %v are too much for a page; want at most %d points", most, r.Shape(), room)
	}
	var numbers []int
	draw := philox.Stream{Seed: seed, Purpose: philox.For("explorer")}
	seen := 0
	for {
		if err := ctx.Err(); err != nil {
			return s, nil, 0, err
		}
		c, err := r.Next(256)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s, nil, 0, err
		}
		for i := range c.N {
			at := s.N
			if at == most {
				word := uint64(draw.Uint32(0, uint32(uint64(seen)>>32), uint32(seen)))
				at = int(word * uint64(seen+1) >> 32)
			} else {
				numbers = append(numbers, 0)
			}
			if at < most {
				put(&s, at, c.Set, i)
				numbers[at] = seen
			}
			seen++
		}
	}
	if s.N == 0 {
		return s, nil, 0, errors.New("no rows; want at least one")
	}
	sorted, numbers := inOrder(s, numbers)
	return sorted, numbers, seen, nil
}

// put writes row i of a set at a place, which is behind the last or of one before.
func put(s *data.Set, place int, from data.Set, i int) {
	one := from.Slice(i, i+1)
	if place == s.N {
		s.Bytes, s.Floats, s.Labels = append(s.Bytes, one.Bytes...), append(s.Floats, one.Floats...), append(s.Labels, one.Labels...)
		s.N++
		return
	}
	p := s.Size()
	copy(s.Bytes[min(len(s.Bytes), place*p):], one.Bytes)
	copy(s.Floats[min(len(s.Floats), place*p):], one.Floats)
	copy(s.Labels[min(len(s.Labels), place):], one.Labels)
}

// inOrder sorts rows by their numbers.
func inOrder(s data.Set, numbers []int) (data.Set, []int) {
	if slices.IsSorted(numbers) {
		return s, numbers
	}
	order := make([]int, s.N)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return numbers[a] - numbers[b] })
	out, sorted := data.Set{Rows: data.Rows{Shape: s.Shape}}, make([]int, 0, s.N)
	for _, i := range order {
		put(&out, out.N, s, i)
		sorted = append(sorted, numbers[i])
	}
	return out, sorted
}
