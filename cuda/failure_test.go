//go:build !cpu

package cuda_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"aegis/cuda"
	"aegis/cuda/driver"
	"aegis/cuda/internal/gputest"
	"aegis/cuda/internal/ptxsim"
	"aegis/internal/vm"
	"aegis/internal/vm/vmtest"
	"aegis/model"
	"aegis/model/program"
)

// TestOutOfMemory asks for too large a batch, and then for the one that the
// error names.
func TestOutOfMemory(t *testing.T) {
	const memory = 96 << 20
	simulator := ptxsim.Open(ptxsim.Options{Memory: memory})
	spec, err := model.Preset("fc12")
	if err != nil {
		t.Fatal(err)
	}
	spec.Image, spec.Batch = [3]int{1, 28, 28}, 40000
	s := gputest.NewSpy(simulator)
	_, err = cuda.Open(build(t, spec), 1, cuda.Options{Driver: s})
	if !errors.Is(err, driver.OutOfMemory) {
		t.Fatalf("error %v, want one of too little memory", err)
	}
	s.CheckFreed(t)
	t.Log(err)
	for _, want := range []string{"asked for", "96.0 MiB are free", "needs", "at batch 40000"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	match := regexp.MustCompile(`a batch of (\d+) would fit`).FindStringSubmatch(err.Error())
	if match == nil {
		t.Fatalf("error %q names no batch", err)
	}
	if spec.Batch, err = strconv.Atoi(match[1]); err != nil {
		t.Fatal(err)
	}
	m, err := cuda.Open(build(t, spec), 1, cuda.Options{Driver: simulator})
	if err != nil {
		t.Fatalf("batch %d: %v", spec.Batch, err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	spec.Batch, spec.Hidden = 1, []int{20000}
	if _, err := cuda.Open(build(t, spec), 1, cuda.Options{Driver: simulator}); err == nil || !strings.Contains(err.Error(), "no batch would fit") {
		t.Errorf("error %v, want that no batch would fit", err)
	}
}

// TestFault plants a bad address into a kernel's parameters: every later call
// returns the first error.
func TestFault(t *testing.T) {
	p, data := small(t, "momentum", 6)
	s := gputest.NewSpy(ptxsim.Open(ptxsim.Options{}))
	m := open(t, p, data, cuda.Options{Driver: s})
	if err := m.Train(context.Background(), someSteps(p, 0, p.Batch, 6)); err != nil {
		t.Fatal(err)
	}
	start := s.Launches
	s.OnLaunch = func(n int, args []driver.Arg) {
		if n == start+2 {
			args[0] = driver.Ptr(12)
		}
	}
	out := make([]float32, p.Code)
	in := program.Feed{Set: vm.TrainSet, Rows: []int32{0}}
	err := m.Infer(context.Background(), program.Encode, in, out)
	if !errors.Is(err, driver.IllegalAddress) {
		t.Fatalf("error %v, want one of an illegal address", err)
	}
	t.Log(err)
	s.OnLaunch = nil
	_, losses := m.Losses()
	_, state := m.State()
	for name, got := range map[string]error{
		"losses": losses, "state": state,
		"train": m.Train(context.Background(), someSteps(p, 1, p.Batch, 6)),
		"bind":  m.Bind(vm.TestSet, vmtest.Rows(p, data)),
		"infer": m.Infer(context.Background(), program.Encode, in, out),
	} {
		if got == nil || got.Error() != err.Error() {
			t.Errorf("%s: error %v, want the first one, %v", name, got, err)
		}
	}
}

// TestNoMemoryForGraphs finds no memory for one graph after the other: the
// error says so, nothing of the graph is left, and the steps can be tried
// again.
func TestNoMemoryForGraphs(t *testing.T) {
	p, data := small(t, "momentum", 6)
	steps := someSteps(p, 0, 7*p.Batch, 6) // graphs of 4, 2 and 1 steps
	losses := func(m *cuda.Machine) []float32 {
		if err := m.Train(context.Background(), steps); err != nil {
			t.Fatal(err)
		}
		got, err := m.Losses()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want := losses(open(t, p, data, cuda.Options{}))
	for graph := 1; graph <= 3; graph++ {
		s := gputest.NewSpy(ptxsim.Open(ptxsim.Options{}))
		m := open(t, p, data, cuda.Options{Driver: s})
		s.NoMemory = graph
		err := m.Train(context.Background(), steps)
		if !errors.Is(err, driver.OutOfMemory) || !strings.Contains(err.Error(), "training steps") {
			t.Fatalf("graph %d: error %v, want one of too little memory", graph, err)
		}
		if s.Held["graph"] != 0 {
			t.Errorf("graph %d: %d captured graphs left", graph, s.Held["graph"])
		}
		if got := losses(m); !slices.Equal(got, want) {
			t.Errorf("graph %d: losses %v in a second try, want %v", graph, got, want)
		}
	}
}

// TestCaptureFails has the driver refuse a launch while it captures, and wants
// nothing left of the graph.
func TestCaptureFails(t *testing.T) {
	p, data := small(t, "momentum", 6)
	s := gputest.NewSpy(ptxsim.Open(ptxsim.Options{}))
	m := open(t, p, data, cuda.Options{Driver: s})
	begun := false
	s.OnLaunch = func(_ int, args []driver.Arg) {
		if begun = begun || s.Capturing; begun {
			args[0] = driver.Int32(0) // a number for a pointer
		}
	}
	if err := m.Train(context.Background(), someSteps(p, 0, p.Batch, 6)); err == nil || !strings.Contains(err.Error(), "cuLaunchKernel") {
		t.Fatalf("error %v, want that of the launch", err)
	}
	if !begun || s.Held["graph"] != 0 || s.Held["executable graph"] != 0 {
		t.Errorf("left of a capture (%v): %v", begun, s.Held)
	}
}

// TestOpenFails wants an error where the driver refuses the kernels, and
// nothing left behind.
func TestOpenFails(t *testing.T) {
	p, _ := small(t, "momentum", 1)
	s := gputest.NewSpy(ptxsim.Open(ptxsim.Options{}))
	s.NoLoad = true
	if _, err := cuda.Open(p, 1, cuda.Options{Driver: s}); !errors.Is(err, driver.InvalidPTX) || !strings.Contains(err.Error(), "planted") {
		t.Errorf("error %v, want the one that was planted", err)
	}
	s.CheckFreed(t)
}

// TestClose frees everything, and leaves a machine that says so.
func TestClose(t *testing.T) {
	p, data := small(t, "momentum", 6)
	s := gputest.NewSpy(ptxsim.Open(ptxsim.Options{}))
	m := open(t, p, data, cuda.Options{Driver: s, DataLimit: int64(len(data))})
	if err := m.Bind(vm.TestSet, vmtest.Rows(p, data)); err != nil { // streamed
		t.Fatal(err)
	}
	if err := m.Train(context.Background(), someSteps(p, 0, 5*p.Batch, 6)); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	s.CheckFreed(t)
	if s.Held["memory"] != 0 || len(s.Held) < 7 {
		t.Errorf("counted %v", s.Held)
	}
	if _, err := m.Losses(); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("error %v after Close", err)
	}
	if err := m.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}
