package reportpage

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"math"
	"slices"

	"aegis/data"
	"aegis/internal/detect"
)

// Cards are some rows with what the model makes of them.
type Cards struct {
	ID, Heading, Text string
	Images            bool
	Cards             []Card
}

// Card is one row.
type Card struct {
	Name                  string
	Facts                 []Fact
	Row, Rebuilt, Differs template.URL // of images
	Alt                   string
	Columns               Table // of vectors
}

const (
	cards       = 12 // the strangest, and the best
	columnsOnce = 8  // of a row
)

// strange adds the strangest rows and the best.
func (j *judging) strange(ctx context.Context) error {
	order, by := j.ranked(), "loss"
	if j.scores != nil {
		by = "score of the detector"
	}
	images := j.model.Spec().Image[0] > 0
	n := min(cards, len(order))
	few := min(n, len(order)-n)
	best := slices.Clone(order[len(order)-few:])
	slices.Reverse(best)
	for _, s := range []struct {
		id, heading, end string
		rows             []int
	}{{"strangest", "The strangest rows", "highest", order[:n]}, {"best", "The best rows", "lowest", best}} {
		if len(s.rows) == 0 {
			continue
		}
		c := Cards{ID: s.id, Heading: s.heading, Text: fmt.Sprintf("The %d rows of the %s %s, of %s.", len(s.rows), s.end, by, j.rows.words()), Images: images}
		if images {
			c.Text += " Each is shown as it is, as the model rebuilds it, and where the two differ: the brighter, the more."
		}
		var err error
		if c.Cards, err = j.cards(ctx, s.rows); err != nil {
			return err
		}
		j.page.Strange = append(j.page.Strange, c)
	}
	return nil
}

// cards are some of the rows.
func (j *judging) cards(ctx context.Context, at []int) ([]Card, error) {
	rows := data.Set{Rows: data.Rows{Shape: j.rows.Shape}}
	for _, i := range at {
		one := j.rows.Slice(i, i+1)
		rows.Bytes, rows.Floats, rows.Labels = append(rows.Bytes, one.Bytes...), append(rows.Floats, one.Floats...), append(rows.Labels, one.Labels...)
		rows.N++
	}
	labels := j.model.Spec().Reads(rows.Labels)
	values, err := j.model.Values(rows.Rows)
	if err != nil {
		return nil, err
	}
	rebuilt, err := j.model.Rebuild(ctx, values, labels...)
	if err != nil {
		return nil, err
	}
	all := make([]Card, rows.N)
	for i, row := range at {
		all[i].Name, all[i].Facts = j.nameOf(row)
	}
	if j.model.Spec().Image[0] > 0 {
		return all, j.images(all, values, rebuilt)
	}
	var found []detect.Finding
	if j.scores != nil {
		if found, err = j.detector.Detect(ctx, j.model, rows.Rows, labels...); err != nil {
			return nil, err
		}
	}
	p := rows.Size()
	undone := slices.Clone(rebuilt)
	j.model.Scaling().Undo(undone)
	for i := range all {
		v := vector{values[i*p:][:p], rebuilt[i*p:][:p], undone[i*p:][:p], rows.Rows.Slice(i, i+1)}
		if found != nil && len(found[i].Columns) > 0 {
			all[i].Columns = j.reasons(found[i], func(r detect.Reason) string { return j.column(r.Column) })
		} else {
			all[i].Columns = j.columns(v)
		}
	}
	return all, nil
}

// nameOf is what a row is called, and what is known of it.
func (j *judging) nameOf(row int) (string, []Fact) {
	name := fmt.Sprintf("Row %d", j.rows.Numbers[row])
	facts := []Fact{{"loss", short(j.losses[row])}}
	if j.scores != nil {
		facts = append(facts, Fact{"score", short(j.scores[row])})
	}
	if j.rows.Names != nil {
		facts = append(facts, Fact{"file", j.rows.Names[row]})
	}
	if j.rows.Labels != nil {
		facts = append(facts, Fact{"class", j.model.Spec().Form.ClassName(j.rows.Labels[row])})
	}
	return name, facts
}

// images draws the images of cards.
func (j *judging) images(all []Card, values, rebuilt []float32) error {
	spec := j.model.Spec()
	c, h, w := spec.Image[0], spec.Image[1], spec.Image[2]
	lo, hi := j.model.Pixels()
	if hi <= lo { // values of no range, such as standardised ones: what there is
		lo, hi = slices.Min(values), slices.Max(values)
	}
	span := math.Max(float64(hi-lo), 1e-30)
	size := c * h * w
	for i := range all {
		at, by := values[i*size:][:size], rebuilt[i*size:][:size]
		for _, p := range []struct {
			to   *template.URL
			from func(k int) float64
		}{
			{&all[i].Row, func(k int) float64 { return float64(at[k]-lo) / span }},
			{&all[i].Rebuilt, func(k int) float64 { return float64(by[k]-lo) / span }},
			{&all[i].Differs, func(k int) float64 { return math.Abs(float64(at[k]-by[k])) / span }},
		} {
			pixels := make([]byte, size)
			for k := range pixels {
				pixels[k] = byte(math.Round(255 * min(max(p.from(k), 0), 1)))
			}
			var err error
			if *p.to, err = picture(pixels, c, h, w); err != nil {
				return err
			}
		}
		all[i].Alt = all[i].Name
	}
	return nil
}

// vector is a row as the network reads it, what it makes of it, that in the units
// of rows, and the row itself.
type vector struct {
	values, rebuilt, undone []float32
	row                     data.Rows
}

// columns are those of the largest errors.
func (j *judging) columns(v vector) Table {
	t := Table{Caption: "Columns of the largest errors", Words: 1, Head: []string{"Column", "Value", "Rebuilt", "Error, scaled"}}
	order := make([]int, len(v.values))
	for i := range order {
		order[i] = i
	}
	off := func(i int) float64 { return math.Abs(float64(v.values[i]) - float64(v.rebuilt[i])) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(off(b), off(a)) })
	for _, i := range order[:min(columnsOnce, len(order))] {
		value := 0.0
		if v.row.IsBytes() {
			value = float64(v.row.Bytes[i])
		} else {
			value = float64(v.row.Floats[i])
		}
		t.Rows = append(t.Rows, []string{j.column(i), short(value), short(float64(v.undone[i])), short(float64(v.rebuilt[i]) - float64(v.values[i]))})
	}
	return t
}

// reasons are the columns that made a row strange.
func (j *judging) reasons(f detect.Finding, name func(detect.Reason) string) Table {
	t := Table{Caption: "Columns that made it strange, and their shares of the score", Words: 1, Head: []string{"Column", "Value", "Expected", "Share"}}
	for _, r := range f.Columns {
		t.Rows = append(t.Rows, []string{name(r), short(r.Value), short(r.Expected), fmt.Sprintf("%.0f %%", 100*r.Share)})
	}
	return t
}

// column is what a value of a row is called.
func (j *judging) column(i int) string {
	form := j.model.Spec().Form
	if t := form.Table; t != nil && t.Window > 0 {
		names := t.Columns()
		return fmt.Sprintf("%s, line %d of %d", names[i%len(names)], i/len(names)+1, t.Window)
	}
	if i < len(form.Columns) {
		return form.Columns[i]
	}
	if t := form.Table; t != nil {
		if names := t.Columns(); i < len(names) {
			return names[i]
		}
	}
	return fmt.Sprintf("value %d", i)
}
