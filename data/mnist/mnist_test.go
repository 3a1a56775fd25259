package mnist

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"aegis/data"
)

func TestLoad(t *testing.T) {
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "mnist" {
		t.Errorf("name %q, want mnist", d.Name)
	}
	cases := []struct {
		name      string
		set       data.Set
		n         int
		first     []byte
		histogram [10]int
		mean      float64 // pixel in [0,1], as published, to four places
	}{
		{
			name: "train", set: d.Train, n: 60_000, first: []byte{5, 0, 4, 1, 9},
			histogram: [10]int{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}, mean: 0.1307,
		},
		{
			name: "test", set: d.Test, n: 10_000, first: []byte{7, 2, 1, 0, 4},
			histogram: [10]int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}, mean: 0.1325,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := c.set.Rows
			if m.N != c.n || m.C != 1 || m.H != 28 || m.W != 28 || len(m.Bytes) != c.n*784 {
				t.Fatalf("shape (%d,%d,%d,%d), %d bytes", m.N, m.C, m.H, m.W, len(m.Bytes))
			}
			if len(c.set.Labels) != c.n || !bytes.HasPrefix(c.set.Labels, c.first) {
				t.Fatalf("%d labels, want %d that start with %v", len(c.set.Labels), c.n, c.first)
			}
			var histogram [10]int
			for _, label := range c.set.Labels {
				if label > 9 {
					t.Fatalf("label %d", label)
				}
				histogram[label]++
			}
			if histogram != c.histogram {
				t.Errorf("labels %v, want %v", histogram, c.histogram)
			}
			sum := 0
			for _, v := range m.Bytes {
				sum += int(v)
			}
			mean := float64(sum) / 255 / float64(len(m.Bytes))
			if diff := mean - c.mean; diff > 5e-5 || diff < -5e-5 {
				t.Errorf("mean pixel %.5f, want %.4f", mean, c.mean)
			}
		})
	}
}

func TestLoadDamaged(t *testing.T) {
	whole := fstest.MapFS{}
	names, err := fs.Glob(files, "*.gz")
	if err != nil || len(names) != 4 {
		t.Fatalf("embedded files %v, error %v; want 4", names, err)
	}
	for _, name := range names {
		file, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		whole[name] = &fstest.MapFile{Data: file}
	}
	for _, name := range names {
		kept := whole[name]
		damaged := bytes.Clone(kept.Data)
		damaged[len(damaged)/2] ^= 1
		whole[name] = &fstest.MapFile{Data: damaged}
		if _, err := load(whole); err == nil || !strings.HasPrefix(err.Error(), "mnist: "+name+": sha256: want ") {
			t.Errorf("%s damaged: error %v", name, err)
		}
		delete(whole, name)
		if _, err := load(whole); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "mnist: "+name+": ") {
			t.Errorf("%s missing: error %v", name, err)
		}
		whole[name] = kept
	}
}

// The licence must list the files that are embedded.
func TestLicense(t *testing.T) {
	text, err := os.ReadFile("LICENSE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"CC BY-SA 3.0", "Yann LeCun", "Corinna Cortes",
		trainImagesSum, trainLabelsSum, testImagesSum, testLabelsSum,
	} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("LICENSE.md lacks %s", want)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	b.SetBytes(70_000 * 784)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Fatal(err)
		}
	}
}
