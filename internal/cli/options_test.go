package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"aegis"
	"aegis/data"
	"aegis/internal/run"
)

// TestTable holds each flag to what it needs, and each key to its flag.
func TestTable(t *testing.T) {
	var c call
	names, keys := make(map[string]bool), make(map[string]bool)
	for _, o := range options() {
		if o.key != "" && keys[o.key] || o.key == "" && o.name == "" {
			t.Errorf("key %q is there twice, or neither key nor flag is: %+v", o.key, o)
		}
		keys[o.key] = true
		if o.name == "" {
			continue
		}
		if names[o.name] || o.help == "" || (o.value == "") != isSwitch(o.at(&c)) {
			t.Errorf("--%s is there twice or lacks something: %+v", o.name, o)
		}
		names[o.name] = true
	}
	for name, want := range map[string]bool{"test-limit": true, "val": true, "family": false, "image": false, "config": true, "force": true} {
		if names[name] != want {
			t.Errorf("--%s: there %v, want %v", name, names[name], want)
		}
	}
}

// TestFlags reads a value for each option, with one dash and two, behind a
// space and an equals sign, and writes and reads the file.
func TestFlags(t *testing.T) {
	values := map[string]string{
		"model": "conv", "hidden": "4,5", "latent": "07", "activation": "gelu", "output": "sigmoid",
		"loss": "bce", "optimizer": "sgd", "lr": "0.25", "schedule": "cosine", "init": "runs/a", "momentum": "0.5", "clip-norm": "1.5", "clip-value": "0.25",
		"warmup": "3", "schedule-epochs": "8", "weight-decay": "0.0625", "beta1": "0.25", "beta2": "0.75", "epsilon": "1e-3", "rmsprop-alpha": "0.875", "batch": "9", "epochs": "3", "ema": "0.75", "seed": "18446744073709551615",
		"data": "some where", "scale": "minmax", "limit": "100", "val": "12.5%", "test-limit": "6", "device": "tape", "gpu": "1", "threads": "2", "out": "dir",
		"likelihood": "bernoulli", "beta": "2", "kl-warmup": "1.5", "free-bits": "0.125", "condition": "labels", "binarize": "static",
		"dropout": "0.25", "corrupt": "mask:0.3", "sparse": "topk:5", "code-l2": "1e-4", "l1": "0.125", "l2": "0.5",
		"size": "48x64", "fit": "pad", "columns": `a,"b,c"`, "drop": "d", "label": "e", "impute": "median", "window": "8:2",
		"tries": "3", "jobs": "2",
		"header": "no", "delimiter": ";", "decimal": ",", "keys": "train=x", "normal-class": "3", "test-split": "20%", "patience": "4", "save-every": "30s",
	}
	want := &call{out: "dir", tries: 3, jobs: 2, force: true, quiet: true, json: true, summary: true, plan: true, doctor: true, version: true}
	var err error
	if want.config, err = aegis.NewConfig("conv"); err != nil {
		t.Fatal(err)
	}
	c := &want.config
	c.Hidden, c.Latent, c.Activation, c.Output = []int{4, 5}, 7, "gelu", "sigmoid"
	c.ActivateCode, c.Schedule, c.InitFrom = true, "cosine", "runs/a"
	c.Loss, c.Optimizer, c.LR, c.Momentum, c.Batch, c.Epochs = "bce", "sgd", 0.25, 0.5, 9, 3
	c.Warmup, c.ScheduleEpochs, c.WeightDecay, c.Nesterov = 3, 8, 0.0625, true
	c.Beta1, c.Beta2, c.Epsilon, c.RMSpropAlpha = 0.25, 0.75, 1e-3, 0.875
	c.ClipNorm, c.ClipValue = 1.5, 0.25
	c.Seed, c.Data, c.Scale, c.Limit, c.Val, c.TestLimit = 1<<64-1, "some where", "minmax", 100, 0.125, 6
	c.BatchNorm, c.Dropout, c.Corrupt, c.Sparse, c.CodeL2, c.L1, c.L2 = true, 0.25, "mask:0.3", "topk:5", 1e-4, 0.125, 0.5
	c.EMA = 0.75
	c.Device, c.GPU, c.Threads = "tape", 1, 2
	c.Likelihood, c.Beta, c.KLWarmup, c.FreeBits = "bernoulli", 2, 1.5, 0.125
	c.Condition, c.Binarize = "labels", "static"
	c.Reading = aegis.Reading{
		Size: aegis.Size{Height: 48, Width: 64}, ImageFit: data.FitPad, Gray: true, Strict: true,
		Columns: []string{"a", "b,c"}, Drop: []string{"d"}, Label: "e", Impute: "median", Window: aegis.Window{Lines: 8, Step: 2},
		Header: "no", Delimiter: ";", Decimal: ",", Keys: "train=x",
	}
	c.NormalClass, c.TestSplit = "3", 0.2
	c.Patience, c.SaveEvery = 4, aegis.SaveEvery{Time: 30 * time.Second}
	forms := map[string]func(name, text string) []string{
		"-x v":  func(name, text string) []string { return []string{"-" + name, text} },
		"--x v": func(name, text string) []string { return []string{"--" + name, text} },
		"-x=v":  func(name, text string) []string { return []string{"-" + name + "=" + text} },
		"--x=v": func(name, text string) []string { return []string{"--" + name + "=" + text} },
	}
	for form, args := range forms {
		var all []string
		for _, o := range options() {
			switch text, ok := values[o.name]; {
			case ok:
				all = append(all, args(o.name, text)...)
			case o.value == "" && o.name != "":
				all = append(all, "--"+o.name)
			}
		}
		got, err := parseCall(all)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got\n%+v (%v)\nwant\n%+v", form, got, err, want)
		}
	}
	d, err := run.Create(filepath.Join(t.TempDir(), "run"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	c.Loss, c.Sparse, c.CodeL2, c.ActivateCode = "", "", 0, false // a likelihood and a divergence stand in their places
	c.Beta1, c.Beta2, c.Epsilon, c.RMSpropAlpha = 0, 0, 0, 0      // other optimizers'
	var settings []run.Setting
	for _, o := range options() {
		if o.key != "" {
			settings = append(settings, run.Setting{Key: o.key, Value: o.at(want)})
		}
	}
	if err := d.WriteConfig(settings); err != nil {
		t.Fatal(err)
	}
	got, err := parseCall([]string{"--batch", "10", "--config", d.Path(run.ConfigFile)})
	c.Batch = 10
	if err != nil || !reflect.DeepEqual(got.config, *c) || got.file == "" {
		t.Errorf("from a file: got\n%+v (%v)\nwant\n%+v", got, err, *c)
	}
}

// TestFile: a file has the command's own options too, and flags go before it.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.toml")
	text := "model = 'fc64'\nlatent = 16\ntest-limit = 5\nout = 'runs/a'\nforce = true\nquiet = true\njson = true\nlr = 0.5"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want, err := aegis.NewConfig("fc64")
	if err != nil {
		t.Fatal(err)
	}
	want.Latent, want.TestLimit, want.LR = 16, 5, 0.25
	got, err := parseCall([]string{"--force=false", "--lr", "0.25", "--config", path, "--out", "runs/b"})
	if err != nil || !reflect.DeepEqual(got, &call{config: want, file: path, out: "runs/b", quiet: true, json: true}) {
		t.Errorf("got %+v (%v)", got, err)
	}
	for _, o := range runOptions() {
		key := strings.ReplaceAll(o.name, "-", "_")
		value := "2"
		switch at := o.at(new(call)); {
		case isSwitch(at):
			value = "true"
		case isText(at):
			value = "'a'"
		}
		if err := os.WriteFile(path, []byte(key+" = "+value), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := parseCall([]string{"--config", path})
		if err != nil || reflect.ValueOf(o.at(c)).Elem().IsZero() {
			t.Errorf("%s: %+v, %v", key, c, err)
		}
	}
	for text, want := range map[string]string{
		"quit = true":    "unknown key quit; want perhaps quiet",
		"version = true": "unknown key version",
		"out = 3":        "out: want text in quotes, got 3",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := parseCall([]string{"--config", path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}

// TestNone: the word takes an option away, and a likelihood takes a preset's
// loss away.
func TestNone(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want func(c *aegis.Config)
	}{
		"none":                 {[]string{"--model", "cvae", "--condition", "none", "--corrupt", "none", "--prior", "none"}, func(c *aegis.Config) { c.Condition = "" }},
		"likelihood":           {[]string{"--model", "fc64", "--likelihood", "bernoulli"}, func(c *aegis.Config) { c.Loss, c.Likelihood, c.Beta, c.ActivateCode = "", "bernoulli", 1, false }},
		"likelihood with beta": {[]string{"--model", "fc64", "--beta", "0", "--likelihood", "gaussian:1"}, func(c *aegis.Config) { c.Loss, c.Likelihood, c.ActivateCode = "", "gaussian:1", false }},
		"another schedule":     {[]string{"--model", "deep30", "--schedule", "constant"}, func(c *aegis.Config) { c.Schedule = "constant" }},
		"another optimizer":    {[]string{"--model", "aae", "--optimizer", "sgd"}, func(c *aegis.Config) { c.Optimizer, c.Beta1 = "sgd", 0 }},
		"beside a loss":        {[]string{"--model", "fc64", "--likelihood", "bernoulli", "--loss", "mse"}, func(c *aegis.Config) { c.Likelihood, c.ActivateCode = "bernoulli", false }},
	} {
		got, err := parseCall(c.args)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, err := aegis.NewConfig(c.args[1])
		if err != nil {
			t.Fatal(err)
		}
		if c.want(&want); !reflect.DeepEqual(got.config, want) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", name, got.config, want)
		}
	}
}

func TestFlagErrors(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no number":       {[]string{"--lr", "fast"}, `"fast" for flag -lr: want a number; see --help`},
		"two files":       {[]string{"--config", "a.toml", "--config", "b.toml"}, "--config is there twice; want one file"},
		"no whole number": {[]string{"--batch", "1.5"}, "want a whole number; see"},
		"too large":       {[]string{"--batch", "99999999999999999999"}, "out of range"},
		"negative seed":   {[]string{"--seed", "-1"}, "of at least 0"},
		"switch":          {[]string{"--quiet=perhaps"}, "quiet"},
		"empty":           {[]string{"--data="}, "--data is empty"},
		"no value":        {[]string{"--data"}, "needs an argument: -data"},
		"of a file only":  {[]string{"--family", "fc"}, "not defined: -family"},
		"a slip":          {[]string{"--tset_limit", "3"}, "want perhaps --test-limit"},
		"octal":           {[]string{"--latent", "0o10"}, `"0o10" for flag -latent: want a whole number`},
		"hexadecimal":     {[]string{"--latent", "0x10"}, "want a whole number"},
		"an underscore":   {[]string{"--limit", "1_000"}, "want a whole number"},
		"a Go seed":       {[]string{"--seed", "0x10"}, "want a whole number"},
		"a Go number":     {[]string{"--lr", "0x1p-3"}, "want a number"},
	} {
		if _, err := parseCall(c.args); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasSuffix(err.Error(), "see --help") {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// TestHelp has every flag once, in its group, and defaults that all presets
// share.
func TestHelp(t *testing.T) {
	var b bytes.Buffer
	if err := writeHelp(&b, "train"); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, g := range groups() {
		if strings.Count(text, "\n"+g.name+":\n") != 1 {
			t.Errorf("want the group %s once in\n%s", g.name, text)
		}
		for _, o := range g.options {
			if o.name != "" && strings.Count(text, "\n  --"+o.name+" ")+strings.Count(text, "\n  --"+o.name+"\n") != 1 {
				t.Errorf("want --%s once in\n%s", o.name, text)
			}
		}
	}
	for _, want := range []string{"(default fc12)", "(default adam)", "(default 1)", "(default auto)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	own := 0 // what helps say themselves
	for _, o := range options() {
		own += strings.Count(o.help, "(default ")
	}
	if n := strings.Count(text, "(default ") - own; n != 4 {
		t.Errorf("%d defaults in\n%s", n, text)
	}
}
