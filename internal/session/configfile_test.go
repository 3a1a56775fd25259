package session

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"aegis/internal/run"
	"aegis/model"
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
		"test-limit = 9\nval = 0.125\nwindow = 8":      {"fc12", func(c *Config) { c.TestLimit, c.Val, c.Window = 9, 0.125, Window{8, 1} }},
		"lr = 1\nval = \"10%\"":                        {"fc12", func(c *Config) { c.LR, c.Val = 1, 0.1 }},
		"model = \"cvae\"\ncondition = \"none\"":       {"cvae", func(c *Config) { c.Condition = "" }},
		"hidden = []":                                  {"fc12", func(c *Config) { c.Hidden = []int{} }},
		"save_every = 500":                             {"fc12", func(c *Config) { c.SaveEvery.Steps = 500 }},
		"optimizer = \"rmsprop\"\nmomentum = 0.5":      {"fc12", func(c *Config) { c.Optimizer, c.Momentum = "rmsprop", 0.5 }},
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
		"colour = 1":                           "unknown key colour; want a key of a configuration: what a command alone knows",
		"out = \"runs/a\"":                     "unknown key out; want a key of a configuration: what a command alone knows",
		"seed = 1\nSeed = 2":                   "unknown key Seed; want perhaps seed",
		"tset-limit = 1":                       "unknown key tset-limit; want perhaps test_limit",
		"test-limit = 1\ntest_limit = 1":       "test-limit and test_limit are the same key",
		"program = \"residual\"":               "a program of one's own",
		strings.Repeat(" ", 1<<16+1):           "more than 65536 bytes",
		"hidden = " + strings.Repeat("[", 300): "300 times [",
		strings.Repeat("a.", 2000) + "a=1":     "2000 times .",
		strings.Repeat("a = {", 300):           "300 times {",
		"seed = 1\n[shape]\nwidth = 1":         "[shape] is a section; want every key by itself",
		"training.lr = 1":                      "[training] is a section",
		"[[training]]\nlr = 1":                 "[training] is a section",
		"\"a b\" = 1":                          "unknown key \"a b\"",
		"lr = 1\nlr = 2":                       "already been defined",
		"lr = \"fast\"":                        "lr: want a number, got the text \"fast\"",
		"lr = [1.0]":                           "lr: want a number, got a list",
		"latent = 12.0":                        "latent: want a whole number, got 12.0",
		"latent = 012":                         "line 1",
		"test-limit = \"5\"":                   "test-limit: want a whole number, got the text \"5\"",
		"gray = 1":                             "gray: want true or false, got 1",
		"loss = true":                          "loss: want text in quotes, got true",
		"normal_class = 8":                     "normal_class: want text in quotes, got 8",
		"hidden = \"512,256\"":                 "hidden: want a list such as [3, 7], got the text \"512,256\"",
		"columns = \"a\"":                      "columns: want a list such as [\"a\", \"b\"], got the text \"a\"",
		"columns = [1]":                        "columns: value 1 of the list: want text in quotes, got 1",
		"seed = 1\nhidden = [1.5]":             "hidden: value 1 of the list: want a whole number, got 1.5",
		"image = [1, 28]":                      "image: want a list of 3 values, got 2",
		"data = {at = \"x\"}":                  "data: want text in quotes, got a section",
		"data = 5":                             "data: want text in quotes, got 5",
		"data = 2026-01-02":                    "data: want text in quotes, got a date",
		"data = '\"x'":                         "data: aegis: path \"x; want it quoted as in Go",
		"val = \"half\"":                       "val: data: \"half\" rows to hold out",
		"val = true":                           "val: want text in quotes, got true",
		"window = 1":                           "window: want lines of at least 2",
		"size = \"9\"":                         "size: want height and width",
		"seed = \"a\"":                         "seed: want a whole number, got a",
		"init = \"runs/a\"":                    "init \"runs/a\" is how parameters are drawn, torch or glorot; want perhaps init_from",
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

// TestReadConfig: a preset that is asked for is bent by a file, unless that has
// another network whole, and keys of a command's own are read beside it.
func TestReadConfig(t *testing.T) {
	whole, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(WriteConfig(whole, config(t, "fc64")), whole.Close()); err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadFile(whole.Name())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text, preset, want string
	}{
		"no model":              {"epochs = 3\nout = 'a'", "conv", ""},
		"the same":              {"model = \"conv\"\nepochs = 3\nout = 'a'", "conv", ""},
		"another":               {"model = \"fc64\"\nepochs = 3\nout = 'a'", "conv", ""},
		"a whole file":          {string(all), "conv", "says all of a network, fc64: as model conv only its name"},
		"no preset":             {"epochs = 3", "mine", "unknown model \"mine\""},
		"not the command's own": {"epochs = 3\nuot = 'a'", "conv", "unknown key uot; want perhaps out"},
		"its type":              {"out = 1", "conv", "out: want text in quotes, got 1"},
	} {
		path, out := filepath.Join(t.TempDir(), "run.toml"), ""
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadConfig(path, c.preset, []Setting{{Key: "out", Value: &out}})
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, want %q", name, err, c.want)
			}
			continue
		}
		want := config(t, c.preset)
		want.Batch, want.Epochs = got.Batch, 3
		if err != nil || !reflect.DeepEqual(got, want) || out != "a" {
			t.Errorf("%s: got\n%+v (%v), out %q; want\n%+v", name, got, err, out, want)
		}
	}
}

// TestEveryOptionComesBack writes each option with another value than the
// preset's, and reads it.
func TestEveryOptionComesBack(t *testing.T) {
	for _, o := range configTable() {
		want := config(t, "conv")
		other(o.At(&want))
		switch o.Key {
		case "init":
			want.Init = model.InitGlorot
		case "data", "init_from":
			reflect.ValueOf(o.At(&want)).Elem().SetString(filepath.Join(t.TempDir(), "a b"))
		}
		path := filepath.Join(t.TempDir(), "config.toml")
		var text strings.Builder
		if err := WriteConfig(&text, want); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadConfig(path, "", nil)
		if err != nil {
			t.Errorf("%s: %v", o.Key, err)
			continue
		}
		for _, same := range configTable() {
			a, b := reflect.ValueOf(same.At(&got)).Elem(), reflect.ValueOf(same.At(&want)).Elem()
			if a.Kind() == reflect.Slice && a.Len()+b.Len() == 0 {
				continue // none, as nil or not
			}
			if !reflect.DeepEqual(a.Interface(), b.Interface()) {
				t.Errorf("%s: %s is %v, want %v", o.Key, same.Key, a, b)
			}
		}
	}
}
