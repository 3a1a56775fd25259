//go:build !cpu

package gorgoniavm_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/cuda/gorgoniavm"
	"aegis/cuda/internal/ptxsim"
	"aegis/internal/numtest"
)

// gtCase is a graph of somebody else's program, written anew.
type gtCase struct {
	name, source string
	build        func(g *G.ExprGraph) gtNet
	solver       func() G.Solver // nil: none
	runs         int             // 0: 3
	noGrad       bool
	want         string // "" works; else a part of the error of NewVM or RunAll
	tapeFails    bool   // the tape machine cannot run it
	tapeWrong    bool   // central differences agree with the CUDA VM
	tol          float64
}

// gtNet is what build returns.
type gtNet struct {
	cost  *G.Node // a scalar, may be nil
	wrt   G.Nodes
	watch G.Nodes // values compared through gorgonia.Read
	step  func(run int)
}

func gtOpt() gorgoniavm.Options { return gorgoniavm.Options{Driver: ptxsim.Open(ptxsim.Options{})} }

// gl is a leaf of values between lo and hi that depend on the name alone.
func glIn(g *G.ExprGraph, lo, hi float64, name string, shape ...int) *G.Node {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	n := tensor.Shape(shape).TotalSize()
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(lo + (hi-lo)*r.Float64())
	}
	if len(shape) == 0 {
		return G.NewScalar(g, tensor.Float32, G.WithName(name), G.WithValue(data[0]))
	}
	return G.NewTensor(g, tensor.Float32, len(shape), G.WithName(name), G.WithShape(shape...),
		G.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))))
}

func gl(g *G.ExprGraph, name string, shape ...int) *G.Node { return glIn(g, -0.6, 0.6, name, shape...) }

// gtRecord is what one machine computed: names with numbers, run by run.
type gtRecord struct {
	name string
	data []float64
}

func gtWide(v G.Value) []float64 {
	if v == nil {
		return nil
	}
	switch d := v.Data().(type) {
	case float32:
		return []float64{float64(d)}
	case []float32:
		out := make([]float64, len(d))
		for i, x := range d {
			out[i] = float64(x)
		}
		return out
	case float64:
		return []float64{d}
	case []float64:
		return append([]float64{}, d...)
	case bool:
		if d {
			return []float64{1}
		}
		return []float64{0}
	case []bool:
		out := make([]float64, len(d))
		for i, x := range d {
			if x {
				out[i] = 1
			}
		}
		return out
	}
	return nil
}

// gtMachine runs a case on one VM.
func gtMachine(c gtCase, open func(g *G.ExprGraph, wrt G.Nodes) (G.VM, error)) (rec []gtRecord, ops string, err error) {
	type result struct {
		rec []gtRecord
		ops string
		err error
	}
	done := make(chan result, 1)
	go func() {
		var res result
		defer func() {
			if p := recover(); p != nil {
				stack := strings.Split(string(debug.Stack()), "\n")
				where := ""
				for _, l := range stack {
					if strings.Contains(l, "/cuda/graph") || strings.Contains(l, "gorgonia@") || strings.Contains(l, "tensor@") {
						where = strings.TrimSpace(l)
						break
					}
				}
				res.err = fmt.Errorf("PANIC %v at %s", p, where)
			}
			done <- res
		}()
		g := G.NewGraph()
		net := c.build(g)
		reads := make([]G.Value, len(net.watch)+1)
		for i, n := range net.watch {
			G.Read(n, &reads[i])
		}
		if net.cost != nil {
			G.Read(net.cost, &reads[len(net.watch)])
			if !c.noGrad && len(net.wrt) > 0 {
				if _, res.err = G.Grad(net.cost, net.wrt...); res.err != nil {
					res.err = fmt.Errorf("Grad: %w", res.err)
					return
				}
			}
		}
		res.ops = gtOps(g)
		vm, err := open(g, net.wrt)
		if err != nil {
			res.err = fmt.Errorf("NewVM: %w", err)
			return
		}
		defer func() { _ = vm.Close() }()
		var solver G.Solver
		if c.solver != nil {
			solver = c.solver()
		}
		runs := c.runs
		if runs == 0 {
			runs = 3
		}
		for run := range runs {
			if net.step != nil {
				net.step(run)
			}
			if err := vm.RunAll(); err != nil {
				res.err = fmt.Errorf("RunAll %d: %w", run, err)
				return
			}
			add := func(name string, v G.Value) {
				res.rec = append(res.rec, gtRecord{fmt.Sprintf("run %d: %s", run, name), append([]float64(nil), gtWide(v)...)})
			}
			if net.cost != nil {
				add("cost", reads[len(net.watch)])
			}
			for i, n := range net.watch {
				add("value of "+n.Name(), reads[i])
			}
			if !c.noGrad && net.cost != nil {
				for _, n := range net.wrt {
					d, err := n.Grad()
					if err != nil {
						res.err = fmt.Errorf("Grad of %s: %w", n.Name(), err)
						return
					}
					add("gradient by "+n.Name(), d)
				}
			}
			if solver != nil {
				if err := solver.Step(G.NodesToValueGrads(net.wrt)); err != nil {
					res.err = fmt.Errorf("Step: %w", err)
					return
				}
				for _, n := range net.wrt {
					add("weight "+n.Name(), n.Value())
				}
			} else {
				gtZero(net.wrt)
			}
			vm.Reset()
		}
	}()
	select {
	case r := <-done:
		return r.rec, r.ops, r.err
	case <-time.After(120 * time.Second):
		return nil, "", fmt.Errorf("HANG after 120 s")
	}
}

// gtZero does what a solver does to gradients: the tape machine adds to them.
func gtZero(wrt G.Nodes) {
	for _, n := range wrt {
		d, err := n.Grad()
		if err != nil || d == nil {
			continue
		}
		if z, ok := d.(interface{ Zero() }); ok {
			z.Zero()
		} else if f, ok := d.(*G.F32); ok {
			*f = 0
		}
	}
}

// gtOps lists the op types of a graph.
func gtOps(g *G.ExprGraph) string {
	seen := map[string]int{}
	var order []string
	for _, n := range g.AllNodes() {
		if n.Op() == nil {
			continue
		}
		name := strings.TrimPrefix(strings.TrimPrefix(fmt.Sprintf("%T", n.Op()), "*"), "gorgonia.")
		if seen[name] == 0 {
			order = append(order, name)
		}
		seen[name]++
	}
	return strings.Join(order, " ")
}

func gtTape(g *G.ExprGraph, wrt G.Nodes) (vm G.VM, err error) {
	if len(wrt) == 0 {
		return G.NewTapeMachine(g), nil
	}
	return G.NewTapeMachine(g, G.BindDualValues(wrt...)), nil
}

func gtCUDA(g *G.ExprGraph, _ G.Nodes) (G.VM, error) { return gorgoniavm.New(g, gtOpt()) }

var gtTable struct {
	sync.Mutex
	lines []string
}

func gtNote(name, source, result string) {
	gtTable.Lock()
	defer gtTable.Unlock()
	gtTable.lines = append(gtTable.lines, fmt.Sprintf("| %s | %s | %s |", name, source, strings.ReplaceAll(result, "\n", " ")))
	if f, err := os.OpenFile(os.DevNull, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err == nil {
		fmt.Fprintln(f, gtTable.lines[len(gtTable.lines)-1])
		_ = f.Close()
	}
}

// gtOne is the constant that all float32 gradients begin with. It is one
// value for the whole process, and a solver that gets it as a gradient writes
// a zero there: see TestGTFaultConstantGradient.
func gtOne() *G.F32 {
	g := G.NewGraph()
	a, b := gl(g, "a"), gl(g, "b")
	if _, err := G.Grad(must(G.Add(a, b)), a, b); err != nil {
		panic(err)
	}
	return a.Deriv().Value().(*G.F32)
}

// gtTry runs a case on both machines and compares.
func gtTry(t *testing.T, c gtCase) {
	t.Helper()
	defer func() {
		if one := gtOne(); *one != 1 {
			t.Errorf("Gorgonia's constant 1 is %v", *one)
			*one = 1
		}
	}()
	want, _, tapeErr := gtMachine(c, gtTape)
	if one := gtOne(); *one != 1 {
		t.Errorf("after the tape machine Gorgonia's constant 1 is %v", *one)
		*one = 1
	}
	got, ops, err := gtMachine(c, gtCUDA)
	if one := gtOne(); *one != 1 {
		t.Errorf("after the CUDA VM Gorgonia's constant 1 is %v", *one)
		*one = 1
	}
	tol := c.tol
	if tol == 0 {
		tol = 1e-4
	}
	switch {
	case err != nil && c.want != "" && strings.Contains(err.Error(), c.want):
		gtNote(c.name, c.source, "clear error: "+err.Error())
		return
	case err != nil && tapeErr != nil:
		gtNote(c.name, c.source, "both fail: tape: "+tapeErr.Error()+"; cuda: "+err.Error())
		if !c.tapeFails {
			t.Errorf("both fail: tape %v; cuda %v (ops %s)", tapeErr, err, ops)
		}
		return
	case err != nil:
		gtNote(c.name, c.source, "ERROR: "+err.Error()+" (ops "+ops+")")
		t.Errorf("cuda: %v (ops %s)", err, ops)
		return
	case tapeErr != nil:
		gtNote(c.name, c.source, "cuda runs; the tape machine: "+tapeErr.Error())
		if !c.tapeFails {
			t.Errorf("tape: %v; cuda runs (ops %s)", tapeErr, ops)
		}
		return
	case c.want != "":
		gtNote(c.name, c.source, "works, but an error was expected: "+c.want)
		t.Errorf("works; want an error with %q", c.want)
		return
	}
	if c.tapeWrong {
		gtNote(c.name, c.source, "works; the tape machine is wrong (checked against differences) (ops "+ops+")")
		gtRight(t, c)
		return
	}
	bad := 0
	var first string
	for i := range want {
		if i >= len(got) || got[i].name != want[i].name {
			t.Fatalf("records differ at %d", i)
		}
		if err := numtest.Diff(got[i].data, want[i].data, tol); err != nil {
			if bad++; bad <= 6 {
				t.Errorf("%s: %v", want[i].name, err)
			}
			if bad == 1 {
				first = want[i].name + ": " + err.Error()
			}
		}
	}
	if bad > 0 {
		gtNote(c.name, c.source, fmt.Sprintf("DIFFERS in %d of %d: %s (ops %s)", bad, len(want), first, ops))
		gtTriage(t, c)
		return
	}
	gtNote(c.name, c.source, fmt.Sprintf("works: %d arrays over %d runs (ops %s)", len(want), max(c.runs, 3), ops))
}

// gtRight holds the CUDA VM's gradients of the first run to differences.
func gtRight(t *testing.T, c gtCase) {
	t.Helper()
	once := c
	once.runs, once.solver = 1, nil
	gpu, _, err := gtMachine(once, gtCUDA)
	if err != nil {
		t.Fatal(err)
	}
	net := c.build(G.NewGraph())
	at := 1 + len(net.watch)
	for k, n := range net.wrt {
		for _, j := range []int{0, n.Shape().TotalSize() / 2, n.Shape().TotalSize() - 1} {
			const h = 1e-2
			d := (gtCost(c, k, j, h) - gtCost(c, k, j, -h)) / (2 * h)
			if got := gpu[at+k].data[j]; math.Abs(got-d) > 0.02*math.Abs(d)+1e-5 {
				t.Errorf("gradient by %s[%d] is %.5g, differences %.5g", n.Name(), j, got, d)
			}
		}
	}
}

// gtCost is the cost on the CUDA VM with one weight changed.
func gtCost(c gtCase, k, j int, by float64) float64 {
	g := G.NewGraph()
	net := c.build(g)
	var v G.Value
	G.Read(net.cost, &v)
	switch d := net.wrt[k].Value().Data().(type) {
	case []float32:
		d[j] += float32(by)
	case float32:
		_ = G.Let(net.wrt[k], d+float32(by))
	}
	if net.step != nil {
		net.step(0)
	}
	vm, err := gorgoniavm.New(g, gtOpt())
	if err != nil {
		return math.NaN()
	}
	defer func() { _ = vm.Close() }()
	if err := vm.RunAll(); err != nil {
		return math.NaN()
	}
	return gtWide(v)[0]
}

// gtTriage says which machine's gradient of the first run is right, by central
// differences of the cost on the CUDA VM.
func gtTriage(t *testing.T, c gtCase) {
	t.Helper()
	if c.noGrad {
		return
	}
	once := c
	once.runs, once.solver = 1, nil
	tape, _, _ := gtMachine(once, gtTape)
	gpu, _, _ := gtMachine(once, gtCUDA)
	cost := func(k, j int, by float64) float64 { return gtCost(c, k, j, by) }
	g := G.NewGraph()
	net := c.build(g)
	if net.cost == nil {
		return
	}
	at := 1 + len(net.watch)
	for k, n := range net.wrt {
		size := max(1, n.Shape().TotalSize())
		for _, j := range []int{0, size / 2} {
			const h = 1e-2
			d := (cost(k, j, h) - cost(k, j, -h)) / (2 * h)
			if at+k < len(tape) && at+k < len(gpu) && j < len(tape[at+k].data) && j < len(gpu[at+k].data) {
				t.Logf("   triage %s[%d]: differences %.5g, tape %.5g, cuda %.5g", n.Name(), j, d, tape[at+k].data[j], gpu[at+k].data[j])
			}
		}
	}
}

func gtAll(t *testing.T, cases []gtCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { gtTry(t, c) })
	}
}

func vanilla(rate float64) func() G.Solver {
	return func() G.Solver { return G.NewVanillaSolver(G.WithLearnRate(rate)) }
}

func adam(rate float64) func() G.Solver {
	return func() G.Solver { return G.NewAdamSolver(G.WithLearnRate(rate)) }
}

func c32(v float64) *G.Node { return G.NewConstant(float32(v)) }
