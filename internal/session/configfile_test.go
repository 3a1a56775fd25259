package session

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"aegis/internal/run"
)

// TestConfigComesBack writes configurations as a run does, and reads them.
func TestConfigComesBack(t *testing.T) {
	for name, bend := range map[string]func(*Config){
		"a preset":           func(*Config) {},
		"the largest seed":   func(c *Config) { c.Seed = math.MaxUint64 },
		"no hidden layers":   func(c *Config) { c.Hidden = []int{} },
		"a name of its own":  func(c *Config) { c.Model, c.Output = "mine: \"größer\" '7'", "tanh" },
		"a share held out":   func(c *Config) { c.Val = 0.1 },
		"a scaling":          func(c *Config) { c.Scale = "minmax" },
		"vectors":            func(c *Config) { c.Image = [3]int{0, 0, 30} },
		"rows held out":      func(c *Config) { c.Val = 5000 },
		"a path":             func(c *Config) { c.Data = `C:\data\"quoted" and ünï` },
		"a path, no UTF-8":   func(c *Config) { c.Data = "/data/\xff\xfe/\n" },
		"a path with quotes": func(c *Config) { c.Data = `"data"` },
	} {
		t.Run(name, func(t *testing.T) {
			want, err := NewConfig("conv")
			if err != nil {
				t.Fatal(err)
			}
			want.Image = [3]int{1, 28, 28}
			bend(&want)
			d, err := run.Create(t.TempDir(), false)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.WriteConfig(want.settings()); err != nil {
				t.Fatal(err)
			}
			got, err := LoadConfig(d.Path(run.ConfigFile))
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
			var again Config
			if err := json.Unmarshal(text, &again); err != nil || again.Data != want.Data || again.Seed != want.Seed {
				t.Errorf("as JSON: %+v, %v", again, err)
			}
		})
	}
}

// TestLoadConfigFillsIn reads files that say little: the rest is the preset's.
func TestLoadConfigFillsIn(t *testing.T) {
	for text, c := range map[string]struct {
		preset string
		bend   func(*Config)
	}{
		"":         {"fc12", func(*Config) {}},
		"seed = 7": {"fc12", func(c *Config) { c.Seed = 7 }},
		"model = \"conv\"\nepochs = 1\nlimit = 500":    {"conv", func(c *Config) { c.Epochs, c.Limit = 1, 500 }},
		"epochs = 2\nmodel = \"fc128\"":                {"fc128", func(c *Config) { c.Epochs = 2 }},
		"model = \"fc3\"\nhidden = [9]":                {"fc3", func(c *Config) { c.Hidden = []int{9} }},
		"model = \"fc64\"\nlikelihood = \"bernoulli\"": {"fc64", func(c *Config) { c.Loss, c.Likelihood, c.Beta, c.ActivateCode = "", "bernoulli", 1, false }},
		"model = \"fc64\"\nprior = \"normal\"":         {"fc64", func(c *Config) { c.Prior, c.ActivateCode = "normal", false }},
		"model = \"aae\"\noptimizer = \"sgd\"":         {"aae", func(c *Config) { c.Optimizer, c.Beta1 = "sgd", 0 }},
		"optimizer = \"rmsprop\"\nmomentum = 0.5":      {"fc12", func(c *Config) { c.Optimizer, c.Momentum = "rmsprop", 0.5 }},
		"hidden = []": {"fc12", func(c *Config) { c.Hidden = []int{} }},
	} {
		want, err := NewConfig(c.preset)
		if err != nil {
			t.Fatal(err)
		}
		c.bend(&want)
		path := filepath.Join(t.TempDir(), "config.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := LoadConfig(path); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got\n%+v (%v)\nwant\n%+v", text, got, err, want)
		}
	}
}

func TestLoadConfigErrors(t *testing.T) {
	for text, want := range map[string]string{
		"model = ":                             "line 1",
		"colour = 1":                           "unknown key colour",
		"seed = 1\nSeed = 2":                   "unknown key Seed; want perhaps seed",
		"test-limit = 1":                       "want perhaps test_limit",
		"program = \"residual\"":               "a program of one's own",
		strings.Repeat(" ", 1<<16+1):           "more than 65536 bytes",
		"hidden = " + strings.Repeat("[", 300): "300 times [",
		strings.Repeat("a.", 2000) + "a=1":     "2000 times .",
		strings.Repeat("a = {", 300):           "300 times {",
		"[shape]\nwidth = 1":                   "unknown key shape",
		"\"a b\" = 1":                          "unknown key \"a b\"",
		"lr = 1\nlr = 2":                       "already been defined",
		"lr = \"fast\"":                        "line 1 (last key \"lr\"): incompatible types",
		"seed = 1\nhidden = [1.5]":             "line 2 (last key \"hidden\")",
		"image = [1, 28]":                      "expected array length 3",
		"data = {at = \"x\"}":                  "last key \"data\"",
		"data = '\"x'":                         "want it quoted as in Go",
		"val = \"half\"":                       "half",
		"seed = \"a\"":                         "whole number",
		"model = \"fc12\"\nlr = -1":            "learning rate -1",
		"model = \"mine\"\nlatent = 3":         "every key: family, hidden, activation",
	} {
		path := filepath.Join(t.TempDir(), "config.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadConfig(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}
