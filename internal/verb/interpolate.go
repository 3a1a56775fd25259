package verb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"aegis"
	"aegis/data"
	"aegis/internal/cli"
)

// mostDrawn is how many images a picture shows.
const mostDrawn = 1024

// interpolate writes the ways between pairs of rows, a line of a sheet each.
func (g *generating) interpolate(ctx context.Context, o opened, done *generated) error {
	if n := len(g.pairs) * g.steps; g.isSheet(o.model) && n > mostDrawn {
		return cli.Usage(fmt.Errorf("%d images are more than a sheet shows, %d: want fewer --steps, or a folder or .npy as --out", n, mostDrawn))
	}
	if spec := o.model.Spec(); g.class != "" && spec.Condition == "" {
		return cli.Usage(fmt.Errorf("--class %s, but %s reads no labels: the way is between the rows that are named", g.class, spec.Model))
	}
	ends, err := g.ends(ctx, o)
	if err != nil {
		return err
	}
	values, codes, err := o.model.Interpolate(ctx, ends[0], ends[1], g.steps)
	if err != nil {
		return err
	}
	way := "straight lines"
	if o.model.Spec().NormalPrior() {
		way = "spherical ways, since they are held to N(0, 1)"
	}
	done.Of, done.Rows, done.Lines = way+" between codes", len(g.pairs)*g.steps, len(g.pairs)
	g.say("codes lie on %s", way)
	s := aegis.Sheet{Columns: g.steps, LineCaptions: g.pairs}
	if err := g.sheetOr(ctx, o.model, values, s); err != nil {
		return err
	}
	return g.writeCodes(o.model, codes)
}

// plane writes a grid over codes of two values.
func (g *generating) plane(ctx context.Context, o opened, done *generated) error {
	spec := o.model.Spec()
	if spec.Latent != 2 {
		return cli.Usage(fmt.Errorf("--grid wants codes of 2 dimensions; those of %s have %d", spec.Model, spec.Latent))
	}
	if n := g.grid * g.grid; g.isSheet(o.model) && n > mostDrawn {
		return cli.Usage(fmt.Errorf("%d images are more than a sheet shows, %d: want a smaller --grid, or a folder or .npy as --out", n, mostDrawn))
	}
	if spec.Condition != "" && g.class == "" {
		return cli.Usage(errors.New("the model reads labels: --class names the class of the grid"))
	}
	from, err := g.source(ctx, o, done)
	if err != nil {
		return err
	}
	grid, err := o.model.Grid(ctx, g.grid, from)
	if err != nil {
		return err
	}
	switch {
	case from.Codes != nil:
		done.Of = fmt.Sprintf("the range of the codes of %d rows", from.Codes.Rows)
	case spec.NormalPrior():
		done.Of = "the quantiles of " + done.Of
	}
	done.Rows, done.Lines = g.grid*g.grid, g.grid
	g.say("the grid lies over %s", done.Of)
	s := aegis.Sheet{Columns: g.grid}
	for at, x := range grid.X {
		s.ColumnCaptions = append(s.ColumnCaptions, axisNumber(x))
		s.LineCaptions = append(s.LineCaptions, axisNumber(grid.Y[len(grid.Y)-1-at]))
	}
	if err := g.sheetOr(ctx, o.model, grid.Rows, s); err != nil {
		return err
	}
	return g.writeCodes(o.model, grid.Codes)
}

// axisNumber is a place on an axis, with the minus of pictures.
func axisNumber(v float32) string { return strings.Replace(fmt.Sprintf("%.2f", v), "-", "−", 1) }

// sheetOr draws a sheet of lines where a picture is asked for, else it writes
// the rows as any.
func (g *generating) sheetOr(ctx context.Context, m *aegis.Model, values []float32, s aegis.Sheet) error {
	if !g.isSheet(m) {
		n := len(values) / m.Size()
		return g.rowsFlags.write(ctx, &g.use, m, n, func(put sink) error { return put(rebuilt{n: n, values: values}) })
	}
	pixels, err := m.Bytes(values)
	if err != nil {
		return err
	}
	return g.process.WriteFile(g.out, func(w io.Writer) error { return m.WriteSheet(w, pixels, s) })
}

// ends reads the rows of all pairs: the first of each, and the second.
func (g *generating) ends(ctx context.Context, o opened) (ends [2]data.Set, err error) {
	var names [2][]string
	var wanted []int
	for _, pair := range g.pairs {
		a, b, two := strings.Cut(pair, ",")
		if !two || a == "" || b == "" || strings.Contains(b, ",") {
			return ends, cli.Usage(fmt.Errorf("--interpolate %s: want two rows A,B", pair))
		}
		for side, name := range []string{a, b} {
			names[side] = append(names[side], name)
			if n, ok := rowNumber(name); ok {
				wanted = append(wanted, n)
			}
		}
	}
	numbered, err := g.numbered(ctx, o, wanted)
	if err != nil {
		return ends, err
	}
	for side := range names {
		for _, name := range names[side] {
			var row data.Set
			if n, ok := rowNumber(name); ok {
				row = numbered[n]
			} else if row, err = g.firstOf(ctx, o.model, name); err != nil {
				return ends, err
			}
			if o.model.Spec().Condition != "" && g.class != "" {
				label, err := knownClass(o.model, g.class)
				if err != nil {
					return ends, err
				}
				row.Labels = []byte{label}
			}
			if ends[side], err = joined(ends[side], row); err != nil {
				return ends, err
			}
		}
	}
	return ends, nil
}

// rowNumber reads the number of a row.
func rowNumber(name string) (int, bool) {
	n, err := strconv.ParseUint(name, 10, 31)
	return int(n), err == nil
}

// numbered reads rows by their numbers in the data that the verb reads.
func (g *generating) numbered(ctx context.Context, o opened, wanted []int) (map[int]data.Set, error) {
	found := make(map[int]data.Set)
	if len(wanted) == 0 {
		return found, nil
	}
	rows, err := g.open(ctx, o.run, o.model)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // they were read only
	last, at := 0, 0
	for _, n := range wanted {
		last = max(last, n)
	}
	for at <= last {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, err := rows.Next(min(last+1-at, max(1, someValues/rows.Shape().Size())))
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("row %d of %d, counted from 0; want 0 to %d", last, at, at-1)
		}
		if err != nil {
			return nil, err
		}
		for _, n := range wanted {
			if n >= at && n < at+c.N {
				found[n] = cloned(c.Slice(n-at, n-at+1))
			}
		}
		at += c.N
	}
	return found, nil
}

// firstOf reads the first row of a file.
func (g *generating) firstOf(ctx context.Context, m *aegis.Model, name string) (data.Set, error) {
	rows, err := m.OpenRows(ctx, name, g.rowOptions())
	if err != nil {
		return data.Set{}, err
	}
	defer func() { _ = rows.Close() }() // they were read only
	c, _, err := peek(rows, 1)
	if err != nil {
		return data.Set{}, fmt.Errorf("%s: %w", name, err)
	}
	return cloned(c.Slice(0, 1)), nil
}

// cloned is a set of its own memory.
func cloned(s data.Set) data.Set {
	var c data.Set
	c, _ = joined(c, s) // nothing that it could not go with
	return c
}

// joined is a set with the rows of another behind its own.
func joined(s, more data.Set) (data.Set, error) {
	if s.N == 0 {
		s.Shape = more.Shape
	}
	if s.N > 0 && s.IsBytes() != more.IsBytes() { // one of a file of numbers
		return s, errors.New("rows of bytes and of numbers; want both ends of one kind")
	}
	s.N += more.N
	s.Bytes, s.Floats = append(s.Bytes, more.Bytes...), append(s.Floats, more.Floats...)
	s.Labels = append(s.Labels, more.Labels...)
	return s, nil
}
