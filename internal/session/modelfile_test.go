package session

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"aegis/data"
	"aegis/internal/run"
)

// other sets what a pointer of the table points to to something else.
func other(pointer any) {
	switch v := pointer.(type) {
	case *Size:
		*v = Size{Height: v.Height + 3, Width: v.Width + 4}
	case *Window:
		*v = Window{Lines: v.Lines + 8, Step: v.Step + 2}
	case *SaveEvery:
		*v = SaveEvery{Time: v.Time + 1500*time.Millisecond}
	case *data.Held:
		*v += 0.125
	case *[3]int:
		*v = [3]int{2, 3, 4}
	case *[]int:
		*v = append(slices.Clone(*v), 3, 7)
	case *[]string:
		*v = append(slices.Clone(*v), "a", "b, \"c\"")
	case *Seed:
		*v = 1<<64 - 2
	case *int:
		*v += 11
	case *float64:
		*v += 0.1
	case *bool:
		*v = !*v
	default:
		at := reflect.ValueOf(pointer).Elem()
		at.SetString(at.String() + "other")
	}
}

// TestModelKeeps: a model file has every option but those that are of a run's
// machine and paths.
func TestModelKeeps(t *testing.T) {
	kept := func(c Config) string {
		text, err := json.Marshal(modelConfig{c})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	base := kept(config(t, "fc12"))
	var local []string
	for _, o := range configTable() {
		c := config(t, "fc12")
		other(o.At(&c))
		text := kept(c)
		if o.Local != (text == base) {
			t.Errorf("%s: of the run alone %v, and a model file has\n%s", o.Key, o.Local, text)
		}
		if o.Local {
			local = append(local, o.Key)
		}
		if there := strings.Contains(text, `"`+o.Key+`":`); there == o.Local {
			t.Errorf("%s: there %v in\n%s", o.Key, there, text)
		}
	}
	for _, c := range []ProgramConfig{{Epochs: 3}, {Epochs: 3, Device: DeviceTape, GPU: 1, Threads: 2}} {
		if text, err := json.Marshal(modelConfig{c}); err != nil || string(text) != `{"epochs":3,"seed":0,"val":0}` {
			t.Errorf("a program's own: %s (%v)", text, err)
		}
	}
	for _, key := range []string{"device", "gpu", "threads", "data", "init_from"} {
		if !slices.Contains(local, key) {
			t.Errorf("want %s of the run alone, got %q", key, local)
		}
	}
}

// TestSameBytes: runs that differ in their machine and their paths alone leave
// the same bytes.
func TestSameBytes(t *testing.T) {
	ds, dir := blobs(24, 8, 6, 6), t.TempDir()
	started := filepath.Join(dir, "started")
	if _, err := trained(context.Background(), config(t, "fc12"), ds, Options{Out: started}); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "elsewhere"), os.DirFS(started)); err != nil {
		t.Fatal(err)
	}
	var files [2][2][]byte
	for i, bend := range []func(*Config){
		func(c *Config) { c.InitFrom, c.Threads = Path(started), 1 },
		func(c *Config) {
			c.InitFrom, c.Threads, c.Device, c.GPU, c.Data = Path(filepath.Join(dir, "elsewhere")), 2, DeviceCPU, 3, "a/path"
		},
	} {
		cfg, out := config(t, "fc12"), filepath.Join(dir, string(rune('a'+i)))
		bend(&cfg)
		if _, err := trained(context.Background(), cfg, ds, Options{Out: out}); err != nil {
			t.Fatal(err)
		}
		for j, name := range []string{run.ModelFile, run.LastFile} {
			var err error
			if files[i][j], err = os.ReadFile(filepath.Join(out, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for j, name := range []string{run.ModelFile, run.LastFile} {
		if !bytes.Equal(files[0][j], files[1][j]) {
			t.Errorf("%s differs", name)
		}
	}
}
