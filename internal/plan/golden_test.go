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
// of each VM, and in the plainest form.
func TestGoldenPlans(t *testing.T) {
	for _, spec := range model.Presets() {
		for _, c := range []struct {
			suffix string
			opt    plan.Options
		}{
			{suffix: "", opt: cpu.PlanOptions()},
			{suffix: "-cuda", opt: cuda.PlanOptions()},
			{suffix: "-rowmajor", opt: plan.Options{}},
		} {
			name := spec.Model + c.suffix
			t.Run(name, func(t *testing.T) {
				path := filepath.Join("testdata", name+".txt")
				got := compile(t, preset(t, spec.Model), c.opt).String()
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
