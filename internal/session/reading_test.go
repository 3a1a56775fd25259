package session

import (
	"context"
	"encoding"
	"flag"
	"path/filepath"
	"strings"
	"testing"

	"aegis/data"
)

func TestReadingValidate(t *testing.T) {
	for want, r := range map[string]Reading{
		"":                       {Size: Size{64, 48}, ImageFit: data.FitPad, Window: Window{32, 8}, Header: "no", Decimal: ",", Impute: "mean"},
		`fit "zoom"`:             {ImageFit: "zoom"},
		`header "maybe"`:         {Header: "maybe"},
		`decimal ";"`:            {Decimal: ";"},
		`impute "zero"`:          {Impute: "zero"},
		"size 0×5":               {Size: Size{0, 5}},
		"size 5×100000":          {Size: Size{5, 100000}},
		"window of 1 lines":      {Window: Window{1, 1}},
		"window of 4 lines, ste": {Window: Window{4, 5}},
		`column "a" is to be re`: {Columns: []string{"b", "a"}, Drop: []string{"a"}},
	} {
		if err := r.validate(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestReadingAsText reads sizes and windows from text and writes them back.
func TestReadingAsText(t *testing.T) {
	type value interface {
		flag.Value
		encoding.TextMarshaler
	}
	for text, c := range map[string]struct {
		into value
		want string // empty: it cannot be read
	}{
		"64x48": {new(Size), "64x48"}, "64×48": {new(Size), "64x48"}, "64": {into: new(Size)}, "0x1": {into: new(Size)}, "ax2": {into: new(Size)},
		"32:8": {new(Window), "32:8"}, "32": {new(Window), "32"}, "32:1": {new(Window), "32"}, "8:9": {into: new(Window)}, "1": {into: new(Window)}, "x:1": {into: new(Window)},
	} {
		err := c.into.Set(text)
		if (err == nil) != (c.want != "") {
			t.Errorf("%s: error %v", text, err)
		}
		if got, _ := c.into.MarshalText(); err == nil && string(got) != c.want {
			t.Errorf("%s is written %s, want %s", text, got, c.want)
		}
	}
}

// TestNormalClass trains on one class, and tests with it alone.
func TestNormalClass(t *testing.T) {
	cfg, src := config(t, "fc12"), blobs(80, 40, 6, 6)
	src.Classes = []string{"a", "b", "c", "d"}
	cfg.NormalClass = "c"
	var start Start
	s, err := trained(context.Background(), cfg, src, Options{Out: filepath.Join(t.TempDir(), "run"), Hooks: Hooks{Start: func(at Start) { start = at }}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Rows != 20 || s.TestRows != 10 || start.TrainRows != 20 || start.Tests != 10 || !strings.Contains(strings.Join(start.Notes, "\n"), "class c is normal") {
		t.Errorf("summary %+v, start %+v; want 20 rows to train on and 10 to test", s, start)
	}
	cfg.NormalClass = "e"
	if _, err := trained(context.Background(), cfg, src, Options{Out: filepath.Join(t.TempDir(), "run")}); err == nil || !strings.Contains(err.Error(), `unknown class "e"`) {
		t.Errorf("error %v", err)
	}
}

// TestTestSplit holds test rows out of the training set.
func TestTestSplit(t *testing.T) {
	cfg, src := config(t, "fc12"), blobs(80, 40, 6, 6)
	cfg.TestSplit, cfg.Val = 0.25, 4
	if _, err := trained(context.Background(), cfg, src, Options{Out: filepath.Join(t.TempDir(), "run")}); err == nil || !strings.Contains(err.Error(), "has a set of 40 rows for that; leave test split out") {
		t.Errorf("error %v", err)
	}
	src.Test = data.Set{}
	s, err := trained(context.Background(), cfg, src, Options{Out: filepath.Join(t.TempDir(), "run")})
	if err != nil {
		t.Fatal(err)
	}
	if s.Rows != 56 || s.TestRows != 20 || s.PicturesOf != "test images" || s.TestLoss == nil {
		t.Errorf("summary %+v; want 56 rows to train on and 20 to test", s)
	}
}
