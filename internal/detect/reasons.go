package detect

import (
	"cmp"
	"context"
	"slices"

	"aegis/data"
	"aegis/internal/infer"
)

// A strange value spoils the code, and with it what is rebuilt of other values:
// the largest error need not be the strange value's. So values are tried: one is
// taken for unknown, by putting what the model rebuilds in its place some times
// over, and the strange one is that without which the others are rebuilt best.
const (
	tried   = 6 // values of a row, those of the largest errors
	fillIns = 3 // times that an unknown value is rebuilt
)

// Which value is strange does not hang on what float32 rounds: tries are rebuilt on
// the model's device.

// unknown is a row some of whose values are unknown.
type unknown struct {
	row     []float32 // (P)
	leftOut []bool    // (P)
	label   []byte    // one, or none
}

// explain names the columns of a batch's strange rows.
func (d *Detector) explain(ctx context.Context, m *infer.Model, b *batch, found []Finding) error {
	p := b.rows.Size()
	some := max(1, batchValues/(tried*p)) // rows at once
	var strange []int
	for i, f := range found {
		if d.explained(f.Score) {
			strange = append(strange, i)
		}
	}
	for part := range slices.Chunk(strange, some) {
		if err := d.explainSome(ctx, m, b, part, found); err != nil {
			return err
		}
	}
	return nil
}

func (d *Detector) explainSome(ctx context.Context, m *infer.Model, b *batch, strange []int, found []Finding) error {
	p := b.rows.Size()
	rows := make([]unknown, len(strange))
	rests := make([]float64, len(strange)) // what is left of the energy
	rebuilt := make([]float32, 0, len(strange)*p)
	for i, row := range strange {
		rows[i] = unknown{row: b.values[row*p:][:p], leftOut: make([]bool, p)}
		if len(b.labels) > 0 {
			rows[i].label = b.labels[row : row+1]
		}
		rebuilt = append(rebuilt, floats(b.exact[row*p:][:p])...)
		rests[i] = found[row].Score * float64(p)
	}
	normal := d.Calibration.quantile(normalShare)
	open := make([]int, len(strange)) // rows that have more columns to name
	for i := range open {
		open[i] = i
	}
	for range min(maxReasons, p) {
		tries, owners, columns := d.tries(rows, open, rebuilt)
		outs, err := fillIn(ctx, m, tries)
		if err != nil {
			return err
		}
		best, energies := d.best(tries, owners, outs)
		next := open[:0:0]
		for _, i := range open {
			t, f := best[i], &found[strange[i]]
			share := max(0, rests[i]-energies[t]) / max(f.Score*float64(p), 1e-300)
			f.Columns = append(f.Columns, Reason{Column: columns[t], Share: share})
			rows[i].leftOut = tries[t].leftOut
			copy(rebuilt[i*p:][:p], outs[t*p:][:p])
			rests[i] = energies[t]
			if left := p - len(f.Columns); left > 0 && energies[t]/float64(left) > normal {
				next = append(next, i)
			}
		}
		if open = next; len(open) == 0 {
			break
		}
	}
	for i, row := range strange {
		d.describe(m, b, row, rebuilt[i*p:][:p], &found[row])
	}
	return nil
}

// tries are the rows that are open, each with one value more unknown: whose
// they are, and which value.
func (d *Detector) tries(rows []unknown, open []int, rebuilt []float32) (tries []unknown, owners, columns []int) {
	for _, i := range open {
		u := rows[i]
		p := len(u.row)
		for _, j := range d.largest(u, rebuilt[i*p:][:p]) {
			more := slices.Clone(u.leftOut)
			more[j] = true
			tries = append(tries, unknown{u.row, more, u.label})
			owners, columns = append(owners, i), append(columns, j)
		}
	}
	return tries, owners, columns
}

// largest are the values of the largest errors among those that are known.
func (d *Detector) largest(u unknown, rebuilt []float32) []int {
	type value struct {
		column int
		square float64
	}
	var top []value
	for j, v := range u.row {
		if u.leftOut[j] {
			continue
		}
		e := d.deviation(j, v, float64(rebuilt[j]))
		if len(top) == tried && e*e <= top[tried-1].square {
			continue
		}
		at, _ := slices.BinarySearchFunc(top, e*e, func(t value, square float64) int {
			if t.square >= square { // of equals the first stays first
				return -1
			}
			return 1
		})
		top = slices.Insert(top, at, value{j, e * e})
		top = top[:min(len(top), tried)]
	}
	columns := make([]int, len(top))
	for i, t := range top {
		columns[i] = t.column
	}
	return columns
}

// best is the try of each row that leaves least, and what each try leaves.
func (d *Detector) best(tries []unknown, owners []int, outs []float32) (best map[int]int, energies []float64) {
	best, energies = map[int]int{}, make([]float64, len(tries))
	for t, u := range tries {
		p := len(u.row)
		energies[t] = energy(d, u.row, outs[t*p:][:p], u.leftOut)
		if b, ok := best[owners[t]]; !ok || energies[t] < energies[b] {
			best[owners[t]] = t
		}
	}
	return best, energies
}

// fillIn rebuilds rows (n,P) with what was rebuilt in the place of what is
// unknown.
func fillIn(ctx context.Context, m *infer.Model, rows []unknown) ([]float32, error) {
	var values []float32
	var labels []byte
	for _, u := range rows {
		values, labels = append(values, u.row...), append(labels, u.label...)
	}
	for round := 0; ; round++ {
		out, err := m.Rebuild(ctx, values, labels...)
		if err != nil || round == fillIns {
			return out, err
		}
		for i, u := range rows {
			at := i * len(u.row)
			for j, unknown := range u.leftOut {
				if unknown {
					values[at+j] = out[at+j]
				}
			}
		}
	}
}

// describe writes values and names of the columns that were found, the greatest
// share first.
func (d *Detector) describe(m *infer.Model, b *batch, row int, rebuilt []float32, f *Finding) {
	expected := slices.Clone(rebuilt)
	m.Scaling().Undo(expected)
	names := columnNames(m)
	for i := range f.Columns {
		r := &f.Columns[i]
		r.Value, r.Expected = valueOf(b.rows, row, r.Column), float64(expected[r.Column])
		if names != nil {
			r.Name = names[r.Column]
		}
	}
	slices.SortStableFunc(f.Columns, func(a, b Reason) int { return cmp.Compare(b.Share, a.Share) })
	most := f.Columns[0].Share
	f.Columns = slices.DeleteFunc(f.Columns, func(r Reason) bool { return r.Share < leastShare*most })
}

// floats rounds values.
func floats(values []float64) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(v)
	}
	return out
}

func valueOf(rows data.Rows, i, j int) float64 {
	if rows.IsBytes() {
		return float64(rows.ByteRow(i)[j])
	}
	return float64(rows.FloatRow(i)[j])
}

// columnNames are those of a row's values, nil where they have none.
func columnNames(m *infer.Model) []string {
	form := m.Spec().Form
	if form.Columns != nil || form.Table == nil {
		return form.Columns
	}
	var names []string
	for range max(1, form.Table.Window) {
		names = append(names, form.Table.Columns()...)
	}
	return names
}
