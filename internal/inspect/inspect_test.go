package inspect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/inspect"
	"aegis/internal/run"
	"aegis/model/program"
)

const earlier = "../../testdata/0.1.0/fc"

// table is a source of three columns and two classes, a value of which is
// missing.
func table(context.Context, string, bool) (*data.Source, error) {
	nan := float32(math.NaN())
	rows, err := data.Matrix([][]float32{{1, -4, 0}, {3, nan, 0}, {2, 8, 0}})
	if err != nil {
		return nil, err
	}
	return &data.Source{
		Name: "table", Train: data.Set{Rows: rows, Labels: []byte{1, 1, 0}}, Test: data.Set{Rows: rows.Slice(0, 1), Labels: []byte{1}},
		Form: data.Form{Columns: []string{"a", "b", "c"}, Classes: []string{"x", "y", "z"}}, Notes: []string{"a note"},
	}, nil
}

func opened(_ context.Context, what string, _ bool) (*data.Source, error) { return data.Open(what) }

func TestKinds(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var others bytes.Buffer
	tensor := program.Tensor{Shape: []int{2, 1}, Data: []float32{1, 2}}
	if err := run.EncodeTensors(&others, map[string]program.Tensor{"fc.weight": tensor}, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	unfinished := filepath.Join(dir, "unfinished")
	if err := os.Mkdir(unfinished, 0o777); err != nil {
		t.Fatal(err)
	}
	put("unfinished/metrics.jsonl", `{"epoch":1,"train_loss":3}`+"\n"+`{"epoch":2,"train_loss":2}`+"\n"+`{"epo`)
	npy := func(descr, values string) string {
		head := "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (1, 2), }"
		return "\x93NUMPY\x01\x00" + string(rune(len(head))) + "\x00" + head + values
	}
	for _, c := range []struct{ path, kind, text string }{
		{earlier, inspect.KindRun, "finished after 3 epochs, the best is 3"},
		{earlier, inspect.KindRun, "encoder.0  Linear  –       30     8       relu        248"},
		{earlier, inspect.KindRun, "model.safetensors  3.2 KiB"},
		{earlier + "/model.safetensors", inspect.KindModel, "decoder.2.weight  F32   [30×8]  960 bytes"},
		{earlier + "/last.safetensors", inspect.KindCheckpoint, "optimizer slots: train.m, train.v"},
		{earlier + "/last.safetensors", inspect.KindCheckpoint, "epoch 3, step 12"},
		{earlier + "/config.toml", inspect.KindConfig, "\nlimit = 64\n"},
		{earlier + "/summary.json", inspect.KindSummary, "test 0.395092"},
		{unfinished, inspect.KindRun, "of epoch 2\nloss    train 2, val –"},
		{put("weights.bin", others.String()), inspect.KindTensors, "fc.weight  F32   [2×1]  8 bytes"},
		{put("rows", npy("|u1", "ab")), inspect.KindData, "mean 97.5, from 97 to 98"},
		{put("texts", npy("<U1", "abcdefgh")), inspect.KindArrays, "no rows to train on"},
	} {
		r, err := inspect.Inspect(context.Background(), c.path, opened)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		var text bytes.Buffer
		if err := r.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		if r.Kind != c.kind || !strings.Contains(text.String(), c.text) {
			t.Errorf("%s: %s, want %s with %q:\n%s", c.path, r.Kind, c.kind, c.text, text.String())
		}
		if _, err := json.Marshal(r); err != nil {
			t.Errorf("%s: %v", c.path, err)
		}
	}
}

func TestData(t *testing.T) {
	r, err := inspect.Inspect(context.Background(), "no such file", table)
	if err != nil {
		t.Fatal(err)
	}
	want := []inspect.Set{
		{Name: "train", Rows: 3, Classes: []inspect.Class{{Name: "x", Rows: 1}, {Name: "y", Rows: 2}, {Name: "z"}}},
		{Name: "test", Rows: 1, Classes: []inspect.Class{{Name: "x"}, {Name: "y", Rows: 1}, {Name: "z"}}},
	}
	if !reflect.DeepEqual(r.Data.Sets, want) {
		t.Errorf("sets %+v, want %+v", r.Data.Sets, want)
	}
	b := r.Data.Columns[1]
	if b.Name != "b" || b.Mean != 0 || b.Min != -4 || b.Max != 8 || b.Missing != 1 {
		t.Errorf("column %+v", b)
	}
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil || !strings.Contains(text.String(), "b       0     -4   8    1") || !strings.Contains(text.String(), "a note") {
		t.Errorf("%v:\n%s", err, text.String())
	}
}

// TestDamaged cuts files at each byte and changes bytes one by one: there is an
// error or a report, and no panic.
func TestDamaged(t *testing.T) {
	for _, name := range []string{"model.safetensors", "config.toml", "summary.json"} {
		whole, err := os.ReadFile(filepath.Join(earlier, name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), name)
		try := func(text []byte) error {
			if err := os.WriteFile(path, text, 0o666); err != nil {
				t.Fatal(err)
			}
			r, err := inspect.Inspect(context.Background(), path, opened)
			if err != nil {
				return err
			}
			var out bytes.Buffer
			return r.WriteText(&out)
		}
		step := max(1, len(whole)/60)
		for n := 0; n < len(whole); n += step {
			if err := try(whole[:n]); err == nil && name == "model.safetensors" {
				t.Errorf("%s cut at %d of %d bytes was read", name, n, len(whole))
			}
			changed := bytes.Clone(whole)
			changed[n] ^= 0x15
			_ = try(changed) // any outcome but a panic
		}
	}
}

func TestErrors(t *testing.T) {
	empty := t.TempDir()
	for what, want := range map[string]string{"": "no path", empty: "", filepath.Join(empty, "missing"): "no such file"} {
		if _, err := inspect.Inspect(context.Background(), what, opened); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", what, err, want)
		}
	}
	var none context.Context
	if _, err := inspect.Inspect(none, earlier, opened); err == nil {
		t.Error("no context, and no error")
	}
}
