package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"aegis/data"
	"aegis/internal/run"
)

// left are the files that a run that goes on is to come to again, to the byte.
func left(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	for _, name := range []string{run.ModelFile, run.LastFile} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = text
	}
	return all
}

func sameFiles(t *testing.T, what string, got, want map[string][]byte) {
	t.Helper()
	for name := range want {
		if !bytes.Equal(got[name], want[name]) {
			t.Errorf("%s: other bytes of %s", what, name)
		}
	}
}

// changed waits a while for another file of a name.
func changed(path string) {
	before, _ := os.Stat(path)
	for range 50 {
		time.Sleep(2 * time.Millisecond)
		if now, err := os.Stat(path); err == nil && !os.SameFile(now, before) {
			return
		}
	}
}

// killed copies a run's directory as a kill would leave it now: the state first,
// so that the rest is no older.
func killed(t *testing.T, dir, to string) bool {
	t.Helper()
	if err := os.MkdirAll(to, 0o777); err != nil {
		t.Fatal(err)
	}
	for i, name := range append([]string{run.LastFile, run.ModelFile, ".aegis"}, run.FileNames()...) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if i == 0 && err != nil {
			return false
		}
		if err != nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return true
}

// TestResume kills runs of several kinds at every step, and goes on with another
// number of threads: what they come to is what the uninterrupted run did.
func TestResume(t *testing.T) {
	for preset, val := range map[string]data.Held{"fc12": 0, "conv": 10, "vae": 0, "aae": 10} {
		t.Run(preset, func(t *testing.T) {
			cfg := config(t, preset)
			cfg.Epochs, cfg.Val, cfg.Schedule, cfg.SaveEvery = 3, val, "cosine", SaveEvery{Steps: 2}
			ds := blobs(50, 8, 12, 12)
			whole := filepath.Join(t.TempDir(), "run")
			var copies []string
			kills := t.TempDir()
			want, err := trained(context.Background(), cfg, ds, Options{Out: whole, Hooks: Hooks{Progress: func(p Progress) {
				changed(filepath.Join(whole, run.LastFile))
				if to := filepath.Join(kills, string(rune('a'+len(copies)))); killed(t, whole, to) {
					copies = append(copies, to)
				}
			}}})
			if err != nil {
				t.Fatal(err)
			}
			if len(copies) < 5 {
				t.Fatalf("%d kills behind a checkpoint; want more", len(copies))
			}
			for i := 0; i < len(copies); i += 4 {
				ahead(t, copies[i])
				again := cfg
				again.Threads = 1 + i%2
				got, err := trained(context.Background(), again, ds, Options{Resume: copies[i]})
				if err != nil {
					t.Fatal(err)
				}
				sameRun(t, copies[i], whole)
				if got.Epochs != 3 || got.BestEpoch != want.BestEpoch || *got.TrainLoss != *want.TrainLoss || *got.TestLoss != *want.TestLoss {
					t.Errorf("summary %+v, want %+v", got, want)
				}
			}
		})
	}
}

// ahead adds an epoch to a run's metrics that its state has not come to.
func ahead(t *testing.T, dir string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, run.MetricsFile), os.O_APPEND|os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) { // no epoch has finished
		return
	}
	if err == nil {
		_, err = f.WriteString("{\"epoch\":9,\"step\":999}\n{\"ep")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// sameRun compares two runs: tensors and what there is of training, to the bit.
func sameRun(t *testing.T, got, want string) {
	t.Helper()
	for _, name := range []string{run.ModelFile, run.LastFile} {
		a, metaA, errA := run.ReadTensors(filepath.Join(got, name))
		b, metaB, errB := run.ReadTensors(filepath.Join(want, name))
		if err := errors.Join(errA, errB); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s has other tensors", name)
		}
		for _, key := range []string{"epoch", "step", trainingKey} {
			if metaA[key] != metaB[key] {
				t.Errorf("%s: %s is %s, want %s", name, key, metaA[key], metaB[key])
			}
		}
	}
	_, metadata, err := run.ReadTensors(filepath.Join(got, run.LastFile))
	var at course
	if err = errors.Join(err, json.Unmarshal([]byte(metadata[trainingKey]), &at)); err != nil || at.Curve.Steps != int(at.Step) || len(at.Curve.Loss)*at.Curve.Window+at.Curve.Count != int(at.Step) {
		t.Errorf("a curve of %+v at step %d (%v)", at.Curve, at.Step, err)
	}
	var lines [2]int
	for i, dir := range []string{got, want} {
		if err := run.ReadMetrics(dir, func([]byte) error { lines[i]++; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if lines[0] != lines[1] {
		t.Errorf("%d lines of metrics, want %d", lines[0], lines[1])
	}
}

// TestResumeAfterInterrupts goes on after one interrupt behind the other, to the
// byte.
func TestResumeAfterInterrupts(t *testing.T) {
	cfg := config(t, "fc12")
	cfg.Epochs, cfg.Val = 2, 10
	ds := blobs(50, 8, 6, 6)
	whole, out := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "run")
	if _, err := trained(context.Background(), cfg, ds, Options{Out: whole}); err != nil {
		t.Fatal(err)
	}
	interrupts := 0
	for ; interrupts < 100; interrupts++ {
		ctx, cancel := context.WithCancel(context.Background())
		_, err := trained(ctx, cfg, ds, Options{Out: out, Auto: true, Hooks: Hooks{Progress: func(Progress) { cancel() }}})
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if interrupts < 3 {
		t.Errorf("%d interrupts; want some", interrupts)
	}
	sameFiles(t, "interrupted", left(t, out), left(t, whole))
}

// TestResumeElsewhere goes on in another directory: the first run stays as it is.
func TestResumeElsewhere(t *testing.T) {
	cfg := config(t, "fc12")
	cfg.Epochs = 2
	ds := blobs(40, 8, 6, 6)
	first, second, whole := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b"), filepath.Join(t.TempDir(), "c")
	if _, err := trained(context.Background(), cfg, ds, Options{Out: first}); err != nil {
		t.Fatal(err)
	}
	before := files(t, first)
	cfg.Epochs = 4
	for _, o := range []Options{{Out: second, Resume: first}, {Out: whole}} {
		if _, err := trained(context.Background(), cfg, ds, o); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(files(t, first), before) {
		t.Error("the first run changed")
	}
	sameFiles(t, "elsewhere", left(t, second), left(t, whole))
	sameRun(t, second, whole)
}

// TestResumeRefuses leaves a run as it is that cannot go on, and says why.
func TestResumeRefuses(t *testing.T) {
	ds := blobs(40, 8, 6, 6)
	cfg := config(t, "fc12")
	cfg.Schedule = "cosine"
	out := filepath.Join(t.TempDir(), "run")
	if _, err := trained(context.Background(), cfg, ds, Options{Out: out}); err != nil {
		t.Fatal(err)
	}
	other := blobs(40, 8, 6, 6)
	other.Train.Bytes[77] ^= 1
	before := files(t, out)
	for name, c := range map[string]struct {
		bend func(*Config)
		ds   *data.Source
		opt  Options
		want []string
	}{
		"network":     {bend: func(c *Config) { c.Latent = 13; c.Hidden = []int{9} }, want: []string{"latent 13, the run has 12", "hidden [9], the run has [128 64]"}},
		"seed, batch": {bend: func(c *Config) { c.Seed, c.Batch = 9, 4 }, want: []string{"seed 9, the run has 1", "batch 4, the run has 8"}},
		"length":      {bend: func(c *Config) { c.Epochs = 5 }, want: []string{"5 epochs of the schedule cosine, which the run made 2 epochs long"}},
		"its words":   {bend: func(c *Config) { c.Epochs, c.Schedule = 5, "cosine:0" }, want: []string{"5 epochs of the schedule cosine:0, which the run made 2 epochs long"}},
		"data":        {bend: func(c *Config) { c.LR = 1 }, ds: other, want: []string{"the data are others: 40 training rows of fingerprint ", "the run has 40 of "}},
		"no run":      {opt: Options{Resume: t.TempDir()}, want: []string{"there is no last.safetensors in it"}},
		"no such":     {opt: Options{Resume: filepath.Join(out, "none")}, want: []string{"there is no such directory"}},
		"two of them": {opt: Options{Resume: out, Auto: true, Out: out}, want: []string{"want one of them"}},
		"nowhere":     {opt: Options{Auto: true}, want: []string{"needs a directory"}},
	} {
		bent := cfg
		if c.bend != nil {
			c.bend(&bent)
		}
		if c.ds == nil {
			c.ds = ds
		}
		if c.opt.Resume == "" && !c.opt.Auto {
			c.opt.Resume = out
		}
		_, err := trained(context.Background(), bent, c.ds, c.opt)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q", name, err, want)
			}
		}
		if !reflect.DeepEqual(files(t, out), before) {
			t.Errorf("%s: the run changed", name)
		}
	}
	for want, bend := range map[string]func(*Config){
		"it has finished 2 epochs of 2":                                            func(*Config) {},
		"it has finished 2 epochs of 2; not used: lr 0.5, clip_norm 1":             func(c *Config) { c.LR, c.ClipNorm, c.Threads = 0.5, 1, 2 },
		"it has 2 epochs already, and 1 are wanted; not used: schedule step:1:0.5": func(c *Config) { c.Epochs, c.Schedule = 1, "step:1:0.5" },
	} {
		bent := cfg
		bend(&bent)
		want = "nothing is left to train of the run in " + out + ": " + want
		s, err := trained(context.Background(), bent, ds, Options{Resume: filepath.Join(out, run.ModelFile)})
		if err != nil || s.NothingLeft != want || s.Epochs != 2 {
			t.Errorf("said %q (%v), want %q", s.NothingLeft, err, want)
		}
	}
	if !reflect.DeepEqual(files(t, out), before) {
		t.Error("a finished run changed")
	}
}

// TestResumeOfAnOldVersion goes on with a run of 0.1.0 that finished, which kept
// nothing but its epoch and step; one that ended within an epoch cannot.
func TestResumeOfAnOldVersion(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(dir, os.DirFS("../../testdata/0.1.0/fc")); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadConfig(filepath.Join(dir, run.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Epochs = 5
	var notes string
	s, err := trained(context.Background(), cfg, blobs(64, 8, 6, 5), Options{Resume: dir, Hooks: Hooks{Start: func(s Start) { notes = strings.Join(s.Notes, "\n") }}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Epochs != 5 || s.BestEpoch != 5 || !strings.Contains(notes, "goes on from step 12, behind epoch 3") || !strings.Contains(notes, "its version kept neither") || !strings.Contains(notes, "epochs is 5 from here on, it was 3") {
		t.Errorf("%d epochs, the best is %d, notes:\n%s", s.Epochs, s.BestEpoch, notes)
	}
	_, metadata, err := run.ReadTensors(filepath.Join(dir, run.LastFile))
	if err != nil || metadata["step"] != "20" {
		t.Errorf("step %s (%v), want 20", metadata["step"], err)
	}
	within := &earlier{from: dir}
	within.course.Epoch, within.course.Step = 1, 5
	if err := within.fits(course{Batch: 16}, 64, differences{scaled: true}); err == nil || !strings.Contains(err.Error(), "step 5 is not at an epoch's end") || !strings.HasSuffix(err.Error(), "want one at an epoch's end") {
		t.Errorf("within an epoch: %v", err)
	}
}
