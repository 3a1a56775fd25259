package session

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/run"
)

// Without a test set a run trains, says so, and shows other images.
func TestWithoutTestSet(t *testing.T) {
	for _, c := range []struct {
		val  data.Held
		want string
	}{{val: 0.2, want: "held-out images"}, {want: "training images"}} {
		t.Run(c.want, func(t *testing.T) {
			ds := blobs(40, 8, 6, 6)
			ds.Test = data.Set{}
			cfg := config(t, "fc64")
			cfg.Val = c.val
			out := filepath.Join(t.TempDir(), "run")
			var notes []string
			s, err := trained(context.Background(), cfg, ds, Options{Out: out, Hooks: Hooks{
				Start: func(s Start) { notes = s.Notes },
			}})
			if err != nil {
				t.Fatal(err)
			}
			if s.TestLoss != nil || s.TestRows != 0 || s.PicturesOf != c.want || (s.ValLoss != nil) != (c.val > 0) {
				t.Errorf("summary %+v, want no test loss and pictures of %s", s, c.want)
			}
			if want := "no test set: the pictures are of " + c.want; !slices.Contains(notes, want) {
				t.Errorf("notes %q, want %q", notes, want)
			}
			for _, name := range []string{run.LossFile, run.ReconstructionsFile, run.LatentFile} {
				if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// A number of rows is a number in config.toml, as it always was; a share is text.
func TestHeldInConfig(t *testing.T) {
	for want, val := range map[string]data.Held{"val = 0\n": 0, "val = 10\n": 10, "val = \"12.5%\"\n": 0.125} {
		cfg := config(t, "fc64")
		cfg.Val = val
		out := filepath.Join(t.TempDir(), "run")
		if _, err := trained(context.Background(), cfg, blobs(40, 8, 6, 6), Options{Out: out}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(out, run.ConfigFile))
		if err != nil {
			t.Fatal(err)
		}
		back, err := LoadConfig(filepath.Join(out, run.ConfigFile))
		if err != nil || back.Val != val || !strings.Contains(string(text), want) {
			t.Errorf("%s came back with val %v (%v), want %v", text, back.Val, err, val)
		}
	}
}

// TestSourceIsNamed: what is wrong with data names them on one line, whatever
// their name.
func TestSourceIsNamed(t *testing.T) {
	ds := blobs(40, 8, 6, 6)
	ds.Name, ds.Val = "a\nb", ds.Test
	cfg := config(t, "fc64")
	cfg.Image = [3]int{1, 6, 6}
	p, err := cfg.Program()
	if err != nil {
		t.Fatal(err)
	}
	ctx, other := context.Background(), *ds
	other.Train, other.Val, other.Test = blobs(40, 8, 5, 5).Train, data.Set{}, data.Set{}
	for want, err := range map[string]error{
		`val 5, but "a\nb" has a set of 8 rows`:         (&trainer{cfg: Config{Val: 5}, dataset: ds}).split(),
		`val 6, but "a\nb" has a set of 8 rows`:         checkProgram(ctx, p, ds, ProgramConfig{Epochs: 1, Val: 6, Device: DeviceAuto}),
		`reads rows of 6×6, "a\nb" has 5×5`:             checkProgram(ctx, p, &other, ProgramConfig{Epochs: 1, Device: DeviceAuto}),
		`data: "a\nb": limit of 50 training rows; want`: (&trainer{cfg: Config{Limit: 50}, dataset: ds}).split(),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// What is shown without a test set are rows of the training set, each with its
// own label.
func TestShownRows(t *testing.T) {
	tr := &trainer{cfg: Config{Seed: 1, Val: 10}, dataset: blobs(50, 8, 6, 6)}
	tr.dataset.Test = data.Set{}
	if err := tr.split(); err != nil {
		t.Fatal(err)
	}
	s := tr.shown()
	if !slices.Equal(s.rows, tr.rows.val) || len(s.rows) != 10 {
		t.Errorf("rows %v, held out %v", s.rows, tr.rows.val)
	}
	for i, label := range s.labels() {
		if label != tr.dataset.Train.Labels[s.rows[i]] {
			t.Errorf("label %d of row %d", label, s.rows[i])
		}
	}
	grid := gridRows(s)
	for i, row := range grid {
		if !slices.Contains(s.rows, row) || int(s.from.Labels[row]) != i {
			t.Errorf("grid rows %v of %v", grid, s.rows)
		}
	}
}

func TestTestLimit(t *testing.T) {
	cases := []struct {
		name              string
		rows, tests       int
		limit, each, last int
		val               data.Held
	}{
		{name: "all", rows: 40, tests: 40, each: 40},
		{name: "few rows", rows: 20, tests: 40, each: 5},
		{name: "one row", rows: 1, tests: 40, each: 1},
		{name: "limit", rows: 90, tests: 40, limit: 3, each: 3},
		{name: "limit of few rows", rows: 20, tests: 40, limit: 40, each: 40},
		{name: "held out", rows: 50, tests: 41, val: 10, each: 10},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(t, "fc64")
			cfg.TestLimit, cfg.Val, cfg.Epochs = c.limit, c.val, 3
			var epochs []Metrics
			var notes []string
			ds, out := blobs(c.rows, c.tests, 6, 6), filepath.Join(t.TempDir(), "run")
			s, err := trained(context.Background(), cfg, ds, Options{Out: out, Hooks: Hooks{
				Start: func(s Start) { notes = s.Notes }, Epoch: func(m Metrics) { epochs = append(epochs, m) },
			}})
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []int{c.each, c.each, c.tests} {
				if epochs[i].TestRows != want {
					t.Errorf("epoch %d evaluated %d rows, want %d", i+1, epochs[i].TestRows, want)
				}
			}
			want := fmt.Sprintf("%d of the test images are evaluated after each epoch, all %d after the last", c.each, c.tests)
			if slices.Contains(notes, want) != (c.each < c.tests) {
				t.Errorf("notes %q, want %q: %v", notes, want, c.each < c.tests)
			}
			if s.TestRows != c.tests {
				t.Errorf("the summary's test loss is over %d rows, want %d", s.TestRows, c.tests)
			}
			checkModel(t, cfg, filepath.Join(out, run.ModelFile), ds.Test, *s.TestLoss)
		})
	}
}

// The best model's loss over all test rows is worked out where its epoch was
// not the last one and saw only some of them.
func TestBestModelsTestLoss(t *testing.T) {
	cfg := config(t, "fc64")
	cfg.Val, cfg.TestLimit, cfg.Epochs, cfg.LR = 3, 2, 6, 0.3
	for ; cfg.Seed < 30; cfg.Seed++ {
		ds, out := blobs(60, 20, 6, 6), filepath.Join(t.TempDir(), "run")
		s, err := trained(context.Background(), cfg, ds, Options{Out: out})
		if err != nil || s.BestEpoch == cfg.Epochs {
			continue // diverged, or the last one is the best: try another seed
		}
		if s.TestRows != 20 {
			t.Errorf("the summary's test loss is over %d rows, want 20", s.TestRows)
		}
		checkModel(t, cfg, filepath.Join(out, run.ModelFile), ds.Test, *s.TestLoss)
		return
	}
	t.Error("no seed has its best epoch before the last one")
}

// Channels that a picture has no colours for are trained all the same.
func TestChannels(t *testing.T) {
	for _, channels := range []int{2, 3, 4, 12} {
		for _, preset := range []string{"fc64", "conv"} {
			m := data.Rows{N: 20, Shape: data.Shape{C: channels, H: 8, W: 8}, Bytes: make([]byte, 20*channels*64)}
			for i := range m.Bytes {
				m.Bytes[i] = byte(i * 7919 >> 3)
			}
			ds := &data.Source{Train: data.Set{Rows: m}, Test: data.Set{Rows: m.Slice(0, 7)}}
			if _, err := trained(context.Background(), config(t, preset), ds, Options{Out: filepath.Join(t.TempDir(), "run")}); err != nil {
				t.Errorf("%s, %d channels: %v", preset, channels, err)
			}
		}
	}
}

// A dataset that cannot be is refused before anything is made.
func TestDatasetErrors(t *testing.T) {
	short := blobs(20, 8, 6, 6)
	short.Train.Bytes = short.Train.Bytes[:20*36-1]
	turned := blobs(20, 8, 6, 5)
	turned.Test.H, turned.Test.W = 5, 6
	labels := blobs(20, 8, 6, 6)
	labels.Test.Labels = labels.Test.Labels[:3]
	negative := blobs(20, 8, 6, 6)
	negative.Train.N = -20
	for name, c := range map[string]struct {
		ds   *data.Source
		want string
	}{
		"nil": {want: "nil"}, "zero": {ds: &data.Source{}, want: "0 of shape [0]"}, "short": {ds: short, want: "want 720 bytes"},
		"turned": {ds: turned, want: "want 6×5"}, "labels": {ds: labels, want: "want 8, one a row, got 3"},
		"negative": {ds: negative, want: "-20 of shape [1 6 6]"},
	} {
		out := filepath.Join(t.TempDir(), "run")
		_, err := trained(context.Background(), config(t, "fc64"), c.ds, Options{Out: out})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: a directory was made", name)
		}
	}
}
