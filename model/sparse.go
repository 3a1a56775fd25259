package model

import (
	"fmt"
	"strconv"
	"strings"

	G "gorgonia.org/gorgonia"

	"aegis/model/op"
	"aegis/model/program"
)

// sparsity is what keeps codes sparse.
type sparsity struct {
	l1     float64 // of the sum of absolute values
	rate   float64 // KL: that of each unit's mean activation
	weight float64 // of KL
	k      int     // of top k: values that are kept
}

// parseSparsity reads l1:λ, kl:ρ:λ or topk:k; empty: none.
func parseSparsity(text string) (s sparsity, err error) {
	if text == "" {
		return s, nil
	}
	wrong := fmt.Errorf("model: sparse %q; want l1:1e-4, kl:0.05:1e-3 or topk:8, with numbers above 0 and below 1e9 and a rate below 1", text)
	fields := strings.Split(text, ":")
	numbers := make([]float64, len(fields)-1)
	for i, f := range fields[1:] {
		if numbers[i], err = strconv.ParseFloat(f, 64); err != nil || !(numbers[i] > 0 && numbers[i] < 1e9) {
			return s, wrong
		}
	}
	switch {
	case fields[0] == "l1" && len(numbers) == 1:
		s.l1 = numbers[0]
	case fields[0] == "kl" && len(numbers) == 2 && numbers[0] < 1:
		s.rate, s.weight = numbers[0], numbers[1]
	case fields[0] == "topk" && len(numbers) == 1 && numbers[0] == float64(int(numbers[0])):
		s.k = int(numbers[0])
	default:
		return s, wrong
	}
	return s, nil
}

// TopK is how many values of a code are kept, 0: all.
func (s Spec) TopK() int {
	sparse, _ := parseSparsity(s.Sparse) // Validate says what is wrong
	return sparse.k
}

// rateError says that mean activations are held to a rate which are no chances.
type rateError struct{ sparse string }

func (e *rateError) Error() string {
	return fmt.Sprintf("model: sparse %s of a code that is no sigmoid's: its values are no chances; want activation sigmoid, on the code too, or sparse l1", e.sparse)
}

// Options names what to change, for a command that says how.
func (e *rateError) Options() []string { return []string{"activation sigmoid", "activate_code"} }

// penalties adds the terms that keep codes sparse and small, each with its
// weight, to the outputs, and to the cost for the total.
func (b *builder) penalties(g *graph, cost *G.Node) error {
	g.total = cost
	sparse, err := parseSparsity(b.spec.Sparse)
	if err != nil {
		return err
	}
	add := func(name string, weight float64, term *G.Node, err error) error {
		if err == nil {
			term, err = op.Scale(term, weight)
		}
		if err == nil {
			g.total, err = op.Add(g.total, term)
		}
		if err != nil {
			return fmt.Errorf("model: %s: %w", name, err)
		}
		g.Outputs = append(g.Outputs, program.Output{Name: name, Node: term})
		return nil
	}
	if sparse.l1 > 0 {
		term, err := g.size(op.MAE)
		if err := add("sparse", sparse.l1, term, err); err != nil {
			return err
		}
	}
	if sparse.rate > 0 {
		term, err := op.ChannelMean(g.code, g.weights)
		if err == nil {
			term, err = op.RateKL(term, sparse.rate)
		}
		if err := add("sparse", sparse.weight, term, err); err != nil {
			return err
		}
	}
	if b.spec.CodeL2 > 0 {
		term, err := g.size(op.MSE)
		if err := add("code_l2", b.spec.CodeL2/2, term, err); err != nil {
			return err
		}
	}
	return nil
}

// size is the sum of the code's absolute or squared values, a mean over rows.
func (g *graph) size(kind op.LossKind) (*G.Node, error) {
	zero, err := op.Scale(g.code, 0)
	if err != nil {
		return nil, err
	}
	return op.Loss{Kind: kind, Sum: true}.Mean(g.code, zero, g.weights)
}

// sparse keeps the largest values of a code, where the spec says so.
func (g *graph) sparse(code *G.Node) (*G.Node, error) {
	if g.topK == 0 {
		return code, nil
	}
	return op.TopK(code, g.topK)
}

// decay adds the penalty on weights to their gradients; biases and norms have
// none.
func (b *builder) decay(params, grads []*G.Node) error {
	if b.spec.L1 == 0 && b.spec.L2 == 0 {
		return nil
	}
	weights := make(map[string]bool)
	for _, l := range b.network.all() {
		weights[l.Name+".weight"] = true
	}
	for i, p := range params {
		if !weights[p.Name()] {
			continue
		}
		g, err := op.Decay(grads[i], p, b.spec.L1, b.spec.L2)
		if err != nil {
			return fmt.Errorf("model: decay of %s: %w", p.Name(), err)
		}
		grads[i] = g
	}
	return nil
}
