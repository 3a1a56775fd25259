//go:build linux && (amd64 || arm64) && !cpu && !cu

package aegis_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aegis"
)

// TestDoctor diagnoses machines whose driver is a stand-in. The loader reads
// LD_LIBRARY_PATH as a process starts, so each is diagnosed by a process of
// its own: TestDoctorHelper.
func TestDoctor(t *testing.T) {
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler here to build a stand-in for the driver with")
	}
	for _, tt := range []struct {
		name, define    string
		cuda, auto, why string
		reason          string // why GPU 1 cannot be used
		gpus            int
	}{
		{name: "two GPUs", define: "-DGOOD", cuda: "12.4", auto: "cuda", why: "GPU 0 can be used", gpus: 2},
		{name: "hidden", define: "-DFAKE_INIT=100", cuda: "12.4", auto: "cpu", why: `CUDA_VISIBLE_DEVICES="-1" may hide it`},
		{name: "too old", define: "-DFAKE_MAJOR=7", cuda: "12.4", auto: "cpu", why: "is too old; want compute capability 8.0", reason: "is too old", gpus: 2},
		{name: "taken", define: "-DFAKE_RETAIN=46", cuda: "12.4", auto: "cpu", why: "does not open", reason: "CUresult 46", gpus: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			library := filepath.Join(dir, "libcuda.so.1")
			if out, err := exec.Command(compiler, "-shared", "-fPIC", "-o", library, tt.define, "cuda/driver/testdata/fakecuda.c").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			helper := exec.Command(os.Args[0], "-test.run=^TestDoctorHelper$")
			helper.Env = append(os.Environ(), "LD_LIBRARY_PATH="+dir, "CUDA_VISIBLE_DEVICES=-1", "AEGIS_TEST_DOCTOR="+filepath.Join(dir, "out"))
			if out, err := helper.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			text, err := os.ReadFile(filepath.Join(dir, "out"))
			if err != nil {
				t.Fatal(err)
			}
			var d aegis.Diagnosis
			if err := json.Unmarshal(text, &d); err != nil {
				t.Fatal(err)
			}
			if d.CUDA != tt.cuda || d.Auto != tt.auto || !strings.Contains(d.Why, tt.why) || len(d.GPUs) != tt.gpus {
				t.Errorf("got %+v", d)
			}
			if len(d.Library) != 1 || d.Library[0].Path != "libcuda.so.1" {
				t.Errorf("library: got %+v", d.Library)
			}
			for _, g := range d.GPUs {
				if g.Usable != (tt.reason == "") || !strings.Contains(g.Reason, tt.reason) || g.Memory != 1<<37 {
					t.Errorf("got %+v", g)
				}
			}
		})
	}
}

// TestDoctorHelper is the process that TestDoctor starts.
func TestDoctorHelper(t *testing.T) {
	out := os.Getenv("AEGIS_TEST_DOCTOR")
	if out == "" {
		t.Skip("only TestDoctor starts this")
	}
	text, err := json.Marshal(aegis.Diagnose())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(out, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDiagnosisText has a line for every place and every GPU.
func TestDiagnosisText(t *testing.T) {
	d := aegis.Diagnosis{
		Build: "aegis 1", Processors: 4, Kernels: []string{"avx2", "generic"}, InUse: "generic", Memory: 8 << 30, Driver: "550.54.14", CUDA: "12.4",
		Library: []aegis.LibraryPlace{{Path: "libcuda.so.1", Reason: "not there"}, {Path: "/usr/lib/wsl/lib/libcuda.so.1", Loaded: true}},
		GPUs: []aegis.DoctorGPU{
			{Name: "NVIDIA H100", Memory: 80 << 30, Capability: "9.0", Usable: true},
			{Number: 1, Name: "Tesla V100", Memory: 16 << 30, Capability: "7.0", Reason: "too old"},
		},
		Auto: "cuda", Why: "GPU 0 can be used",
	}
	want := `aegis 1
CPU: 4 processors, kernels avx2, generic; in use: generic
memory: 8.0 GiB
CUDA library: libcuda.so.1, wherever the system's loader looks: not there
CUDA library: /usr/lib/wsl/lib/libcuda.so.1: loaded
NVIDIA driver: 550.54.14
CUDA: 12.4
GPU 0: NVIDIA H100, 80.0 GiB, compute capability 9.0: can be used
GPU 1: Tesla V100, 16.0 GiB, compute capability 7.0: cannot be used: too old
auto: cuda: GPU 0 can be used
`
	if got := d.String(); got != want {
		t.Errorf("want\n%s\ngot\n%s", want, got)
	}
}
