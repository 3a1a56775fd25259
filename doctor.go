package aegis

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"aegis/cuda"
	"aegis/cuda/driver"
	"aegis/internal/vm/cpu"
)

// Diagnosis is what this machine has for training, and why a GPU can be used
// or not.
type Diagnosis struct {
	Build      string   `json:"build"` // as BuildInfo
	Processors int      `json:"processors"`
	Kernels    []string `json:"cpu_kernels"`            // sets that the processor can run, the best one first
	InUse      string   `json:"cpu_kernels_in_use"`     // the best one, or what AEGIS_CPU forces; why there is none
	Memory     uint64   `json:"memory_bytes,omitempty"` // 0 where it is unknown

	// Library is where the driver's library was looked for, up to the first
	// place that has it. It is empty where the build or the system has no CUDA.
	Library []LibraryPlace `json:"cuda_library"`

	Driver string      `json:"driver,omitempty"` // of the system's kernel, such as 550.54.14
	CUDA   string      `json:"cuda,omitempty"`   // the newest version that the driver supports, such as 12.4
	GPUs   []DoctorGPU `json:"gpus"`
	NoGPU  string      `json:"no_gpu,omitempty"` // why there is none

	Auto string `json:"auto"` // what DeviceAuto takes: cuda or cpu
	Why  string `json:"why"`
}

// LibraryPlace is somewhere that the driver's library was looked for.
type LibraryPlace struct {
	Path   string `json:"path"`
	Loaded bool   `json:"loaded"`
	Reason string `json:"reason,omitempty"` // why it was not loaded
}

// DoctorGPU is a GPU, and whether a network can be trained on it.
type DoctorGPU struct {
	Number     int    `json:"number"`
	Name       string `json:"name"`
	Memory     int64  `json:"memory_bytes"`
	Capability string `json:"compute_capability"` // such as 9.0
	Usable     bool   `json:"usable"`
	Reason     string `json:"reason,omitempty"` // why it cannot be used
}

// Diagnose looks at this machine. It opens every GPU for a moment.
func Diagnose() Diagnosis {
	d := Diagnosis{
		Build: BuildInfo(), Processors: runtime.NumCPU(), Kernels: cpu.Kernels(), Memory: totalMemory(),
		Library: []LibraryPlace{}, Driver: driver.KernelVersion(), GPUs: []DoctorGPU{},
		Auto: DeviceCPU,
	}
	if inUse, err := cpu.KernelsInUse(); err != nil {
		d.InUse = "none: " + err.Error()
	} else {
		d.InUse = inUse
	}
	for _, place := range driver.Search() {
		p := LibraryPlace{Path: place.Path, Loaded: place.Err == nil}
		if place.Err != nil {
			p.Reason = place.Err.Error()
		}
		if place.CUDA > 0 {
			d.CUDA = cuda.Version(place.CUDA)
		}
		d.Library = append(d.Library, p)
	}
	list, err := cuda.Devices(cuda.Options{})
	if err != nil {
		d.NoGPU, d.Why = err.Error(), err.Error()
	}
	for i, dev := range list {
		gpu := DoctorGPU{
			Number: dev.Number, Name: dev.Name, Memory: dev.Memory,
			Capability: fmt.Sprintf("%d.%d", dev.Major, dev.Minor), Usable: true,
		}
		if err := cuda.Check(cuda.Options{GPU: i}); err != nil {
			gpu.Usable, gpu.Reason = false, err.Error()
		}
		d.CUDA = cuda.Version(dev.Driver)
		d.GPUs = append(d.GPUs, gpu)
	}
	if len(d.GPUs) > 0 { // auto takes the first or none
		if first := d.GPUs[0]; first.Usable {
			d.Auto, d.Why = DeviceCUDA, "GPU 0 can be used"
		} else {
			d.Why = first.Reason
		}
	}
	return d
}

// String is the diagnosis for reading, a line for each fact.
func (d Diagnosis) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s", d.Build)
	line("CPU: %d processors, kernels %s; in use: %s", d.Processors, strings.Join(d.Kernels, ", "), d.InUse)
	if d.Memory > 0 {
		line("memory: %s", gibibytes(int64(d.Memory)))
	}
	for _, p := range d.Library {
		result := "loaded"
		if !p.Loaded {
			result = p.Reason
		}
		where := p.Path
		if !filepath.IsAbs(where) {
			where += ", wherever the system's loader looks"
		}
		line("CUDA library: %s: %s", where, result)
	}
	line("NVIDIA driver: %s", orUnknown(d.Driver, "none in this system's kernel"))
	line("CUDA: %s", orUnknown(d.CUDA, "none"))
	for _, g := range d.GPUs {
		use := "can be used"
		if !g.Usable {
			use = "cannot be used: " + g.Reason
		}
		line("GPU %d: %s, %s, compute capability %s: %s", g.Number, g.Name, gibibytes(g.Memory), g.Capability, use)
	}
	if d.NoGPU != "" {
		line("GPU: none: %s", d.NoGPU)
	}
	line("auto: %s: %s", d.Auto, d.Why)
	return b.String()
}

func gibibytes(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }

func orUnknown(text, unknown string) string {
	if text == "" {
		return unknown
	}
	return text
}
