package plan_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/cuda"
	"aegis/internal/plan"
	"aegis/internal/vm/cpu"
	"aegis/model"
)

var update = flag.Bool("update", false, "write the golden plans anew")

// The golden plans show which instructions each preset becomes: by the options
// of each VM, and in the plainest form; and what clipping makes of two.
func TestGoldenPlans(t *testing.T) {
	for name, spec := range goldenNetworks(t) {
		for _, c := range []struct {
			suffix string
			opt    plan.Options
		}{
			{suffix: "", opt: cpu.PlanOptions()},
			{suffix: "-cuda", opt: cuda.PlanOptions()},
			{suffix: "-rowmajor", opt: plan.Options{}},
		} {
			name := name + c.suffix
			t.Run(name, func(t *testing.T) {
				path := filepath.Join("testdata", name+".txt")
				got := compile(t, build(t, spec), c.opt).String()
				if *update {
					if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatalf("%v; run go test ./internal/plan -update", err)
				}
				want := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
				for i, line := range strings.Split(got, "\n") {
					if i >= len(want) || line != want[i] {
						t.Fatalf("%s:%d differs; the plan now has\n%s\nlook at it, then run go test ./internal/plan -update", path, i+1, line)
					}
				}
			})
		}
	}
}

// goldenNetworks are the presets and bent ones, by the names of their files.
func goldenNetworks(t *testing.T) map[string]model.Spec {
	t.Helper()
	specs := make(map[string]model.Spec)
	for _, spec := range model.Presets() {
		spec.Image, spec.Rows = [3]int{1, 28, 28}, 1000
		specs[spec.Model] = spec
	}
	for name, clip := range map[string][2]float64{"fc12": {1, 0}, "aae": {1, 0.5}} {
		spec := specs[name]
		spec.ClipNorm, spec.ClipValue = clip[0], clip[1]
		specs[name+"-clipped"] = spec
	}
	return specs
}
