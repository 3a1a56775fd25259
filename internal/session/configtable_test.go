package session

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aegis/internal/run"
)

// jsonFields returns where a configuration has the value of each name that it
// has in a model file. Scaling and classes are found from the data, and not set.
func jsonFields(v reflect.Value) map[string]any {
	fields := make(map[string]any)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous {
			for name, at := range jsonFields(v.Field(i)) {
				fields[name] = at
			}
			continue
		}
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); !slices.Contains([]string{"-", "scaling", "form", "classes"}, name) {
			fields[name] = v.Field(i).Addr().Interface()
		}
	}
	return fields
}

// TestConfigTableIsWhole: the table has every value of a configuration once,
// under the name that it has in a model file.
func TestConfigTableIsWhole(t *testing.T) {
	var c Config
	var p ProgramConfig
	for name, of := range map[string]struct {
		fields   map[string]any
		settings []run.Setting
	}{
		"a network":              {jsonFields(reflect.ValueOf(&c).Elem()), c.settings()},
		"a program of one's own": {jsonFields(reflect.ValueOf(&p).Elem()), p.settings()},
	} {
		for _, s := range of.settings {
			if at, there := of.fields[s.Key]; !there || at != s.Value {
				t.Errorf("%s: %s is no field, there twice, or another field's value", name, s.Key)
			}
			delete(of.fields, s.Key)
		}
		if len(of.fields) > 0 {
			t.Errorf("%s: fields that the table has not: %v", name, of.fields)
		}
	}
}

// TestSpecIsWhole: a file that names no preset has to have all that a network
// is, but for the image, which the data say, and for what a network may lack.
func TestSpecIsWhole(t *testing.T) {
	var c Config
	fields := jsonFields(reflect.ValueOf(&c.Spec).Elem())
	delete(fields, "image")
	for _, key := range []string{
		"schedule", "warmup", "schedule_epochs", "weight_decay", "nesterov", "beta1", "beta2", "epsilon", "rmsprop_alpha", "clip_norm", "clip_value", "ema",
	} {
		delete(fields, key)
	}
	for _, o := range slices.Concat(variationalOptions(), adversarialOptions(), regularOptions()) {
		delete(fields, o.Key)
	}
	for _, o := range configTable() {
		if _, want := fields[o.Key]; o.spec != want {
			t.Errorf("%s: has to be there %v, want %v", o.Key, o.spec, want)
		}
	}
}

// TestZeroIsWritten: config.toml has every key, so that none comes from a
// preset when the file is read. What stands for nothing is there too.
func TestZeroIsWritten(t *testing.T) {
	c, err := Config{}.forFile()
	if err != nil {
		t.Fatal(err)
	}
	want := `model = ""
family = ""
image = [0, 0, 0]
hidden = []
latent = 0
activation = ""
activate_code = false
output = ""
init = ""
loss = ""
optimizer = ""
lr = 0.0
schedule = ""
warmup = 0
schedule_epochs = 0
weight_decay = 0.0
momentum = 0.0
nesterov = false
beta1 = 0.0
beta2 = 0.0
epsilon = 0.0
rmsprop_alpha = 0.0
clip_norm = 0.0
clip_value = 0.0
init_from = ""
batch = 0
epochs = 0
ema = 0.0
patience = 0
save_every = ""
seed = 0
likelihood = ""
beta = 0.0
kl_warmup = 0.0
free_bits = 0.0
condition = ""
binarize = ""
prior = ""
discriminator = []
batch_norm = false
dropout = 0.0
corrupt = ""
sparse = ""
code_l2 = 0.0
l1 = 0.0
l2 = 0.0
data = ""
scale = ""
normal_class = ""
limit = 0
val = 0
test_split = 0
test_limit = 0
size = ""
fit = ""
gray = false
strict = false
columns = []
drop = []
label = ""
impute = ""
window = ""
header = ""
delimiter = ""
decimal = ""
keys = ""
device = ""
gpu = 0
threads = 0
`
	if got := written(t, c.settings()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	want = "epochs = 0\npatience = 0\nsave_every = \"\"\nseed = 0\nval = 0\ndevice = \"\"\ngpu = 0\nthreads = 0\n"
	if got := written(t, new(ProgramConfig).settings()); got != want {
		t.Errorf("a program's own: got\n%s\nwant\n%s", got, want)
	}
}

// written returns the config.toml of settings.
func written(t *testing.T, settings []run.Setting) string {
	t.Helper()
	d, err := run.Create(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.WriteConfig(settings); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(d.Path(run.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
