package session

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"aegis/internal/run"
	"aegis/internal/train"
	"aegis/model/program"
)

func TestSaved(t *testing.T) {
	start, one, four := &moment{0, 7}, &moment{1, 40}, &moment{4, 160}
	late := &moment{4, 165}
	for want, s := range map[string]saved{
		"no epoch has finished; the earlier run in d is as it was":                                   {replacing: true, noState: start},
		"epoch 1 could not be saved; the earlier run in d is as it was":                              {replacing: true, made: one, model: one, noState: one},
		"no model was made yet in d":                                                                 {},
		"nothing is saved in d; the state of step 7 is not":                                          {made: start, noModel: start, noState: start},
		"nothing is saved in d; the model of epoch 1 and the state of step 40 are not":               {made: one, noModel: one, noState: one},
		"the state of step 7 is saved in d":                                                          {made: start, model: start, state: start},
		"the model of step 7 is saved in d; the state of step 7 is not":                              {made: start, model: start, noState: start},
		"the model of epoch 1 is saved in d; the state of step 40 is not":                            {made: one, model: one, noState: one},
		"the model of epoch 1 and the state of step 40 are saved in d":                               {made: one, model: one, state: one},
		"the model of epoch 1 and the state of step 160 are saved in d":                              {made: one, model: one, state: four},
		"the model of epoch 1 and the state of step 40 are saved in d; the state of step 160 is not": {made: one, model: one, state: one, noState: four},
		"the model of epoch 1 and the state of step 40 are saved in d; the model of epoch 4 and the state of step 165 are not": {
			made: four, model: one, state: one, noModel: four, noState: late,
		},
		"the model of epoch 4 and the state of step 40 are saved in d; the state of step 165 is not": {made: four, model: four, state: one, noState: late},
	} {
		s.out = "d"
		if got := s.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestWordsAreTrue keeps two states, either of which, or its model too, may not
// be written or fail to be, and holds what is said to what the files hold.
func TestWordsAreTrue(t *testing.T) {
	const fine, state, both = "", "slot", "w" // the tensor that cannot be written
	for _, replacing := range []bool{false, true} {
		for _, first := range []string{fine, state, both} {
			for _, second := range []string{fine, state, both} {
				for _, best := range []bool{false, true} {
					for _, writes := range [][2]bool{{true, true}, {true, false}, {false, true}} {
						name := fmt.Sprintf("replacing %v, broken %q and %q, best %v, written %v", replacing, first, second, best, writes)
						t.Run(name, func(t *testing.T) {
							t.Parallel()
							wordsAreTrue(t, replacing, [2]string{first, second}, [2]bool{true, best}, writes)
						})
					}
				}
			}
		}
	}
}

func wordsAreTrue(t *testing.T, replacing bool, broken [2]string, best, writes [2]bool) {
	dir := filepath.Join(t.TempDir(), "run")
	create := func(metadata map[string]string) *run.Dir {
		d, err := run.Create(dir, true)
		if err != nil {
			t.Fatal(err)
		}
		if metadata == nil {
			return d
		}
		if err := errors.Join(d.WriteTensors(run.ModelFile, nil, metadata), d.Close()); err != nil {
			t.Fatal(err)
		}
		return nil
	}
	if replacing {
		create(map[string]string{"epoch": "earlier", "step": "earlier"})
	}
	c := checkpoints{dir: create(nil), params: []program.Param{{Name: "w"}}}
	var model, state moment
	for i := range 2 {
		s := &program.State{Step: int64(10 * (i + 1)), Tensors: make(map[string]program.Tensor)}
		for _, tensor := range []string{"w", "slot"} {
			s.Tensors[tensor] = program.Tensor{Shape: []int{1}, Data: []float32{1}}
			if tensor == broken[i] {
				s.Tensors[tensor] = program.Tensor{Shape: []int{1}}
			}
		}
		at := course{Position: train.Position{Epoch: i + 1, Step: s.Step}}
		if best[i] {
			at.Best = &bestEpoch{Epoch: i + 1, Step: s.Step}
		}
		c.keep(s, at, best[i])
		if state = (moment{i + 1, s.Step}); best[i] {
			model = state
		}
		if writes[i] {
			_ = c.finish() // the words say it
		}
	}
	want := saved{out: dir, made: &model, model: momentOf(t, dir, run.ModelFile), state: momentOf(t, dir, run.LastFile)}
	if want.replacing = replacing && want.model == nil; !want.replacing {
		if want.model == nil || *want.model != model {
			want.noModel = &model
		}
		if want.state == nil || *want.state != state {
			want.noState = &state
		}
	}
	if got := c.saved().String(); got != want.String() {
		t.Errorf("%q, want %q", got, want)
	}
	if err := c.dir.Close(); err != nil {
		t.Error(err)
	}
}

// momentOf returns what a run's file is of, nil where there is none or where it
// is an earlier run's.
func momentOf(t *testing.T, dir, name string) *moment {
	t.Helper()
	_, metadata, err := run.ReadTensors(filepath.Join(dir, name))
	if errors.Is(err, os.ErrNotExist) || metadata["epoch"] == "earlier" {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var m moment
	if _, err := fmt.Sscan(metadata["epoch"], &m.epoch); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(metadata["step"], &m.step); err != nil {
		t.Fatal(err)
	}
	return &m
}
