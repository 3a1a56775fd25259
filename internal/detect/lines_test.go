package detect_test

import (
	"context"
	"math"
	"reflect"
	"testing"

	"aegis/data"
	"aegis/internal/detect"
	"aegis/model"
)

// lineWidth is how many values a line has, windowLines how many a window.
const (
	lineWidth   = group
	windowLines = 5
)

func windowSpec(t *testing.T, step int) model.Spec {
	t.Helper()
	spec := tableSpec(t, lineWidth*windowLines)
	spec.Form.Table = &data.TableForm{
		Fields: []data.Field{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}}, Window: windowLines, Step: step,
	}
	spec.Scaling = &data.Scaling{Kind: data.ScaleNone}
	return spec
}

// some gives lines so many at a time, whatever is asked for.
type some struct {
	data.Reader
	n int
}

func (s some) Next(int) (data.Chunk, error) { return s.Reader.Next(s.n) }

func linesFound(t *testing.T, d *detect.Detector, step int, rows data.Rows, atOnce int) (found []detect.Finding) {
	t.Helper()
	m := opened(t, windowSpec(t, step), means(lineWidth*windowLines))
	reader := some{data.NewReader(data.Set{Rows: rows}), atOnce}
	err := d.Lines(context.Background(), m, reader, func(line int, f detect.Finding) error {
		if line != len(found) {
			t.Fatalf("line %d behind %d others", line, len(found))
		}
		found = append(found, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestLines: each line has a score of its own, whatever windows it is in, and
// however many lines are read at once.
func TestLines(t *testing.T) {
	for _, step := range []int{1, 2, 3, 5, 7} {
		m := opened(t, windowSpec(t, step), means(lineWidth*windowLines))
		d := fitted(t, m, table(300, lineWidth, 1), detect.FitOptions{})
		for _, n := range []int{5, 6, 9, 10, 23} {
			rows := table(n, lineWidth, 2)
			strange := n - 2
			rows.FloatRow(strange)[1] += 8
			whole := linesFound(t, d, step, rows, n)
			for _, atOnce := range []int{1, 4} {
				if again := linesFound(t, d, step, rows, atOnce); !reflect.DeepEqual(again, whole) {
					t.Fatalf("step %d, %d lines, %d at once: %v; all at once %v", step, n, atOnce, again, whole)
				}
			}
			if len(whole) != n {
				t.Fatalf("step %d: %d findings of %d lines", step, len(whole), n)
			}
			for i, f := range whole {
				if want := lineScore(d, rows, i, step); math.Abs(f.Score-want) > 1e-4*(want+1) {
					t.Errorf("step %d, %d lines: line %d has score %v; want %v", step, n, i, f.Score, want)
				}
				if f.Anomalous != (i == strange) {
					t.Errorf("step %d, %d lines: line %d is anomalous: %v", step, n, i, f.Anomalous)
				}
			}
			if c := whole[strange].Columns; len(c) == 0 || c[0].Column != 1 || c[0].Name != "b" || c[0].Value <= c[0].Expected {
				t.Errorf("step %d, %d lines: columns %+v; want b first", step, n, c)
			}
		}
	}
}

// lineScore is the score of a line that is rebuilt as the mean of its values:
// windows are gone through one by one.
func lineScore(d *detect.Detector, rows data.Rows, line, step int) (score float64) {
	starts := []int{rows.N - windowLines}
	for start := 0; start < rows.N-windowLines; start += min(step, windowLines) {
		starts = append(starts, start)
	}
	values := rows.FloatRow(line)
	var mean float64
	for _, v := range values {
		mean += float64(v) / group
	}
	windows := 0
	for _, start := range starts {
		if line < start || line >= start+windowLines {
			continue
		}
		windows++
		for j, v := range values {
			place := (line-start)*lineWidth + j
			e := (float64(v) - mean - d.Center[place]) / d.Scale[place]
			score += e * e / group
		}
	}
	return score / float64(windows)
}
