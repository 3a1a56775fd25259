package exact

import (
	"context"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/data/philox"
	"aegis/model"
	"aegis/model/op"
	"aegis/model/program"
)

// TestNormal holds the table to the error function.
func TestNormal(t *testing.T) {
	for x := -11.0; x < 11; x += 0.00137 {
		want := math.Erfc(-x/math.Sqrt2) / 2
		if got := normal(x); math.Abs(got-want) > 1e-13 {
			t.Fatalf("Φ(%v) is %v; want %v", x, got, want)
		}
	}
	for _, x := range []float64{math.Inf(1), math.Inf(-1), math.NaN(), 9, -9, 0, math.Copysign(0, -1), 1e300} {
		if got, want := normal(x), math.Erfc(-x/math.Sqrt2)/2; !(math.Abs(got-want) < 1e-13 || got != got && want != want) {
			t.Errorf("Φ(%v) is %v; want %v", x, got, want)
		}
	}
}

// tapeDouble runs a part by the reference of every op, in float64.
func tapeDouble(t *testing.T, p *program.Program, part program.Part, params map[string]program.Tensor, values []float32, classes []int32, n int) []float64 {
	t.Helper()
	g, err := p.Build(part, n)
	if err != nil {
		t.Fatal(err)
	}
	known := map[*G.Node]G.Value{}
	var value func(node *G.Node) G.Value
	value = func(node *G.Node) G.Value {
		if v, ok := known[node]; ok {
			return v
		}
		var v G.Value
		if own, ok := node.Op().(*op.Op); ok {
			var in []G.Value
			for it := g.From(node.ID()); it.Next(); {
				in = append(in, value(it.Node().(*G.Node)))
			}
			if v, err = own.Do(in...); err != nil {
				t.Fatal(err)
			}
		} else {
			var data []float64
			switch in := g.Input(node); {
			case in == nil:
				data = doubles(params[node.Name()].Data)
			case in.Kind == program.InputLabels:
				data = make([]float64, node.Shape().TotalSize())
				for i, class := range classes {
					data[i*len(data)/n+int(class)] = 1
				}
			default:
				data = doubles(values)
			}
			v = tensor.New(tensor.WithShape(node.Shape()...), tensor.WithBacking(data))
		}
		known[node] = v
		return v
	}
	return value(g.Outputs[0].Node).Data().([]float64)
}

// cvae is a network that reads labels.
func cvae(t *testing.T) model.Spec {
	t.Helper()
	spec, err := model.Preset("cvae")
	if err != nil {
		t.Fatal(err)
	}
	spec.Likelihood = "gaussian:1"
	return spec
}

// TestRun holds parts of networks on vectors to the ops' references, for any number
// of threads.
func TestRun(t *testing.T) {
	const width, n, classes = 7, 150, 3
	draw := philox.Stream{Seed: 3, Purpose: philox.For("test")}
	values, labels := make([]float32, n*width), make([]int32, n)
	for i := range values {
		values[i] = float32(draw.Uint32(0, 0, uint32(i))%4000)/1000 - 2
	}
	for i := range labels {
		labels[i] = int32(draw.Uint32(1, 0, uint32(i)) % classes)
	}
	for name, bend := range map[string]func(s *model.Spec){
		"table":       func(*model.Spec) {},
		"relu":        func(s *model.Spec) { s.Activation = "relu" },
		"tanh":        func(s *model.Spec) { s.Activation = "tanh" },
		"sigmoid":     func(s *model.Spec) { s.Activation = "sigmoid" },
		"elu":         func(s *model.Spec) { s.Activation = "elu:0.7" },
		"leaky":       func(s *model.Spec) { s.Activation = "leakyrelu:0.2" },
		"sparse":      func(s *model.Spec) { s.Sparse = "topk:2" },
		"norm":        func(s *model.Spec) { s.BatchNorm = true },
		"conditional": func(s *model.Spec) { *s = cvae(t); s.Classes = classes },
	} {
		t.Run(name, func(t *testing.T) {
			spec, err := model.Preset("table")
			if err != nil {
				t.Fatal(err)
			}
			bend(&spec)
			spec.Image, spec.Output, spec.Latent, spec.Hidden = [3]int{0, 0, width}, "identity", 4, []int{30, 13}
			p, err := spec.Forward()
			if err != nil {
				t.Fatal(err)
			}
			params := p.Start(1).Tensors
			for name, tensor := range params {
				if strings.Contains(name, "running_") {
					for i := range tensor.Data {
						tensor.Data[i] = 0.5 + float32(i%5)/4
					}
				}
			}
			read := func(name string, _ []int) (program.Tensor, error) { return params[name], nil }
			var given []int32
			if spec.Condition != "" {
				given = labels
			}
			for _, part := range []program.Part{program.Encode, program.Reconstruct} {
				e, err := Read(p, part, read)
				if err != nil {
					t.Fatal(err)
				}
				got, err := e.Run(context.Background(), values, given)
				if err != nil {
					t.Fatal(err)
				}
				want := tapeDouble(t, p, part, params, values, given, n)
				for i, v := range want {
					if len(got) != len(want) || math.Abs(got[i]-v) > 1e-12*max(1, math.Abs(v)) {
						t.Fatalf("%s: value %d of %d is %v; want %v of %d", part, i, len(got), got[i], v, len(want))
					}
				}
				threads := runtime.GOMAXPROCS(1)
				single, err := e.Run(context.Background(), values, given)
				runtime.GOMAXPROCS(threads)
				if err != nil || !slices.Equal(single, got) {
					t.Errorf("%s: one thread gives other bits, %v", part, err)
				}
			}
		})
	}
}

// TestRunRefused names what does not fit.
func TestRunRefused(t *testing.T) {
	spec, err := model.Preset("table")
	if err != nil {
		t.Fatal(err)
	}
	spec = cvae(t)
	spec.Image, spec.Output, spec.Likelihood, spec.Classes = [3]int{0, 0, 5}, "identity", "gaussian:1", 2
	p, err := spec.Forward()
	if err != nil {
		t.Fatal(err)
	}
	params := p.Start(1).Tensors
	e, err := Read(p, program.Reconstruct, func(name string, _ []int) (program.Tensor, error) { return params[name], nil })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(context.Background(), make([]float32, 7), []int32{0}); err == nil || !strings.Contains(err.Error(), "want rows of 5") {
		t.Errorf("seven values: %v", err)
	}
	if _, err := e.Run(context.Background(), make([]float32, 10), []int32{0}); err == nil || !strings.Contains(err.Error(), "1 classes of 2 rows") {
		t.Errorf("a class too few: %v", err)
	}
	if out, err := e.Run(context.Background(), nil, nil); err != nil || len(out) != 0 {
		t.Errorf("no rows: %v, %v", out, err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.Run(ended, make([]float32, 5), []int32{1}); err == nil {
		t.Error("it runs on behind the end of its context")
	}
	conv, err := model.Preset("conv")
	if err != nil {
		t.Fatal(err)
	}
	conv.Image = [3]int{1, 28, 28}
	if p, err = conv.Forward(); err != nil {
		t.Fatal(err)
	}
	params = p.Start(1).Tensors
	if _, err := Read(p, program.Reconstruct, func(name string, _ []int) (program.Tensor, error) { return params[name], nil }); err == nil || !strings.Contains(err.Error(), "networks on vectors") {
		t.Errorf("a convolution: %v", err)
	}
}
