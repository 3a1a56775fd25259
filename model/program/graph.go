package program

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"aegis/model/optim"
)

// Graph is an expression graph with its ends named.
type Graph struct {
	*G.ExprGraph
	Inputs  []Input   // all leaves that are no parameters
	Params  []*G.Node // named as in Program.Params, only those that the graph uses
	Outputs []Output
}

// Batch returns the graph's batch size, 0 where no input has rows.
func (g *Graph) Batch() int {
	for _, in := range g.Inputs {
		if in.Node != nil && len(in.Node.Shape()) > 0 {
			return in.Node.Shape()[0]
		}
	}
	return 0
}

// Given returns the input that holds what a caller asks about, rows or codes;
// nil where there is none.
func (g *Graph) Given() *Input {
	for i := range g.Inputs {
		if g.Inputs[i].Kind.Given() {
			return &g.Inputs[i]
		}
	}
	return nil
}

// Input returns the input that a node is, nil where it is none.
func (g *Graph) Input(n *G.Node) *Input {
	for i := range g.Inputs {
		if g.Inputs[i].Node == n {
			return &g.Inputs[i]
		}
	}
	return nil
}

// Output is a result: in a phase and in Evaluate a loss term, a scalar, the
// mean over the rows of weight 1; else one tensor with B rows.
type Output struct {
	Name string
	Node *G.Node
}

// Write says what a running tensor becomes at the end of a phase.
type Write struct {
	Param *G.Node // of Graph.Params
	Value *G.Node // of its shape
}

// Phase is a graph with the gradients of the parameters that it trains, made
// by one gorgonia.Grad, how they are clipped, and the optimizer that applies them. Several phases may
// train one parameter: each has optimizer state of its own.
type Phase struct {
	Graph
	Name      string
	Trained   []*G.Node // of Graph.Params
	Grads     []*G.Node // of Trained, in their order
	Optimizer optim.Spec
	Clip      optim.Clip // of Grads, before the optimizer
	Writes    []Write
}

// Part is a forward graph of a program.
type Part string

// The parts that every program has.
const (
	Encode      Part = "encode"      // rows → codes (B,Z)
	Decode      Part = "decode"      // codes (B,Z) → rows (B,P)
	Reconstruct Part = "reconstruct" // rows → rows (B,P)
	Evaluate    Part = "evaluate"    // rows, weights → loss terms
)

// Logits is a part of programs whose loss is computed from logits: rows →
// (B,P), of which the sigmoid is what Reconstruct gives.
const Logits Part = "logits"

// LogVar is a part of programs whose code is a distribution: rows → (B,Z), the
// logarithms of the variances around the means that Encode gives.
const LogVar Part = "logvar"

// DecodeLogits is Decode as Logits is Reconstruct: codes (B,Z) → (B,P), of which
// the sigmoid is what Decode gives.
const DecodeLogits Part = "decode-logits"

// Optional says that not every program has a part.
func (p Part) Optional() bool { return p == Logits || p == LogVar || p == DecodeLogits }

// Build builds the graph of one part at a batch size and checks it: all that
// run a program build its parts so.
func (p *Program) Build(part Part, batch int) (*Graph, error) {
	if p.Forward == nil {
		return nil, fmt.Errorf("program: %s: the program has no Forward", part)
	}
	g, err := p.Forward(part, batch)
	if err != nil {
		return nil, err
	}
	if g == nil || g.ExprGraph == nil {
		return nil, fmt.Errorf("program: %s: Forward gives no graph", part)
	}
	if err := p.Check(g); err != nil {
		return nil, fmt.Errorf("program: %s: %w", part, err)
	}
	if got := g.Batch(); got != batch {
		return nil, fmt.Errorf("program: %s: Forward gives a graph of batch %d; want %d as asked", part, got, batch)
	}
	return g, nil
}

// Check says what is wrong with a graph of a program: its inputs, parameters
// and outputs, not what lies between them, which is for a VM to say.
func (p *Program) Check(g *Graph) error {
	batch := g.Batch()
	if batch < 1 {
		return fmt.Errorf("program: no input has rows")
	}
	given, drawn := 0, make(map[string]InputKind)
	for _, in := range g.Inputs {
		if err := in.check(p, batch); err != nil {
			return fmt.Errorf("program: %w", err)
		}
		if in.Kind.Given() {
			given++
		}
		if other, ok := drawn[in.Purpose]; in.Kind.Noise() && ok && other != in.Kind {
			return fmt.Errorf("program: noise of purpose %s is %s and %s; want another purpose for each kind", in.Purpose, other, in.Kind)
		} else if in.Kind.Noise() {
			drawn[in.Purpose] = in.Kind
		}
	}
	if given > 1 {
		return fmt.Errorf("program: %d inputs of rows or codes; want one", given)
	}
	for _, n := range g.Params {
		if err := p.checkParam(n); err != nil {
			return fmt.Errorf("program: %w", err)
		}
	}
	return checkOutputs(g)
}

// checkOutputs wants an output at least, each of a name and of the graph.
func checkOutputs(g *Graph) error {
	if len(g.Outputs) == 0 {
		return fmt.Errorf("program: a graph without an output")
	}
	seen := make(map[string]bool)
	for _, out := range g.Outputs {
		if out.Node == nil {
			return fmt.Errorf("program: output %s has no node", out.Name)
		}
		if out.Name == "" || seen[out.Name] {
			return fmt.Errorf("program: output %q: want a name, another for each output", out.Name)
		}
		seen[out.Name] = true
		if !g.has(out.Node) {
			return fmt.Errorf("program: output %s is a node of another graph", out.Name)
		}
	}
	return nil
}

// has says that a node is one of the graph's.
func (g *Graph) has(n *G.Node) bool { return g.Node(n.ID()) == n }
