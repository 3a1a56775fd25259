package detect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"aegis/data"
	"aegis/internal/infer"
)

// isLines says that rows of a shape are lines of a table which a model reads
// several at a time.
func isLines(m *infer.Model, shape data.Shape) bool {
	t := m.Spec().Form.Table
	return t != nil && t.Window > 1 && shape.IsVector() && shape.W*t.Window == m.Spec().Image[2]
}

// windower goes through lines that follow each other by windows, of which only
// the lines that some window still needs lie in memory: windows at the model's
// step, and one that ends with the last line.
type windower struct {
	detector *Detector
	model    *infer.Model
	window   int // lines
	step     int
	columns  int // of a line

	lines []float32 // of first on
	sums  []lineSum // as many
	first int       // number of the first line that is held
	next  int       // number of the line at which the next window begins
	each  func(line int, s *lineSum, values []float32) error
}

// lineSum is what windows said of a line.
type lineSum struct {
	windows  int
	squares  []float64 // of a column's deviations
	expected []float64 // sums of what was rebuilt, as rows have it
}

func (d *Detector) newWindower(m *infer.Model, each func(int, *lineSum, []float32) error) *windower {
	t := m.Spec().Form.Table
	return &windower{
		detector: d, model: m, window: t.Window, step: min(t.Step, t.Window),
		columns: m.Spec().Image[2] / t.Window, each: each,
	}
}

func (w *windower) held() int { return len(w.sums) }

// run goes through all lines.
func (w *windower) run(ctx context.Context, lines data.Reader) error {
	if lines.Shape() != (data.Shape{W: w.columns}) {
		return fmt.Errorf("detect: lines of %v; want %d values, as the model's windows of %d lines have", lines.Shape(), w.columns, w.window)
	}
	some := max(1, batchValues/(w.columns*w.window)) * w.step
	for {
		c, err := lines.Next(some)
		if err == io.EOF {
			return w.end(ctx)
		}
		if err != nil {
			return err
		}
		w.add(c.Rows)
		if err := w.score(ctx, false); err != nil {
			return err
		}
	}
}

// add holds more lines.
func (w *windower) add(s data.Rows) {
	w.lines = appendFloats(w.lines, s)
	for range s.N {
		w.sums = append(w.sums, lineSum{squares: make([]float64, w.columns), expected: make([]float64, w.columns)})
	}
}

// appendFloats appends the values of rows.
func appendFloats(values []float32, rows data.Rows) []float32 {
	for _, v := range rows.Bytes {
		values = append(values, float32(v))
	}
	return append(values, rows.Floats...)
}

// end scores what is left.
func (w *windower) end(ctx context.Context) error {
	all := w.first + w.held()
	if all < w.window {
		return fmt.Errorf("detect: %d lines; want at least %d, which the model reads at once", all, w.window)
	}
	return w.score(ctx, true)
}

// score rebuilds the windows that are whole, and lets go of lines that no later
// one has. At the end the last window ends with the last line.
func (w *windower) score(ctx context.Context, end bool) error {
	var starts []int
	all := w.first + w.held()
	for ; w.next+w.window <= all; w.next += w.step {
		starts = append(starts, w.next)
	}
	if end && w.next-w.step+w.window < all {
		starts = append(starts, all-w.window)
	}
	some := max(1, batchValues/(w.columns*w.window))
	for part := range slices.Chunk(starts, some) {
		if err := w.scoreWindows(ctx, part); err != nil {
			return err
		}
	}
	done := min(w.next, all-w.window) // the last window may begin there
	if end {
		done = all
	}
	return w.leave(max(0, done-w.first))
}

func (w *windower) scoreWindows(ctx context.Context, starts []int) error {
	p := w.window * w.columns
	rows := data.Rows{N: len(starts), Shape: data.Shape{W: p}, Floats: make([]float32, 0, len(starts)*p)}
	for _, start := range starts {
		rows.Floats = append(rows.Floats, w.lines[(start-w.first)*w.columns:][:p]...)
	}
	b, err := rebuild(ctx, w.model, rows, nil)
	if err != nil {
		return err
	}
	undone := floats(b.exact)
	w.model.Scaling().Undo(undone)
	for i, start := range starts {
		for j := range p {
			s := &w.sums[start-w.first+j/w.columns]
			e := w.detector.deviation(j, b.values[i*p+j], b.exact[i*p+j])
			s.squares[j%w.columns] += e * e
			s.expected[j%w.columns] += float64(undone[i*p+j])
			if j%w.columns == 0 {
				s.windows++
			}
		}
	}
	return nil
}

// leave hands on the first n lines, and lets go of them.
func (w *windower) leave(n int) error {
	for i := range n {
		if err := w.each(w.first+i, &w.sums[i], w.lines[i*w.columns:][:w.columns]); err != nil {
			return err
		}
	}
	w.first += n
	w.sums = slices.Delete(w.sums, 0, n)
	w.lines = slices.Delete(w.lines, 0, n*w.columns)
	return nil
}

// score is a line's: the mean of the squared deviations of its own values, over
// the windows that have it.
func (s *lineSum) score(line int) (float64, error) {
	var sum float64
	for _, square := range s.squares {
		sum += square
	}
	score := sum / float64(s.windows*len(s.squares))
	if !finite(score) {
		return 0, fmt.Errorf("detect: line %d has score %v; are its values finite, and near those that the model was trained on?", line, score)
	}
	return score, nil
}

// Lines finds what is strange of the lines of a table, in order, of a model
// that reads windows of them. A line's score is from the errors of its own values
// in the windows that have it; its columns are those of the largest of these. No
// more than a few windows lie in memory.
func (d *Detector) Lines(ctx context.Context, m *infer.Model, lines data.Reader, each func(line int, f Finding) error) error {
	if err := d.Check(m); err != nil {
		return err
	}
	if !d.OfLines {
		return errors.New("detect: lines for a detector of rows; want one that was fitted on lines")
	}
	names := m.Spec().Form.Table.Columns()
	w := d.newWindower(m, func(line int, s *lineSum, values []float32) error {
		score, err := s.score(line)
		if err != nil {
			return err
		}
		f := Finding{Score: score, Anomalous: score > d.Threshold.Value}
		if d.explained(score) {
			f.Columns = d.lineReasons(s, values, names)
		}
		return each(line, f)
	})
	return w.run(ctx, lines)
}

// lineReasons are the columns of a line that have the largest errors: until
// what is left scores like a normal line.
func (d *Detector) lineReasons(s *lineSum, values []float32, names []string) (reasons []Reason) {
	order := make([]int, len(values))
	var sum float64
	for j := range order {
		order[j] = j
		sum += s.squares[j]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.squares[b], s.squares[a]) })
	rest, normal := sum, d.Calibration.quantile(normalShare)*float64(s.windows)
	for i, j := range order[:min(len(order), maxReasons)] {
		reasons = append(reasons, Reason{
			Column: j, Name: names[j], Value: float64(values[j]), Share: s.squares[j] / sum,
			Expected: s.expected[j] / float64(s.windows),
		})
		rest -= s.squares[j]
		if left := len(order) - i - 1; left == 0 || rest/float64(left) <= normal {
			break
		}
	}
	return reasons
}

// fitLines measures errors of windows, and scores of lines. Lines that follow
// each other cannot be drawn singly: of more than memory should hold the first
// ones count.
func (d *Detector) fitLines(ctx context.Context, m *infer.Model, lines data.Reader) ([]float64, error) {
	c := lines.Shape().W
	held := data.Rows{Shape: data.Shape{W: c}}
	for room := sampleValues / c; held.N < room; {
		chunk, err := lines.Next(min(1024, room-held.N))
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		held.Floats, held.N = appendFloats(held.Floats, chunk.Rows), held.N+chunk.N
	}
	t := m.Spec().Form.Table
	if held.N < t.Window {
		return nil, fmt.Errorf("detect: fit: %d lines; want at least %d, which the model reads at once", held.N, t.Window)
	}
	windows := data.Rows{Shape: data.Shape{W: c * t.Window}}
	step := max(1, t.Step, (held.N-t.Window)*c*t.Window/sampleValues) // so many windows as memory should hold
	for start := 0; start+t.Window <= held.N; start += step {
		windows.Floats = append(windows.Floats, held.Floats[start*c:][:c*t.Window]...)
		windows.N++
	}
	if err := d.measure(ctx, m, windows, nil); err != nil {
		return nil, err
	}
	scores := make([]float64, 0, held.N)
	w := d.newWindower(m, func(line int, s *lineSum, _ []float32) error {
		score, err := s.score(line)
		scores = append(scores, score)
		return err
	})
	return scores, w.run(ctx, data.NewReader(data.Set{Rows: held}))
}
