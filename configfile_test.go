package aegis_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"aegis"
	"aegis/internal/run"
)

// TestConfigComesBack writes configurations as a run does, and reads them.
func TestConfigComesBack(t *testing.T) {
	for name, bend := range map[string]func(*aegis.Config){
		"a preset":           func(*aegis.Config) {},
		"the largest seed":   func(c *aegis.Config) { c.Seed = math.MaxUint64 },
		"no hidden layers":   func(c *aegis.Config) { c.Hidden = []int{} },
		"a share held out":   func(c *aegis.Config) { c.Val = 0.1 },
		"rows held out":      func(c *aegis.Config) { c.Val = 5000 },
		"a scaling":          func(c *aegis.Config) { c.Scale = "minmax" },
		"vectors":            func(c *aegis.Config) { c.Image = [3]int{0, 0, 30} },
		"a path":             func(c *aegis.Config) { c.Data = `C:\data\"quoted" and ünï` },
		"a path, no UTF-8":   func(c *aegis.Config) { c.Data = "/data/\xff\xfe/\n" },
		"a path with quotes": func(c *aegis.Config) { c.Data = `"data"` },
	} {
		t.Run(name, func(t *testing.T) {
			want, err := aegis.NewConfig("conv")
			if err != nil {
				t.Fatal(err)
			}
			want.Image = [3]int{1, 28, 28}
			bend(&want)
			d, err := run.Create(t.TempDir(), false)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.WriteConfig(want); err != nil {
				t.Fatal(err)
			}
			got, err := aegis.LoadConfig(d.Path(run.ConfigFile))
			if err != nil {
				t.Fatal(err)
			}
			if len(want.Hidden) == 0 {
				got.Hidden, want.Hidden = nil, nil
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%+v\nwant\n%+v", got, want)
			}
			text, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			var again aegis.Config
			if err := json.Unmarshal(text, &again); err != nil || again.Data != want.Data || again.Seed != want.Seed {
				t.Errorf("as JSON: %+v, %v", again, err)
			}
		})
	}
}

func TestLoadConfigErrors(t *testing.T) {
	for text, want := range map[string]string{
		"model = ":                  "line 1",
		"colour = 1":                "unknown key colour",
		"seed = \"a\"":              "whole number",
		"model = \"fc12\"\nlr = -1": "learning rate -1",
	} {
		path := filepath.Join(t.TempDir(), "config.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := aegis.LoadConfig(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}
