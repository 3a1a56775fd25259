package detect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aegis/data"
	"aegis/data/philox"
	"aegis/internal/detect"
	"aegis/internal/infer"
	"aegis/internal/run"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu"
	"aegis/model"
	"aegis/model/program"
)

func onCPU(p *program.Program, params vm.Params) (vm.Runner, error) {
	return cpu.OpenRunner(p, 0, params, cpu.Options{Threads: 2})
}

// opened is a model whose parameters are those of a seed, changed by a function.
func opened(t *testing.T, spec model.Spec, change func(name string, values []float32)) *infer.Model {
	t.Helper()
	p, err := spec.Program()
	if err != nil {
		t.Fatal(err)
	}
	state := p.Start(1)
	for name, tensor := range state.Tensors {
		change(name, tensor.Data)
	}
	config, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := run.EncodeTensors(&file, state.Tensors, map[string]string{"config": string(config)}); err != nil {
		t.Fatal(err)
	}
	m, err := infer.LoadBytes(file.Bytes(), onCPU)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// Columns of the tables here, and how many of them follow one factor.
const (
	columns = 12
	group   = 4
)

// tableSpec is a linear network of three code values.
func tableSpec(t *testing.T, width int) model.Spec {
	t.Helper()
	s, err := model.Preset("fc12")
	if err != nil {
		t.Fatal(err)
	}
	s.Image, s.Hidden, s.Latent, s.Activation, s.Output = [3]int{0, 0, width}, []int{}, width/group, "identity", "identity"
	shift, factor := make([]float32, width), make([]float32, width)
	for j := range width {
		shift[j], factor[j] = float32(j), 0.5
	}
	s.Scaling = &data.Scaling{Kind: data.ScaleStandard, Shift: shift, Factor: factor}
	return s
}

// means projects: each four values become their mean, as is right for rows in
// which they are alike.
func means(width int) func(string, []float32) {
	codes := width / group
	return func(name string, values []float32) {
		clear(values)
		if len(values) != width*codes {
			return
		}
		for j := range width {
			if strings.HasPrefix(name, "encoder") {
				values[j/group*width+j] = 1. / group
			} else {
				values[j*codes+j/group] = 1
			}
		}
	}
}

// table is n rows of groups of alike values and some noise.
func table(n, width int, seed uint64) data.Rows {
	s := philox.Stream{Seed: seed, Purpose: philox.For("test")}
	rows := data.Rows{N: n, Shape: data.Shape{W: width}}
	for i := range n {
		for j := range width {
			factor := s.Float32(0, uint32(i), uint32(j/group))*4 - 2
			noise := s.Float32(1, uint32(i), uint32(j)) - 0.5
			rows.Floats = append(rows.Floats, float32(j)+2*(factor+0.1*noise))
		}
	}
	return rows
}

func fitted(t *testing.T, m *infer.Model, rows data.Rows, opt detect.FitOptions) *detect.Detector {
	t.Helper()
	d, err := detect.Fit(context.Background(), m, data.NewReader(data.Set{Rows: rows}), opt)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestColumnsThatMadeARowStrange shifts columns of rows; the residual smears over
// the four of a factor, and yet exactly these are named.
func TestColumnsThatMadeARowStrange(t *testing.T) {
	spec := tableSpec(t, columns)
	spec.Form.Columns = strings.Split("a b c d e f g h i j k l", " ")
	m := opened(t, spec, means(columns))
	d := fitted(t, m, table(2000, columns, 1), detect.FitOptions{})
	for _, shifted := range [][]int{{0}, {11}, {1, 6}, {4, 9}, {2, 5, 10}} {
		rows := table(3, columns, 2)
		for _, j := range shifted {
			rows.FloatRow(1)[j] += 6
		}
		found, err := d.Detect(context.Background(), m, rows)
		if err != nil {
			t.Fatal(err)
		}
		var named []int
		for _, r := range found[1].Columns {
			named = append(named, r.Column)
			if off := r.Value - r.Expected; math.Abs(off-6) > 0.5 || r.Name != spec.Form.Columns[r.Column] || !(r.Share > 0 && r.Share <= 1) {
				t.Errorf("shifted %v: %+v; want a value about 6 above what is expected, its name and a share", shifted, r)
			}
		}
		slices.Sort(named)
		if !found[1].Anomalous || found[0].Anomalous || found[2].Anomalous || !slices.Equal(named, shifted) {
			t.Errorf("shifted %v: named %v, found %+v", shifted, named, found)
		}
	}
}

// TestStrangeRowsAmongTheNormalOnes: three percent of them move no scale far.
func TestStrangeRowsAmongTheNormalOnes(t *testing.T) {
	m := opened(t, tableSpec(t, columns), means(columns))
	clean := table(2000, columns, 1)
	dirty := clean
	dirty.Floats = slices.Clone(clean.Floats)
	for i := 0; i < dirty.N; i += 33 {
		for j := range dirty.FloatRow(i) {
			dirty.FloatRow(i)[j] += float32(i%7*j) * 5
		}
	}
	a, b := fitted(t, m, clean, detect.FitOptions{}), fitted(t, m, dirty, detect.FitOptions{})
	for j := range columns {
		if ratio := b.Scale[j] / a.Scale[j]; ratio < 0.8 || ratio > 1.25 {
			t.Errorf("column %d: scale %v among strange rows, %v without them", j, b.Scale[j], a.Scale[j])
		}
	}
}

func TestSampleIsDrawnBySeed(t *testing.T) {
	m := opened(t, tableSpec(t, columns), means(columns))
	rows := table(1<<16+5000, columns, 1)
	a, again, other := fitted(t, m, rows, detect.FitOptions{Seed: 1}), fitted(t, m, rows, detect.FitOptions{Seed: 1}), fitted(t, m, rows, detect.FitOptions{Seed: 2})
	if !reflect.DeepEqual(a, again) {
		t.Error("the same seed gave another detector")
	}
	if a.Calibration.N != 1<<16 || reflect.DeepEqual(a, other) {
		t.Errorf("%d scores, the same under another seed: %v", a.Calibration.N, reflect.DeepEqual(a, other))
	}
}

// TestRowsFindTheSameAlone: a finding depends on no row beside it.
func TestRowsFindTheSameAlone(t *testing.T) {
	m := opened(t, tableSpec(t, columns), means(columns))
	d := fitted(t, m, table(500, columns, 1), detect.FitOptions{FalseAlarms: 0.1})
	rows := table(200, columns, 2)
	whole, err := d.Detect(context.Background(), m, rows)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows.N {
		one, err := d.Detect(context.Background(), m, rows.Slice(i, i+1))
		if err != nil || !reflect.DeepEqual(one[0], whole[i]) {
			t.Fatalf("row %d: alone %+v, %v; among others %+v", i, one, err, whole[i])
		}
	}
}

func TestAnotherModelIsRefused(t *testing.T) {
	m := opened(t, tableSpec(t, columns), means(columns))
	other := opened(t, tableSpec(t, columns), func(name string, values []float32) {
		means(columns)(name, values)
		values[0] += 1e-6
	})
	d := fitted(t, m, table(100, columns, 1), detect.FitOptions{})
	_, err := d.Detect(context.Background(), other, table(1, columns, 1))
	if !errors.Is(err, infer.ErrOtherModel) {
		t.Errorf("error %v; want %v", err, infer.ErrOtherModel)
	}
	if _, err := new(detect.Detector).Detect(context.Background(), m, table(1, columns, 1)); err == nil {
		t.Error("an empty detector detected")
	}
	if _, err := d.Heat(context.Background(), m, table(1, columns, 1)); err == nil {
		t.Error("there is heat of vectors")
	}
}

func TestBadRows(t *testing.T) {
	m := opened(t, tableSpec(t, columns), means(columns))
	d := fitted(t, m, table(100, columns, 1), detect.FitOptions{})
	for name, bad := range map[string]float32{"NaN": float32(math.NaN()), "Inf": float32(math.Inf(1))} {
		rows := table(3, columns, 1)
		rows.FloatRow(2)[5] = bad
		if _, err := d.Detect(context.Background(), m, rows); err == nil || !strings.Contains(err.Error(), "row 2") {
			t.Errorf("%s: error %v; want one that names row 2", name, err)
		}
		if _, err := detect.Fit(context.Background(), m, data.NewReader(data.Set{Rows: rows}), detect.FitOptions{}); err == nil || !strings.Contains(err.Error(), "row 2") {
			t.Errorf("%s: fit: error %v; want one that names row 2", name, err)
		}
	}
	if _, err := detect.Fit(context.Background(), m, data.NewReader(data.Set{Rows: data.Rows{Shape: data.Shape{W: columns}}}), detect.FitOptions{}); err == nil {
		t.Error("fitted on no rows")
	}
	ended, end := context.WithCancel(context.Background())
	end()
	if _, err := d.Detect(ended, m, table(3, columns, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v; want %v", err, context.Canceled)
	}
}

// TestExact: vectors are scored by what is rebuilt of them in float64.
func TestExact(t *testing.T) {
	m := opened(t, tableSpec(t, columns), func(name string, values []float32) {
		for i := range values {
			values[i] += float32(i%7) / 50
		}
	})
	rows := data.Rows{N: 300, Shape: data.Shape{W: columns}}
	draw := philox.Stream{Seed: 9, Purpose: philox.For("test")}
	for i := range rows.N * columns {
		rows.Floats = append(rows.Floats, float32(draw.Uint32(0, 0, uint32(i))%1000)/300-1.5)
	}
	ctx := context.Background()
	d, err := detect.Fit(ctx, m, data.NewReader(data.Set{Rows: rows}), detect.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	scores, err := d.Scores(ctx, m, rows)
	if err != nil {
		t.Fatal(err)
	}
	values, err := m.Values(rows)
	if err != nil {
		t.Fatal(err)
	}
	rebuilt, err := m.RebuildExactly(ctx, values)
	if err != nil {
		t.Fatal(err)
	}
	rounded, err := m.Rebuild(ctx, values)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range scores {
		want := 0.0
		for j := range columns {
			at := i*columns + j
			if math.Abs(rebuilt[at]-float64(rounded[at])) > 1e-5 {
				t.Fatalf("value %d of row %d is %v in float64 and %v in float32", j, i, rebuilt[at], rounded[at])
			}
			e := (float64(values[at]) - rebuilt[at] - d.Center[j]) / d.Scale[j]
			want += e * e / columns
		}
		if math.Abs(got-want) > 1e-12*max(1, want) {
			t.Fatalf("row %d has score %v; want %v", i, got, want)
		}
	}
}
