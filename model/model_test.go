package model

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"aegis/model/program"
)

func TestPresets(t *testing.T) {
	want := map[string]struct {
		names  string // of the first and last layer
		layers int
		params int
		pixels string
	}{
		"fc12":  {names: "encoder.0 decoder.4", layers: 6, params: 219_804, pixels: "[-1,1]"},
		"fc64":  {names: "encoder.0 decoder.2", layers: 4, params: 218_192, pixels: "[0,1]"},
		"fc128": {names: "encoder.0 decoder.0", layers: 2, params: 201_616, pixels: "[0,1]"},
		"fc3":   {names: "encoder.0 decoder.6", layers: 8, params: 219_891, pixels: "[0,1]"},
		"conv":  {names: "encoder.0 decoder.4", layers: 6, params: 210_369, pixels: "[0,1]"},

		"deep30": {names: "encoder.0 decoder.6", layers: 8, params: 2_837_314, pixels: "[0,1]"},

		"table": {names: "encoder.0 decoder.4", layers: 6, params: 471_066, pixels: "[0,1]"},

		"vae":      {names: "encoder.0 decoder.2", layers: 5, params: 652_824, pixels: "[0,1]"},
		"conv-vae": {names: "encoder.0 decoder.7", layers: 9, params: 214_313, pixels: "[0,1]"},
		"cvae":     {names: "encoder.0 decoder.2", layers: 5, params: 660_824, pixels: "[0,1]"},

		"aae": {names: "encoder.0 decoder.5", layers: 6, params: 1_481_499, pixels: "[0,1]"},
	}
	for _, s := range Presets() {
		t.Run(s.Model, func(t *testing.T) {
			s.Image, s.Rows = [3]int{1, 28, 28}, 1000
			layers, err := s.Layers()
			if err != nil {
				t.Fatal(err)
			}
			cost, err := s.Cost()
			if err != nil {
				t.Fatal(err)
			}
			w := want[s.Model]
			names := layers[0].Name + " " + layers[len(layers)-1].Name
			if names != w.names || len(layers) != w.layers || s.Pixels().String() != w.pixels {
				t.Errorf("got %s, %d layers, %v; want %+v", names, len(layers), s.Pixels(), w)
			}
			p, err := s.Program()
			if err != nil {
				t.Fatal(err)
			}
			total := 0
			for _, param := range p.Params {
				total += param.Size()
			}
			if used, err := s.Forward(); err != nil || len(used.Phases) != 0 || len(used.Params) != len(p.Params) {
				t.Errorf("to use it takes %d parameters and %d phases (%v)", len(used.Params), len(used.Phases), err)
			}
			if total != w.params || cost.Params != w.params {
				t.Errorf("%d parameters in the program, %d in the cost; want %d", total, cost.Params, w.params)
			}
		})
	}
	if _, err := Preset("fc13"); err == nil || !strings.Contains(err.Error(), "want one of fc12, fc64, fc128, fc3, deep30, conv, table, vae, conv-vae, cvae, aae") {
		t.Errorf("error %v does not list the presets", err)
	}
}

// TestShapes builds every part of both families on images of many sizes.
func TestShapes(t *testing.T) {
	for _, image := range [][3]int{{1, 1, 1}, {1, 20, 32}, {3, 7, 5}, {1, 28, 28}, {2, 3, 64}} {
		for _, s := range Presets() {
			t.Run(fmt.Sprint(s.Model, image), func(t *testing.T) {
				s.Image, s.Batch, s.Rows = image, 3, 7
				p, err := s.Program()
				if err != nil {
					t.Fatal(err)
				}
				pixels := p.PixelCount()
				for part, want := range map[program.Part]int{
					program.Encode: s.Latent, program.Decode: pixels, program.Reconstruct: pixels,
				} {
					g, err := p.Forward(part, 2)
					if err != nil {
						t.Fatal(err)
					}
					if got := g.Outputs[0].Node.Shape(); got[0] != 2 || got.TotalSize() != 2*want {
						t.Errorf("%s gives %v, want 2 rows of %d", part, got, want)
					}
				}
				for _, phase := range p.Phases {
					for i, n := range phase.Trained {
						if !n.Shape().Eq(phase.Grads[i].Shape()) {
							t.Errorf("%s: gradient of %s is %v, want %v", phase.Name, n.Name(), phase.Grads[i].Shape(), n.Shape())
						}
					}
				}
			})
		}
	}
}

// TestBCETrainsOnLogits: the sigmoid is inside the loss while training and
// there in what is rebuilt.
func TestBCETrainsOnLogits(t *testing.T) {
	s, err := Preset("fc64")
	if err != nil {
		t.Fatal(err)
	}
	s.Loss, s.Image = BCE, [3]int{1, 4, 4}
	p, err := s.Program()
	if err != nil {
		t.Fatal(err)
	}
	loss := p.Phases[0].Outputs[0].Node
	if text := loss.Op().String(); text != "Loss[bcelogits]" {
		t.Errorf("loss is %s", text)
	}
	g, err := p.Forward(program.Reconstruct, 1)
	if err != nil {
		t.Fatal(err)
	}
	if text := g.Outputs[0].Node.Op().String(); text != "Linear[sigmoid]" {
		t.Errorf("the last layer is %s", text)
	}
}

func TestValidate(t *testing.T) {
	cases := []struct {
		name string
		bend func(*Spec)
		want string
	}{
		{name: "preset", bend: func(*Spec) {}},
		{name: "batch", bend: func(s *Spec) { s.Batch = 0 }, want: "batch 0"},
		{name: "epochs", bend: func(s *Spec) { s.Epochs = 0 }, want: "0 epochs"},
		{name: "latent", bend: func(s *Spec) { s.Latent = -3 }, want: "width -3"},
		{name: "huge", bend: func(s *Spec) { s.Hidden = []int{1 << 30} }, want: "want 1 to"},
		{name: "activation", bend: func(s *Spec) { s.Activation = "swish" }, want: `"swish"`},
		{name: "output", bend: func(s *Spec) { s.Output = "softmax" }, want: `"softmax"`},
		{name: "loss", bend: func(s *Spec) { s.Loss = "l3" }, want: `unknown loss "l3"`},
		{name: "bce with tanh", bend: func(s *Spec) { s.Loss, s.Output = BCE, "tanh" }, want: "want output sigmoid"},
		{name: "init", bend: func(s *Spec) { s.Init = "zeros" }, want: `unknown init "zeros"`},
		{name: "clipped norm", bend: func(s *Spec) { s.ClipNorm = -1 }, want: "clips the norm of gradients to -1"},
		{name: "clipped values", bend: func(s *Spec) { s.ClipValue = math.Inf(1) }, want: "clips values of gradients to +Inf"},
		{name: "rate", bend: func(s *Spec) { s.LR = -1 }, want: "learning rate -1"},
		{name: "optimizer", bend: func(s *Spec) { s.Optimizer = "lion" }, want: `unknown optimizer "lion"; want one of adam, adamw, sgd, rmsprop`},
		{name: "beta2 with sgd", bend: func(s *Spec) { s.Optimizer, s.Beta2 = "sgd", 0.9 }, want: "beta2 0.9 with sgd; it is adam's and adamw's"},
		{name: "epsilon with sgd", bend: func(s *Spec) { s.Optimizer, s.Epsilon = "sgd", 1e-3 }, want: "epsilon 0.001 with sgd"},
		{name: "alpha with adam", bend: func(s *Spec) { s.RMSpropAlpha = 0.9 }, want: "smoothing 0.9 with adam; it is rmsprop's"},
		{name: "nesterov alone", bend: func(s *Spec) { s.Optimizer, s.Nesterov = "sgd", true }, want: "nesterov without momentum"},
		{name: "decay", bend: func(s *Spec) { s.WeightDecay = -1 }, want: "weight decay -1"},
		{name: "schedule", bend: func(s *Spec) { s.Schedule = "cosine:2" }, want: `schedule "cosine:2": floor 2`},
		{name: "warm-up", bend: func(s *Spec) { s.Warmup = -1 }, want: "warm-up of -1 steps"},
		{name: "warm-up of unknown rows", bend: func(s *Spec) { s.Schedule, s.Warmup = "linear", 1000 }},
		{name: "warm-up of all", bend: func(s *Spec) { s.Schedule, s.Warmup, s.Rows = "linear", 10, 128 }, want: "warm-up of 10 steps before schedule linear, and training has 10"},
		{name: "steps", bend: func(s *Spec) { s.Schedule, s.Rows = "step:2:0.5", 128 }},
		{name: "length", bend: func(s *Spec) { s.Schedule, s.ScheduleEpochs = "step", 3 }},
		{name: "length of none", bend: func(s *Spec) { s.Schedule, s.ScheduleEpochs = "step:2:0.5", 3 }, want: "3 schedule epochs with schedule step:2:0.5, which does not go by"},
		{name: "length below 0", bend: func(s *Spec) { s.Schedule, s.ScheduleEpochs = "step", -3 }, want: "-3 schedule epochs"},
		{name: "beta alone", bend: func(s *Spec) { s.Beta = 1 }, want: "without a likelihood"},
		{name: "activated code", bend: func(s *Spec) { s.Likelihood, s.Loss, s.ActivateCode = "gaussian:1", "", true }, want: "want no activate_code"},
		{name: "likelihood beside a loss", bend: func(s *Spec) { s.Likelihood = Bernoulli }, want: "loss mse beside likelihood bernoulli"},
		{name: "likelihood", bend: func(s *Spec) { s.Likelihood, s.Loss = "poisson", "" }, want: `unknown likelihood "poisson"`},
		{name: "chances", bend: func(s *Spec) { s.Likelihood, s.Loss = Bernoulli, "" }, want: "want output sigmoid"},
		{name: "deviation", bend: func(s *Spec) { s.Likelihood, s.Loss = "gaussian:0", "" }, want: "want a finite deviation"},
		{name: "no hidden layer", bend: func(s *Spec) { s.Likelihood, s.Loss, s.Hidden = GaussianLearned, "", nil }, want: "without a hidden layer"},
		{name: "negative beta", bend: func(s *Spec) { s.Likelihood, s.Loss, s.Beta = GaussianLearned, "", -1 }, want: "beta -1"},
		{name: "gaussian", bend: func(s *Spec) { s.Likelihood, s.Loss = "gaussian:0.5", "" }},
		{name: "name", bend: func(s *Spec) { s.Model = "\xff\xfe" }, want: "text that can be shown"},
		{name: "name that a terminal obeys", bend: func(s *Spec) { s.Model = "a\x1b[31m" }, want: "text that can be shown"},
		{name: "long name", bend: func(s *Spec) { s.Model = strings.Repeat("a", 201) }, want: "text that can be shown"},
		{name: "family", bend: func(s *Spec) { s.Family = "rnn" }, want: `unknown family "rnn"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := Presets()[0]
			c.bend(&s)
			err := s.Validate()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("Validate() = %v, want %q", err, c.want)
			}
		})
	}
	if _, err := Presets()[0].Program(); !errors.Is(err, ErrNoImage) {
		t.Errorf("a program without an image: %v", err)
	}
}

func TestSummary(t *testing.T) {
	s, err := Preset("conv")
	if err != nil {
		t.Fatal(err)
	}
	s.Image = [3]int{1, 28, 28}
	var text strings.Builder
	if err := s.Summary(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"decoder.4", "ConvTranspose2d", "3×3 /2", "16×14×14", "1×28×28", "sigmoid", "parameters"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

// TestGradsAreGorgonias: each parameter's gradient node is what Gorgonia
// made of the loss.
func TestGradsAreGorgonias(t *testing.T) {
	s := Presets()[0]
	s.Image = [3]int{1, 4, 4}
	p, err := s.Program()
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range p.Phases[0].Params {
		if n.Deriv() != p.Phases[0].Grads[i] {
			t.Errorf("gradient of %s is not its derivative in the graph", n.Name())
		}
	}
}
