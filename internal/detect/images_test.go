package detect_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"testing"

	"aegis/data"
	"aegis/data/philox"
	"aegis/internal/detect"
	"aegis/internal/infer"
	"aegis/model"
)

// imageModel is a preset's model of small images with the parameters it starts
// with.
func imageModel(t *testing.T, preset string) *infer.Model {
	t.Helper()
	spec, err := model.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	spec.Image = [3]int{1, 8, 8}
	if spec.Condition != "" {
		spec.Classes = 3
	}
	return opened(t, spec, func(string, []float32) {})
}

// greys are n images of values near a grey.
func greys(n int, seed uint64) data.Rows {
	s := philox.Stream{Seed: seed, Purpose: philox.For("test")}
	rows := data.Rows{N: n, Shape: data.Shape{C: 1, H: 8, W: 8}}
	for i := range n * 64 {
		rows.Bytes = append(rows.Bytes, byte(120+s.Uint32(0, 0, uint32(i))%16))
	}
	return rows
}

// TestImages: a white spot makes an image strange under every kind of model, and
// hot where it is; the file says the same afterwards.
func TestImages(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		preset string
		want   detect.Formula
		labels []byte
	}{
		{"conv", detect.Smoothed, nil},
		{"fc64", detect.Smoothed, nil},
		{"aae", detect.Smoothed, nil},
		{"vae", detect.Likelihood, nil},
		{"cvae", detect.Likelihood, []byte{0, 1, 2, 0}},
	} {
		m := imageModel(t, c.preset)
		normal := data.Set{Rows: greys(200, 1)}
		if c.labels != nil {
			normal.Labels = bytes.Repeat([]byte{0, 1}, 100)
		}
		d, err := detect.Fit(ctx, m, data.NewReader(normal), detect.FitOptions{})
		if err != nil {
			t.Fatalf("%s: %v", c.preset, err)
		}
		rows := greys(4, 2)
		for y := range 3 {
			for x := range 3 {
				rows.ByteRow(2)[(3+y)*8+3+x] = 255
			}
		}
		found, err := d.Detect(ctx, m, rows, c.labels...)
		if err != nil {
			t.Fatalf("%s: %v", c.preset, err)
		}
		if d.Formula != c.want || c.want == detect.Smoothed && !found[2].Anomalous || found[2].Columns != nil {
			t.Errorf("%s: formula %s, found %+v, threshold %v", c.preset, d.Formula, found, d.Threshold)
		}
		heat, err := d.Heat(ctx, m, rows, c.labels...)
		if err != nil || len(heat) != 4*64 {
			t.Fatalf("%s: heat of %d pixels, %v", c.preset, len(heat), err)
		}
		for i, h := range heat {
			if spot := i == 2*64+4*8+4; !(h >= 0 && h <= 1) || spot && h < 1 {
				t.Errorf("%s: pixel %d has heat %v", c.preset, i, h)
			}
		}
		var file bytes.Buffer
		if err := d.Encode(&file); err != nil {
			t.Fatal(err)
		}
		again, err := detect.Decode(&file)
		if err != nil || !reflect.DeepEqual(again, d) {
			t.Errorf("%s: decoded %+v, %v; want %+v", c.preset, again, err, d)
		}
	}
}

// TestLabelsAreWanted: a conditional model without them is an error.
func TestLabelsAreWanted(t *testing.T) {
	_, err := detect.Fit(context.Background(), imageModel(t, "cvae"), data.NewReader(data.Set{Rows: greys(10, 1)}), detect.FitOptions{})
	if err == nil {
		t.Error("no error")
	}
}

// broken ends with an error behind its first rows.
type broken struct{ data.Reader }

var errBroken = errors.New("broken")

func (b broken) Next(n int) (data.Chunk, error) {
	c, err := b.Reader.Next(n)
	if err == io.EOF {
		return c, errBroken
	}
	return c, err
}

func TestReadersErrors(t *testing.T) {
	_, err := detect.Fit(context.Background(), imageModel(t, "conv"), broken{data.NewReader(data.Set{Rows: greys(10, 1)})}, detect.FitOptions{})
	if !errors.Is(err, errBroken) {
		t.Errorf("fit: error %v; want %v", err, errBroken)
	}
	m := opened(t, windowSpec(t, 1), means(lineWidth*windowLines))
	lines := broken{data.NewReader(data.Set{Rows: table(20, lineWidth, 1)})}
	if _, err := detect.Fit(context.Background(), m, lines, detect.FitOptions{}); !errors.Is(err, errBroken) {
		t.Errorf("fit of lines: error %v; want %v", err, errBroken)
	}
	few := data.NewReader(data.Set{Rows: table(windowLines-1, lineWidth, 1)})
	if _, err := detect.Fit(context.Background(), m, few, detect.FitOptions{}); err == nil {
		t.Error("fitted on fewer lines than a window has")
	}
}
