package reportpage

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"aegis/internal/evaluate"
)

// metrics are the table of what was found of the model.
func (j *judging) metrics(found *evaluate.Result) {
	s := Section{ID: "metrics", Heading: "How good the model is", Text: []string{"Judged by " + j.rows.words() + "."}}
	if j.o.Evaluation != nil {
		s.Text = []string{fmt.Sprintf("Of %d rows, as the evaluation that was given found them.", found.Rows)}
	}
	images := found.PSNR != nil
	s.Table = Table{Caption: "Errors of reconstructions", Words: 1, Head: []string{"", "Rows", "MSE", "MAE"}}
	if images {
		s.Table.Head = append(s.Table.Head, "PSNR, dB", "SSIM")
		s.Text = append(s.Text, "Pixels are from 0 to 1.")
	} else {
		s.Text = append(s.Text, "Values are as the network reads them.")
	}
	s.Table.Rows = append(s.Table.Rows, errorsRow("The model", found.Errors))
	z := j.model.Spec().Latent
	if found.PCA != nil {
		s.Table.Rows = append(s.Table.Rows, errorsRow(fmt.Sprintf("%d principal components", z), *found.PCA))
	}
	s.Text = append(s.Text, fmt.Sprintf("%.1f %% of the variance is explained.", 100*found.Variance))
	for _, k := range []struct {
		what  string
		found *evaluate.Known
	}{{"codes", found.Codes}, {"principal components", found.PCACodes}} {
		if k.found != nil {
			s.Text = append(s.Text, fmt.Sprintf("Classes are found by %s: %.2f %% by ten neighbours, %.2f %% by a logistic probe.", k.what, 100*k.found.Neighbours, 100*k.found.Probe))
		}
	}
	if found.LogLikelihood != nil {
		s.Text = append(s.Text, fmt.Sprintf("The log-likelihood of %d rows by %d samples each is %.2f nats.", found.LikelihoodOf, found.Samples, *found.LogLikelihood))
	}
	j.page.Tables = append(j.page.Tables, s)
}

func errorsRow(name string, e evaluate.Errors) []string {
	row := []string{name, strconv.Itoa(e.Rows), fmt.Sprintf("%.5f", e.MSE), fmt.Sprintf("%.5f", e.MAE)}
	if e.PSNR != nil {
		row = append(row, fmt.Sprintf("%.2f", *e.PSNR), fmt.Sprintf("%.4f", *e.SSIM))
	}
	return row
}

// sums are those of a class.
type sums struct {
	rows, strange int
	loss, score   float64
}

// classes is the table of classes, where rows have some.
func (j *judging) classes(found *evaluate.Result) {
	if j.rows.Labels == nil {
		return
	}
	form := j.model.Spec().Form
	var all [256]sums
	for i, label := range j.rows.Labels {
		c := &all[label]
		c.rows++
		c.loss += j.losses[i]
		if j.scores != nil {
			c.score += j.scores[i]
			if j.scores[i] > j.detector.Threshold.Value {
				c.strange++
			}
		}
	}
	t := Table{Caption: "Means over the rows of each class", Words: 1, Head: []string{"Class", "Rows", "Loss"}}
	if j.scores != nil {
		t.Head = append(t.Head, "Score", "Above the threshold")
	}
	judged := make(map[string]evaluate.Class)
	var images, known bool
	for _, c := range found.Classes {
		judged[c.Class] = c
		images, known = images || c.PSNR != nil, known || c.Neighbours != nil
	}
	t.Head = append(t.Head, "MSE", "MAE")
	if images {
		t.Head = append(t.Head, "PSNR, dB", "SSIM")
	}
	if known {
		t.Head = append(t.Head, "Found by ten neighbours")
	}
	for label, c := range all {
		if c.rows == 0 {
			continue
		}
		name := form.ClassName(byte(label))
		row := []string{name, strconv.Itoa(c.rows), short(c.loss / float64(c.rows))}
		if j.scores != nil {
			row = append(row, short(c.score/float64(c.rows)), fmt.Sprintf("%.1f %%", 100*float64(c.strange)/float64(c.rows)))
		}
		t.Rows = append(t.Rows, append(row, judgedCells(judged, name, images, known)...))
	}
	j.page.Tables = append(j.page.Tables, Section{ID: "classes", Heading: "Classes", Table: t})
}

// judgedCells are those of a class that the evaluation has, dashes of others.
func judgedCells(judged map[string]evaluate.Class, name string, images, known bool) []string {
	const none = "–"
	cells := []string{none, none}
	c, ok := judged[name]
	if ok {
		cells = errorsRow(name, c.Errors)[2:]
	}
	if images && len(cells) == 2 {
		cells = append(cells, none, none)
	}
	if !known {
		return cells
	}
	if c.Neighbours == nil {
		return append(cells, none)
	}
	return append(cells, fmt.Sprintf("%.1f %%", 100**c.Neighbours))
}

// Detector is what tells strange rows.
type Detector struct {
	Facts     []Fact
	Histogram *Histogram
}

// Histogram is how many rows have which score. Sizes are those of a drawing.
type Histogram struct {
	Caption, Label      string
	Width, Height, Base float64
	Bars                []Bar
	Ticks               []Tick
	At                  float64 // where the threshold is; below 0: it is not in sight
	Table               Table
}

// Bar is one of its bars.
type Bar struct {
	X, Y, Width, Height float64
	Strange             bool
	Title               string
}

// Tick is a place on an axis.
type Tick struct {
	At   float64
	Text string
}

// describeDetector says what the detector is, and how scores lie.
func (j *judging) describeDetector(ctx context.Context) error {
	d := j.detector
	if d == nil {
		return nil
	}
	of := "rows"
	if d.OfLines {
		of = "lines"
	}
	t := d.Threshold
	how := string(t.How)
	if t.Rate > 0 {
		how = fmt.Sprintf("by a rate of %g %s", t.Rate, map[bool]string{true: "false alarms", false: "anomalies"}[t.How == "false alarms"])
	}
	v := &Detector{Facts: []Fact{
		{"Score", d.Words},
		{"Threshold", fmt.Sprintf("%s, %s", short(t.Value), how)},
		{"Fitted on", fmt.Sprintf("%d %s", d.Calibration.N, of)},
	}}
	if j.page.Detector = v; !d.OfLines {
		v.Facts = append(v.Facts, above(j.scores, t.Value, "rows"))
		v.Histogram = histogram(j.scores, t.Value)
		return nil
	}
	if j.lines == nil {
		v.Facts = append(v.Facts, Fact{"Scores", "are of lines, of which the rows here are windows: rows below are ranked by their loss"})
		return nil
	}
	return j.scoreLines(ctx)
}

// histogram counts scores between equal steps of their logarithms where they are
// above 0, else of themselves.
func histogram(scores []float64, threshold float64) *Histogram {
	const bars, width, height, left, base = 40, 640.0, 220.0, 8.0, 180.0
	low, high := slices.Min(scores), slices.Max(scores)
	logarithmic := low > 0 && high > 20*low
	to, back := func(v float64) float64 { return v }, func(v float64) float64 { return v }
	if logarithmic {
		to, back = math.Log, math.Exp
	}
	from, span := to(low), to(high)-to(low)
	if span <= 0 {
		span = math.Max(math.Abs(from), 1) * 1e-6
	}
	counts := make([]int, bars)
	for _, s := range scores {
		counts[min(bars-1, max(0, int(bars*(to(s)-from)/span)))]++
	}
	most := slices.Max(counts)
	h := &Histogram{Caption: "How many rows have which score", Label: "score", Width: width, Height: height, Base: base, At: -1}
	if logarithmic {
		h.Label += ", on a logarithmic axis"
	}
	inner := width - 2*left
	h.Table = Table{Caption: h.Caption, Words: 0, Head: []string{"Score from", "to", "Rows"}}
	for i, n := range counts {
		a, b := back(from+span*float64(i)/bars), back(from+span*float64(i+1)/bars)
		tall := (base - 10) * float64(n) / float64(most)
		h.Bars = append(h.Bars, Bar{
			X: left + inner*float64(i)/bars, Y: base - tall, Width: inner/bars - 1, Height: tall,
			Strange: a >= threshold, Title: fmt.Sprintf("%s to %s: %d rows", short(a), short(b), n),
		})
		h.Table.Rows = append(h.Table.Rows, []string{short(a), short(b), strconv.Itoa(n)})
	}
	for i := range 5 {
		share := float64(i) / 4
		h.Ticks = append(h.Ticks, Tick{At: left + inner*share, Text: strconv.FormatFloat(back(from+span*share), 'g', 3, 64)})
	}
	if threshold > low && threshold < high || threshold == low {
		h.At = left + inner*(to(threshold)-from)/span
	}
	return h
}

// epochs is the table of what is known of each epoch.
func (r *left) epochs() *Table {
	if len(r.metrics) == 0 {
		return nil
	}
	t := &Table{Caption: "Epochs", Words: 0}
	columns := []struct {
		name string
		text func(i int) string
	}{
		{"Epoch", func(i int) string { return strconv.Itoa(r.metrics[i].Epoch) }},
		{"Training loss", func(i int) string { return short(r.metrics[i].TrainLoss) }},
		{"Validation loss", func(i int) string { return optional(r.metrics[i].ValLoss) }},
		{"Test loss", func(i int) string { return optional(r.metrics[i].TestLoss) }},
		{"Learning rate", func(i int) string { return short(r.metrics[i].LR) }},
		{"Seconds", func(i int) string { return strconv.FormatFloat(r.metrics[i].Seconds, 'f', 2, 64) }},
		{"Best so far", func(i int) string { return map[bool]string{true: "yes"}[r.metrics[i].Best] }},
	}
	for _, c := range columns {
		var cells []string
		for i := range r.metrics {
			cells = append(cells, c.text(i))
		}
		if strings.Join(cells, "") == "" {
			continue
		}
		t.Head = append(t.Head, c.name)
		for i, cell := range cells {
			if len(t.Rows) <= i {
				t.Rows = append(t.Rows, nil)
			}
			t.Rows[i] = append(t.Rows[i], cell)
		}
	}
	return t
}

func optional(v *float64) string {
	if v == nil {
		return ""
	}
	return short(*v)
}
