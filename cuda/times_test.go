//go:build !cpu

package cuda

import (
	_ "embed" // the PTX
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"aegis/cuda/driver"
	"aegis/cuda/internal/gpu"
	"aegis/cuda/internal/ptxsim"
	"aegis/data"
	"aegis/model"
)

//go:generate go run aegis/cuda/internal/nvrtc/cmd/nvrtc testdata/bench.cu

//go:embed testdata/zz_bench.ptx
var benchPTX []byte

// span is what one copy took, in microseconds.
type span struct {
	Median  float64 `json:"median_us"`
	Min     float64 `json:"min_us"`
	Samples int     `json:"samples"`
}

// timedLaunch is a kernel of an operation, timed alone.
type timedLaunch struct {
	Kernel string      `json:"kernel"`
	Grid   driver.Dim3 `json:"grid"`
	span
}

// timedOperation is an operation of a training step. Floors are nil where the
// device does not tell its clocks.
type timedOperation struct {
	Operation string `json:"operation"`
	span
	work
	BytesFloor *float64      `json:"bytes_floor_us"`
	FlopsFloor *float64      `json:"flops_floor_us"`
	Kernels    []timedLaunch `json:"kernels"`
}

// timed is what a file of TestKernelTimes holds.
type timed struct {
	Name   string      `json:"name"`
	Device timedDevice `json:"device"`
	Copies int         `json:"copies"`

	Batch      int              `json:"batch,omitempty"`
	Step       *span            `json:"step,omitempty"` // of training
	GraphSteps int              `json:"graph_steps,omitempty"`
	Operations []timedOperation `json:"operations,omitempty"`

	EmptyNode *span         `json:"empty_node,omitempty"`
	Barrier   *timedBarrier `json:"barrier,omitempty"`
}

// timedBarrier is a barrier of the whole grid: what many take in one kernel
// less what the kernel takes without, over their number.
type timedBarrier struct {
	Blocks int     `json:"blocks"`
	Rounds int     `json:"rounds"`
	Median float64 `json:"median_us"`
	Min    float64 `json:"min_us"`
}

// timedDevice is the device with its peaks: twice the memory's clock times the
// bus, and two gpu.Operations a cycle on 128 lanes of each multiprocessor.
type timedDevice struct {
	Name            string `json:"name"`
	Simulator       bool   `json:"simulator"`
	Multiprocessors int    `json:"multiprocessors"`
	ClockKHz        int    `json:"clock_khz"`
	MemoryKHz       int    `json:"memory_clock_khz"`
	MemoryBits      int    `json:"memory_bus_bits"`
	L2Bytes         int    `json:"l2_bytes"`

	BytesPerSecond float64 `json:"bytes_per_second"`
	FlopsPerSecond float64 `json:"flops_per_second"`
}

// stopwatch times calls on a device.
type stopwatch struct {
	*gpu.Context
	out    timed
	copies int
	most   int           // samples
	budget time.Duration // of the samples of one graph
	sample time.Duration // about as long as one is; 0: a replay
}

// TestKernelTimes times every kernel of a training step on each preset's
// shapes: copies of it in one CUDA graph, so that launches do not count, one
// after the other as in a step. Operands stay in the L2 cache where they fit.
// Where AEGIS_TEST_GPU is set it runs on GPU 0, else on the simulator, in
// small, which shows no more than that it runs. Each subtest writes
// NAME.json into the folder AEGIS_KERNEL_TIMES; where there is none, the
// simulator runs two presets only.
func TestKernelTimes(t *testing.T) {
	real := os.Getenv("AEGIS_TEST_GPU") != ""
	dir := os.Getenv("AEGIS_KERNEL_TIMES")
	few := dir == "" && !real
	if dir == "" {
		dir = t.TempDir()
	}
	opt := Options{}
	if !real {
		opt.Driver = ptxsim.Open(ptxsim.Options{})
	}
	t.Run("bench", func(t *testing.T) {
		d, info, err := gpu.Choose(opt.device())
		if err != nil {
			t.Fatal(err)
		}
		g, err := gpu.Open(d, info)
		if err != nil {
			t.Fatal(err)
		}
		w := newStopwatch(g, d, "bench", real)
		err = errors.Join(g.Do("bench", w.bench), g.Close())
		w.write(t, dir, err)
	})
	for _, spec := range timedSpecs() {
		if few && spec.Model != "fc12" && spec.Model != "conv" {
			continue
		}
		if !real && spec.Model == "wide" {
			spec.Hidden = []int{32, 32}
		}
		t.Run(spec.Model, func(t *testing.T) {
			if !real {
				spec.Batch = 2
			}
			spec.Image, spec.Rows = [3]int{1, 28, 28}, 1000
			p, err := spec.Program()
			if err != nil {
				t.Fatal(err)
			}
			m, err := Open(p, 1, opt)
			if err != nil {
				t.Fatal(err)
			}
			d, _, err := gpu.Choose(opt.device())
			if err != nil {
				t.Fatal(err)
			}
			w := newStopwatch(m.gpu, d, spec.Model, real)
			err = errors.Join(w.machine(m, real), m.Close())
			w.write(t, dir, err)
		})
	}
}

// timedSpecs is all presets and one that is bound by arithmetic.
func timedSpecs() []model.Spec {
	specs := model.Presets()
	for _, s := range specs {
		if s.Model == "fc64" {
			s.Model, s.Hidden, s.Latent, s.Batch = "wide", []int{4096, 4096}, 64, 1024
			return append(specs, s)
		}
	}
	return specs
}

func newStopwatch(g *gpu.Context, d driver.Driver, name string, real bool) *stopwatch {
	w := &stopwatch{Context: g, copies: 50, most: 9, budget: 300 * time.Millisecond, sample: 2 * time.Millisecond}
	if !real {
		w.copies, w.most, w.sample = 1, 1, 0
	}
	number := func(a driver.DeviceAttribute) int {
		n, err := d.DeviceAttribute(g.Device.Number, a)
		if err != nil {
			return 0 // unknown
		}
		return n
	}
	dev := timedDevice{
		Name: g.Device.Name, Simulator: !real, Multiprocessors: number(driver.Multiprocessors), ClockKHz: number(driver.ClockRate),
		MemoryKHz: number(driver.MemoryClockRate), MemoryBits: number(driver.MemoryBusWidth), L2Bytes: number(driver.L2Cache),
	}
	dev.BytesPerSecond = 2 * 1e3 * float64(dev.MemoryKHz) * float64(dev.MemoryBits) / 8
	dev.FlopsPerSecond = 2 * 128 * 1e3 * float64(dev.ClockKHz) * float64(dev.Multiprocessors)
	w.out = timed{Name: name, Device: dev, Copies: w.copies}
	return w
}

// write writes what was measured, also where something failed.
func (w *stopwatch) write(t *testing.T, dir string, err error) {
	t.Helper()
	text, e := json.MarshalIndent(w.out, "", " ")
	if err = errors.Join(err, e); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, w.out.Name+".json"), text, 0o644); err != nil {
		t.Error(err)
	}
}

// replay times copies of calls in one graph. The first replay only warms up,
// and a second tells how long one takes: a sample is as many as take about two
// milliseconds, behind one more that is not timed. The device is busy with that
// one while the host launches the others, so that launching is in no time. With
// before, which runs ahead of each sample, outside of the time, a sample is one
// replay.
func (w *stopwatch) replay(calls []gpu.Call, copies int, before func() error) (span, error) {
	graph, err := w.Capture(slices.Repeat(calls, copies))
	if err != nil {
		return span{}, err
	}
	took, err := w.samples(graph, before)
	if err := errors.Join(err, w.Discard(graph)); err != nil {
		return span{}, err
	}
	for i := range took {
		took[i] /= float64(copies)
	}
	return newSpan(took), nil
}

// samples returns microseconds of a replay.
func (w *stopwatch) samples(graph *gpu.Graph, before func() error) ([]float64, error) {
	sample := func(lead, times int) (time.Duration, error) {
		if before != nil {
			if err := before(); err != nil {
				return 0, err
			}
		}
		if err := w.replays(graph, lead); err != nil {
			return 0, err
		}
		return w.time(func() error { return w.replays(graph, times) })
	}
	lead, times := 0, 1
	if _, err := sample(lead, times); err != nil {
		return nil, err
	}
	if before == nil && w.sample > 0 {
		once, err := sample(lead, times)
		if err != nil {
			return nil, err
		}
		if times = int(min(w.sample/max(once, time.Microsecond), 50)); times > 1 {
			lead = 1
		} else {
			times = 1 // launching is nothing beside so long a replay
		}
	}
	var took []float64
	for spent := time.Duration(0); len(took) < w.most && (len(took) < 3 || spent < w.budget); {
		d, err := sample(lead, times)
		if err != nil {
			return nil, err
		}
		spent += d
		took = append(took, float64(d)/1e3/float64(times))
	}
	return took, nil
}

// replays queues a graph some times.
func (w *stopwatch) replays(graph *gpu.Graph, times int) error {
	for range times {
		if err := w.Replay(graph); err != nil {
			return err
		}
	}
	return nil
}

func newSpan(took []float64) span {
	slices.Sort(took)
	return span{Median: took[len(took)/2], Min: took[0], Samples: len(took)}
}

// time is what the device took for what f queues.
func (w *stopwatch) time(f func() error) (time.Duration, error) {
	start, err := w.NewEvent(true)
	if err != nil {
		return 0, err
	}
	end, err := w.NewEvent(true)
	if err != nil {
		return 0, errors.Join(err, w.DestroyEvent(start))
	}
	var took time.Duration
	for _, step := range []func() error{
		func() error { return w.RecordEvent(start, w.Stream) },
		f,
		func() error { return w.RecordEvent(end, w.Stream) },
		func() error { return w.SyncEvent(end) },
		func() (err error) { took, err = w.Elapsed(start, end); return err },
	} {
		if err = step(); err != nil {
			break
		}
	}
	return took, errors.Join(err, w.DestroyEvent(start), w.DestroyEvent(end))
}

// bench times an empty node and a barrier.
func (w *stopwatch) bench() error {
	module, err := w.LoadModule(benchPTX)
	if err != nil {
		return err
	}
	run := func() error {
		nothing, err := w.Function(module, "nothing")
		if err != nil {
			return err
		}
		one := driver.Dim3{X: 1, Y: 1, Z: 1}
		config := driver.LaunchConfig{Grid: one, Block: driver.Dim3{X: 256, Y: 1, Z: 1}, Stream: w.Stream}
		empty := []gpu.Call{{Function: nothing, Config: config}}
		if err := w.Queue(empty); err != nil { // loads it
			return err
		}
		s, err := w.replay(empty, w.copies, nil)
		if err != nil {
			return err
		}
		w.out.EmptyNode = &s
		return w.barrier(module, config)
	}
	return errors.Join(run(), w.UnloadModule(module))
}

// barrier times grid-wide barriers with a block for each multiprocessor; the
// simulator, which runs each block to its end, gets one.
func (w *stopwatch) barrier(module driver.Module, config driver.LaunchConfig) error {
	const rounds, mostReads = 1000, 1 << 20
	f, err := w.Function(module, "barriers")
	if err != nil {
		return err
	}
	state, err := w.Alloc(8)
	if err != nil {
		return err
	}
	reset := func() error { return gpu.Upload(w.Context, state, make([]int32, 2)) }
	if !w.out.Device.Simulator {
		config.Grid.X = uint32(max(1, w.out.Device.Multiprocessors))
	}
	with := func(rounds int32) ([]gpu.Call, error) {
		c := []gpu.Call{{Function: f, Config: config, Args: []driver.Arg{driver.Ptr(state), driver.Int32(rounds), driver.Int32(mostReads)}}}
		return c, errors.Join(reset(), w.Queue(c))
	}
	var spans [2]span
	for i, n := range []int32{0, rounds} {
		calls, err := with(n)
		if err != nil {
			return err
		}
		if spans[i], err = w.replay(calls, 1, reset); err != nil {
			return err
		}
		var after [2]int32
		if err := gpu.Download(w.Context, after[:], state); err != nil {
			return err
		}
		if want := n * int32(config.Grid.X); after != [2]int32{want, 0} {
			return fmt.Errorf("barriers of %d blocks: arrivals %d, gave up %d; want %d, 0", config.Grid.X, after[0], after[1], want)
		}
	}
	w.out.Barrier = &timedBarrier{
		Blocks: int(config.Grid.X), Rounds: rounds,
		Median: (spans[1].Median - spans[0].Median) / rounds, Min: (spans[1].Min - spans[0].Min) / rounds,
	}
	return nil
}

// machine times a training step and each of its operations.
func (w *stopwatch) machine(m *Machine, real bool) error {
	batch, pixels := m.program.Batch, m.program.PixelCount()
	w.out.Batch = batch
	images := make([]byte, batch*pixels)
	for i := range images {
		images[i] = byte(i * 37)
	}
	if err := m.Bind(trainSet, data.Rows{N: len(images) / pixels, Shape: m.program.Row, Bytes: images}); err != nil {
		return err
	}
	steps := m.queue.graph
	if !real {
		steps = 1
	}
	numbers, scalars := make([]int32, steps*batch), []float32(nil)
	for i := range numbers {
		numbers[i] = int32(i * 7 % batch)
	}
	var classes []int32
	if m.train.readsLabels() {
		classes = make([]int32, steps*batch)
	}
	for i := range steps {
		scalars = m.program.StepScalars(scalars, int64(i), 1)
	}
	return m.gpu.Do("time", func() error {
		send := func() error { return m.send(numbers, batches{rows: numbers, classes: classes, scalars: scalars}) }
		if err := send(); err != nil {
			return err
		}
		set := m.sets[trainSet].ptr
		work, err := m.training(steps, set)
		if err != nil {
			return err
		}
		calls, err := m.modules.Calls(work)
		if err != nil {
			return err
		}
		if err := w.Queue(calls); err != nil {
			return err
		}
		s, err := w.replay(calls, 1, send)
		if err != nil {
			return err
		}
		s.Median, s.Min = s.Median/float64(steps), s.Min/float64(steps)
		w.out.Step, w.out.GraphSteps = &s, steps
		q := m.queue
		ops, err := m.train.build(q.at(q.blocks, 0), source{rows: set, numbers: q.at(q.rows, 0), classes: q.at(q.classes, 0)})
		if err != nil {
			return err
		}
		for _, o := range ops {
			if err := w.operation(m.modules, o); err != nil {
				return fmt.Errorf("%T: %w", o, err)
			}
		}
		return nil
	})
}

// operation times an operation, and its kernels where it has several.
func (w *stopwatch) operation(l *gpu.Modules, o gpu.Operation) error {
	row := timedOperation{Operation: strings.ToLower(reflect.TypeOf(o).Name())}
	var err error
	if row.work, err = workOf(o); err != nil {
		return err
	}
	launches, err := o.Launches()
	if err != nil {
		return err
	}
	calls, err := l.Calls([]gpu.Operation{o})
	if err != nil {
		return err
	}
	if row.span, err = w.replay(calls, w.copies, nil); err != nil {
		return err
	}
	for i, launch := range launches {
		s := row.span
		if len(launches) > 1 {
			if s, err = w.replay(calls[i:i+1], w.copies, nil); err != nil {
				return err
			}
		}
		row.Kernels = append(row.Kernels, timedLaunch{Kernel: launch.Kernel, Grid: launch.Grid, span: s})
	}
	row.BytesFloor = floor(row.Bytes, w.out.Device.BytesPerSecond)
	row.FlopsFloor = floor(row.Flops, w.out.Device.FlopsPerSecond)
	w.out.Operations = append(w.out.Operations, row)
	return nil
}

// floor is the microseconds that so much takes at a peak, nil where there is none.
func floor(n int64, perSecond float64) *float64 {
	if perSecond == 0 {
		return nil
	}
	us := float64(n) / perSecond * 1e6
	return &us
}
