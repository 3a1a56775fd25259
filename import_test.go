package aegis

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/data"
)

// patterned are n rows of bytes, byte i the lowest byte of 37·i/2, as
// scripts/golden_import.py has them.
func patterned(n int, shape data.Shape) data.Rows {
	rows := data.Rows{N: n, Shape: shape, Bytes: make([]byte, n*shape.Size())}
	for i := range rows.Bytes {
		rows.Bytes[i] = byte(i * 37 >> 1)
	}
	return rows
}

// importing is the configuration of each network in testdata/pytorch.
func importing(t *testing.T, name string) (Config, ImportOptions) {
	t.Helper()
	preset := name
	if name == "norm" {
		preset = "fc12"
	}
	c, err := NewConfig(preset)
	if err != nil {
		t.Fatal(err)
	}
	o := ImportOptions{Out: filepath.Join(t.TempDir(), name), Rows: data.Shape{C: 1, H: 6, W: 5}}
	switch name {
	case "fc12":
		c.Hidden, c.Latent = []int{8, 8}, 2
	case "conv":
		c.Hidden, c.Latent, o.Rows = []int{3, 4}, 5, data.Shape{C: 1, H: 9, W: 7}
	case "vae":
		c.Hidden, c.Latent = []int{9}, 3
	case "norm":
		c.Hidden, c.Latent, c.BatchNorm = []int{8}, 2, true
	}
	return c, o
}

// TestImport holds what imported networks rebuild to PyTorch.
func TestImport(t *testing.T) {
	text, err := os.ReadFile("testdata/pytorch/want.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name    string
		Rebuilt []float32
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) != 4 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		cfg, o := importing(t, c.Name)
		r, err := Import(filepath.Join("testdata/pytorch", c.Name+".safetensors"), cfg, o)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if written, ok := r.Config(); !ok || written.Latent != cfg.Latent || written.Image != [3]int{o.Rows.C, o.Rows.H, o.Rows.W} {
			t.Errorf("%s: config.toml has %+v", c.Name, written)
		}
		for _, device := range []string{DeviceCPU, DeviceTape} {
			m, err := r.Load(WithDevice(device))
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.Reconstruct(context.Background(), patterned(4, o.Rows))
			if err := errors.Join(err, m.Close()); err != nil || len(got) != len(c.Rebuilt) {
				t.Fatalf("%s on %s: %d values, %v", c.Name, device, len(got), err)
			}
			for i, want := range c.Rebuilt {
				if math.Abs(float64(got[i]-want)) > 1e-5 {
					t.Errorf("%s on %s: value %d is %v, want %v", c.Name, device, i, got[i], want)
					break
				}
			}
		}
	}
}

// TestImportScaling: means and deviations are of pixels in [0,1], of each
// channel; a vector has one for each value.
func TestImportScaling(t *testing.T) {
	c, o := importing(t, "fc12")
	path := "testdata/pytorch/fc12.safetensors"
	c.Output, o.Means, o.Deviations = "tanh", []float64{0.5}, []float64{0.5} // [-1,1], as without them
	r, err := Import(path, c, o)
	if err != nil {
		t.Fatal(err)
	}
	_, plain := importing(t, "fc12")
	other, err := Import(path, c, plain)
	if err != nil {
		t.Fatal(err)
	}
	codes := func(r *Run) []float32 {
		m, err := r.Load(WithDevice(DeviceCPU))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = m.Close() }()
		codes, err := m.Encode(context.Background(), patterned(4, o.Rows))
		if err != nil {
			t.Fatal(err)
		}
		return codes
	}
	got := codes(r)
	for i, want := range codes(other) {
		if math.Abs(float64(got[i]-want)) > 1e-5 {
			t.Errorf("code %d: %v, want %v", i, got[i], want)
		}
	}
	for name, rows := range map[string]data.Shape{"a vector": {W: 30}, "channels": {C: 3, H: 2, W: 5}} {
		_, o := importing(t, "fc12")
		o.Rows = rows
		o.Means = []float64{1, 2, 3}
		if rows.IsVector() {
			o.Means = make([]float64, 30)
			o.Means[29] = 3
		}
		r, err := Import(path, c, o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m, err := r.Load()
		if err != nil {
			t.Fatal(err)
		}
		s := m.Spec().Scaling
		want, unit := float32(3), float32(1)
		if !rows.IsVector() {
			want, unit = 3*255, 255
		}
		if s == nil || len(s.Shift) != 30 || s.Shift[29] != want || s.Shift[0] == want || s.Factor[0] != 1/unit {
			t.Errorf("%s: scaling %+v", name, s)
		}
		_ = m.Close()
	}
}

// TestImportErrors: what does not fit is named, and nothing is written.
func TestImportErrors(t *testing.T) {
	cut, err := os.ReadFile("testdata/pytorch/fc12.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "cut")
	if err := os.WriteFile(broken, cut[:len(cut)-8], 0o666); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]struct {
		file string // of testdata/pytorch, or a path
		bend func(*Config, *ImportOptions)
	}{
		"nothing in the file is encoder.0 (bias [9], weight [9 30])": {"fc12", func(c *Config, _ *ImportOptions) { c.Hidden[0] = 9 }},
		"encoder.0 (bias [8], weight [8 35])":                        {"fc12", func(_ *Config, o *ImportOptions) { o.Rows = data.Shape{W: 35} }},
		"no place for 0.2.bias [8], 0.2.weight [8 8]":                {"fc12", func(c *Config, _ *ImportOptions) { c.Hidden = []int{8} }},
		`no tensor and no module "x" in the file`:                    {"fc12", func(_ *Config, o *ImportOptions) { o.Names = map[string]string{"x": "encoder.0"} }},
		"0.0.bias is to be encoder.1.bias, which the network has no": {"fc12", func(_ *Config, o *ImportOptions) { o.Names = map[string]string{"0.0": "encoder.1"} }},
		"1 means and 2 deviations":                                   {"fc12", func(_ *Config, o *ImportOptions) { o.Means, o.Deviations = []float64{1}, []float64{1, 2} }},
		"deviation 0":                                                {"fc12", func(_ *Config, o *ImportOptions) { o.Deviations = []float64{0} }},
		"3 classes of a network that reads none":                     {"fc12", func(_ *Config, o *ImportOptions) { o.Classes = 3 }},
		"nothing in the file is logvar":                              {"fc12", func(c *Config, _ *ImportOptions) { c.Likelihood, c.Loss = "gaussian:1", "" }},
		"cut short; want a state dict as PyTorch's":                  {broken, func(*Config, *ImportOptions) {}},
		"want a state dict as PyTorch's":                             {"import.go", func(*Config, *ImportOptions) {}},
		"no such file":                                               {"missing", func(*Config, *ImportOptions) {}},
	} {
		cfg, o := importing(t, "fc12")
		c.bend(&cfg, &o)
		path := c.file
		if path == "fc12" {
			path = "testdata/pytorch/fc12.safetensors"
		}
		if _, err := Import(path, cfg, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if _, err := os.Stat(o.Out); err == nil {
			t.Errorf("%s: a directory is left", want)
		}
	}
}
