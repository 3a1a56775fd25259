package tries

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"aegis/data"
	"aegis/internal/run"
	"aegis/internal/session"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu"
	"aegis/model/program"
)

// waves is a dataset of images with a wave each, of three classes.
func waves(rows, tests int) *data.Source {
	const height, width = 12, 10
	set := func(n, phase int) data.Set {
		s := data.Set{Rows: data.Rows{N: n, Shape: data.Shape{C: 1, H: height, W: width}, Bytes: make([]byte, n*height*width)}}
		for i := range s.Bytes {
			row, pixel := i/(height*width), i%(height*width)
			s.Bytes[i] = byte(127.5 + 127*math.Sin(float64(pixel*(1+row%5)+phase+row)/7))
		}
		for i := range n {
			s.Labels = append(s.Labels, byte(i%3))
		}
		return s
	}
	return &data.Source{Name: "waves", Train: set(rows, 0), Test: set(tests, 3)}
}

// config is a preset's, of a small network.
func config(t *testing.T, preset string) session.Config {
	t.Helper()
	cfg, err := session.NewConfig(preset)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Batch, cfg.Epochs, cfg.Seed = 8, 2, 5
	for _, widths := range [][]int{cfg.Hidden, cfg.Discriminator} {
		for i := range widths { // of a preset: small
			widths[i] = 8
		}
	}
	return cfg
}

func openCPU(cfg session.Config, p *program.Program) (vm.Trainer, string, error) {
	m, err := cpu.Open(p, uint64(cfg.Seed), cpu.Options{Threads: cfg.Threads})
	return m, "", err
}

// same compares the tensors of two files.
func same(t *testing.T, a, b string) {
	t.Helper()
	one, _, err := run.ReadTensors(a)
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := run.ReadTensors(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(one) == 0 || !reflect.DeepEqual(one, two) {
		t.Errorf("%s and %s hold other tensors", a, b)
	}
}

// TestTries: each try is what a run of its seed is, to the bit, one after
// the other and side by side, and the table has what its summary has.
func TestTries(t *testing.T) {
	ds := waves(60, 16)
	for _, preset := range []string{"conv-vae", "aae"} {
		t.Run(preset, func(t *testing.T) {
			cfg := config(t, preset)
			cfg.Val = 12
			alone := make(map[session.Seed]string)
			for seed := cfg.Seed; seed < cfg.Seed+3; seed++ {
				one := cfg
				one.Seed, alone[seed] = seed, filepath.Join(t.TempDir(), "run")
				if _, err := session.Train(context.Background(), one, ds, session.Options{Out: alone[seed]}, openCPU); err != nil {
					t.Fatal(err)
				}
			}
			for _, jobs := range []int{0, 3} {
				out := filepath.Join(t.TempDir(), "tries")
				got, err := Train(context.Background(), cfg, ds, Options{Tries: 3, Jobs: jobs, Out: out}, openCPU)
				if err != nil {
					t.Fatal(err)
				}
				if got.Wanted != 3 || len(got.Tries) != 3 || got.By != "val_loss" {
					t.Fatalf("%d jobs: %+v", jobs, got)
				}
				for i, try := range got.Tries {
					var s session.Summary
					dir := filepath.Join(out, try.Dir)
					if err := run.ReadSummary(dir, &s); err != nil {
						t.Fatal(err)
					}
					want := Try{
						Seed: 5 + session.Seed(i), Dir: fmt.Sprintf("seed-%d", 5+i), Status: session.Finished, Epochs: 2, BestEpoch: s.BestEpoch,
						TrainLoss: s.TrainLoss, ValLoss: s.ValLoss, TestLoss: s.TestLoss, Seconds: try.Seconds,
					}
					if !reflect.DeepEqual(try, want) || s.Seed != want.Seed || try.Seconds <= 0 {
						t.Errorf("%d jobs: try %+v, want %+v", jobs, try, want)
					}
					same(t, filepath.Join(dir, run.ModelFile), filepath.Join(alone[try.Seed], run.ModelFile))
					same(t, filepath.Join(dir, run.LastFile), filepath.Join(alone[try.Seed], run.LastFile))
				}
				if to, err := os.Readlink(filepath.Join(out, Best)); err != nil && got.Linked || err == nil && (to != got.Best || !got.Linked) {
					t.Errorf("the best is %q, linked %v, to %q (%v)", got.Best, got.Linked, to, err)
				}
				read, err := Read(out)
				if err != nil || !reflect.DeepEqual(read, got) {
					t.Errorf("read %+v (%v), want %+v", read, err, got)
				}
			}
		})
	}
}

// TestHooks: hooks are called one at a time, whatever trains side by side, in
// the order of each run, under its seed.
func TestHooks(t *testing.T) {
	var inside atomic.Int32
	var began string
	said := make(map[session.Seed][]string)
	alone := func(seed session.Seed, what string) {
		if inside.Add(1) != 1 {
			t.Error("two hooks at once")
		}
		said[seed] = append(said[seed], what)
		inside.Add(-1)
	}
	out := filepath.Join(t.TempDir(), "tries")
	_, err := Train(context.Background(), config(t, "fc12"), waves(40, 8), Options{Tries: 4, Jobs: 3, Out: out, Hooks: Hooks{
		Begin: func(out string) { began = out },
		Run: func(seed session.Seed) session.Hooks {
			return session.Hooks{
				Start:    func(s session.Start) { alone(seed, s.Out) },
				Progress: func(session.Progress) { alone(seed, "") },
				Epoch:    func(m session.Metrics) { alone(seed, fmt.Sprint(m.Epoch)) },
			}
		},
		Done: func(try Try, s *session.Summary) { alone(try.Seed, string(s.Status)) },
	}}, openCPU)
	if err != nil || began != out {
		t.Fatalf("began in %q, want %q (%v)", began, out, err)
	}
	for seed := session.Seed(5); seed < 9; seed++ {
		got := slices.DeleteFunc(said[seed], func(s string) bool { return s == "" })
		if want := []string{filepath.Join(out, fmt.Sprintf("seed-%d", seed)), "1", "2", "finished"}; !slices.Equal(got, want) {
			t.Errorf("seed %d: %q, want %q", seed, got, want)
		}
	}
}

// broken is a VM whose losses are not numbers.
type broken struct{ vm.Trainer }

func (b broken) Losses() ([]float32, error) {
	losses, err := b.Trainer.Losses()
	for i := range losses {
		losses[i] = float32(math.NaN())
	}
	return losses, err
}

// spoilt opens no VM under some seeds, and a broken one under others.
func spoilt(none, bad []session.Seed) session.OpenVM {
	return func(cfg session.Config, p *program.Program) (vm.Trainer, string, error) {
		if slices.Contains(none, cfg.Seed) {
			return nil, "", errors.New("no machine")
		}
		m, why, err := openCPU(cfg, p)
		if err == nil && slices.Contains(bad, cfg.Seed) {
			m = broken{m}
		}
		return m, why, err
	}
}

// TestOneFails: a try that fails stands in the table, counts for nothing else,
// and stops no other. Where none finishes that is an error.
func TestOneFails(t *testing.T) {
	for name, c := range map[string]struct {
		none, bad []session.Seed
		status    string // of all
		err       string
	}{
		"none":        {status: "finished finished finished"},
		"one":         {none: []session.Seed{6}, status: "finished failed finished"},
		"all but one": {none: []session.Seed{5}, bad: []session.Seed{7}, status: "failed finished diverged"},
		"all": {
			none: []session.Seed{5}, bad: []session.Seed{6, 7}, status: "failed diverged diverged", err: "none of 3 tries finished; seed 5: no machine",
		},
	} {
		for _, jobs := range []int{1, 3} {
			out := filepath.Join(t.TempDir(), "tries")
			got, err := Train(context.Background(), config(t, "fc64"), waves(40, 8), Options{Tries: 3, Jobs: jobs, Out: out}, spoilt(c.none, c.bad))
			if c.err == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", name, err, c.err)
			}
			var status []string
			for _, try := range got.Tries {
				status = append(status, string(try.Status))
				if (try.Error == "") != (try.Status == session.Finished) {
					t.Errorf("%s: %s with the error %q", name, try.Status, try.Error)
				}
			}
			if s := strings.Join(status, " "); s != c.status || (got.Best == "") != (c.err != "") {
				t.Errorf("%s: %s, best %q; want %s", name, s, got.Best, c.status)
			}
			if _, err := os.Lstat(filepath.Join(out, Best)); err == nil != got.Linked || got.Linked && got.Best == "" {
				t.Errorf("%s: the best is %q, the link %v", name, got.Best, err)
			}
			for _, f := range got.Figures {
				if f.Tries != strings.Count(c.status, "finished") {
					t.Errorf("%s: %+v", name, f)
				}
			}
		}
	}
	var diverged *train.DivergedError
	_, err := Train(context.Background(), config(t, "fc64"), waves(40, 8), Options{Tries: 1, Out: filepath.Join(t.TempDir(), "tries")}, spoilt(nil, []session.Seed{5}))
	if !errors.As(err, &diverged) {
		t.Errorf("one that diverged: %v", err)
	}
}

// TestInterrupt: every try that trains is saved, none begins any more, and the
// table so far is there.
func TestInterrupt(t *testing.T) {
	for jobs, want := range map[int]string{1: "finished interrupted", 2: "interrupted interrupted"} {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		cfg, out := config(t, "fc12"), filepath.Join(t.TempDir(), "tries")
		trained := make(map[session.Seed]bool)
		hooks := func(seed session.Seed) session.Hooks {
			return session.Hooks{Epoch: func(m session.Metrics) {
				if trained[seed] = true; len(trained) == 2 { // both, or the second one
					cancel()
				}
			}}
		}
		if jobs == 2 {
			cfg.Epochs = 100_000
		}
		got, err := Train(ctx, cfg, waves(40, 8), Options{Tries: 4, Jobs: jobs, Out: out, Hooks: Hooks{Run: hooks}}, openCPU)
		var cut *session.InterruptedError
		if !errors.As(err, &cut) || !errors.Is(err, context.Canceled) || got == nil {
			t.Fatalf("%d jobs: %v", jobs, err)
		}
		var status []string
		for _, try := range got.Tries {
			status = append(status, string(try.Status))
			if _, _, err := run.ReadTensors(filepath.Join(out, try.Dir, run.LastFile)); err != nil {
				t.Error(err)
			}
		}
		finished := strings.Count(want, "finished")
		if s := strings.Join(status, " "); s != want || !strings.HasPrefix(cut.Saved, fmt.Sprintf("%d of 4 tries in %s finished; the model of epoch ", finished, out)) {
			t.Errorf("%d jobs: %s, want %s; %s", jobs, s, want, cut.Saved)
		}
		if strings.Count(cut.Saved, "saved in") != strings.Count(want, "interrupted") {
			t.Errorf("%d jobs: %s", jobs, cut.Saved)
		}
		if read, err := Read(out); err != nil || len(read.Tries) != 2 {
			t.Errorf("%d jobs: the table is %+v (%v)", jobs, read, err)
		}
	}
}
