package vmtest

import (
	"math/rand/v2"
	"testing"

	"aegis/internal/train"
	"aegis/model"
	"aegis/model/program"
)

// Tiny is the smallest program there is.
func Tiny(t testing.TB) *program.Program {
	t.Helper()
	p, err := network(model.FullyConnected, [3]int{1, 1, 1}, nil, 1, 1, nil).Program()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TrainOn trains some networks for some steps, the last batch short, once for
// each count of threads, and returns all losses and parameters.
func TrainOn(t *testing.T, counts []int, threads func(n int) Open) map[string][][]float32 {
	specs := map[string]model.Spec{
		"odd widths": Networks()["odd widths"],
		"colour":     Networks()["colour"],
		"conv gelu":  Networks()["conv gelu"],

		"adversarial":      AdversarialNetworks()["aae-mixture"],
		"conv adversarial": AdversarialNetworks()["conv"],
	}
	specs["averages"] = EMANetworks()["ema-conv"]
	averaged := AdversarialNetworks()["aae-mixture"]
	averaged.EMA = 0.999
	specs["adversarial averages"] = averaged
	for _, name := range []string{"batch norm", "conv batch norm", "batch norm gelu", "dropout", "gaussian", "mask", "salt and pepper"} {
		specs[name] = RegularNetworks()[name]
	}
	for name, spec := range ClippedNetworks() {
		specs["clipped "+name] = spec
	}
	for _, name := range []string{"fc12", "conv"} {
		spec, err := model.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		spec.Image = [3]int{1, 28, 28}
		specs[name] = spec
		spec.ClipNorm = 0.05 // of many partial sums
		specs["clipped "+name] = spec
	}
	results := make(map[string][][]float32)
	for name, spec := range specs {
		rows := 3*spec.Batch + spec.Batch/2 + 1
		pixels := make([]byte, rows*spec.Image[0]*spec.Image[1]*spec.Image[2])
		r := rand.New(rand.NewPCG(3, 3))
		for i := range pixels {
			pixels[i] = byte(r.Uint32())
		}
		for _, n := range counts {
			p, m := machine(t, threads(n), spec, pixels)
			var all []float32
			for _, v := range steps(t, p, m, 0, train.Rows(rows)) {
				all = append(all, float32(v))
			}
			s := state(t, m)
			for _, param := range p.Params {
				all = append(all, s.Tensors[param.Name].Data...)
			}
			results[name] = append(results[name], all)
		}
	}
	return results
}
