//go:build !cpu

package gorgoniavm_test

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// The networks of Gorgonia's own examples, small: what does not draw trains as on the
// tape machine, and the rest is held to differences under one draw.

// softmaxCost is −mean(y·log p) of logits.
func softmaxCost(logits, y *G.Node) *G.Node {
	p := must(G.SoftMax(logits))
	return must(G.Neg(must(G.Mean(must(G.HadamardProd(must(G.Log(p)), y))))))
}

// oneHot is a leaf (n,classes).
func oneHot(g *G.ExprGraph, n, classes int) *G.Node {
	data := make([]float32, n*classes)
	for i := range n {
		data[i*classes+i*7%classes] = 1
	}
	return G.NewMatrix(g, tensor.Float32, G.WithName("y"), G.WithShape(n, classes), G.WithValue(dense(tensor.Shape{n, classes}, data...)))
}

// iris is a linear regression.
func iris(g *G.ExprGraph) gtNet {
	x, y, theta := gl(g, "x", 15, 4), gl(g, "y", 15), gl(g, "theta", 4)
	cost := must(G.Mean(must(G.Square(must(G.Sub(must(G.Mul(x, theta)), y))))))
	return gtNet{cost: cost, wrt: G.Nodes{theta}}
}

// charRNN is an LSTM over three characters, whose cost is read off slices.
func charRNN(g *G.ExprGraph) gtNet {
	const characters, hidden = 5, 4
	var wrt G.Nodes
	weight := func(name string, shape ...int) *G.Node {
		n := gl(g, name, shape...)
		wrt = append(wrt, n)
		return n
	}
	gate := map[string][3]*G.Node{}
	for _, name := range []string{"in", "forget", "out", "cell"} {
		gate[name] = [3]*G.Node{weight("w"+name, hidden, characters), weight("u"+name, hidden, hidden), weight("b"+name, hidden)}
	}
	decode, bias := weight("decode", characters, hidden), weight("bias", characters)
	h, c := gl(g, "h0", hidden), gl(g, "c0", hidden)
	of := func(name string, x *G.Node, f func(*G.Node) (*G.Node, error)) *G.Node {
		w := gate[name]
		return must(f(must(G.Add(must(G.Add(must(G.Mul(w[0], x)), must(G.Mul(w[1], h)))), w[2]))))
	}
	var cost *G.Node
	for step, character := range []int{2, 0, 4} {
		hot := make([]float32, characters)
		hot[character] = 1
		x := G.NewVector(g, tensor.Float32, G.WithName("x"+string(rune('0'+step))), G.WithShape(characters), G.WithValue(dense(tensor.Shape{characters}, hot...)))
		in, forget, out := of("in", x, G.Sigmoid), of("forget", x, G.Sigmoid), of("out", x, G.Sigmoid)
		c = must(G.Add(must(G.HadamardProd(forget, c)), must(G.HadamardProd(in, of("cell", x, G.Tanh)))))
		h = must(G.HadamardProd(out, must(G.Tanh(c))))
		p := must(G.SoftMax(must(G.Add(must(G.Mul(decode, h)), bias))))
		one := must(G.Neg(must(G.Log(must(G.Slice(p, G.S((character+1)%characters)))))))
		if cost == nil {
			cost = one
		} else {
			cost = must(G.Add(cost, one))
		}
	}
	return gtNet{cost: cost, wrt: wrt}
}

// mnist is a perceptron with dropout.
func mnist(g *G.ExprGraph) gtNet {
	x, y := glIn(g, 0, 1, "x", 8, 20), oneHot(g, 8, 5)
	w0, w1, w2 := gl(g, "w0", 20, 16), gl(g, "w1", 16, 12), gl(g, "w2", 12, 5)
	h := must(G.Dropout(must(G.Rectify(must(G.Mul(x, w0)))), 0.2))
	h = must(G.Dropout(must(G.Rectify(must(G.Mul(h, w1)))), 0.3))
	return gtNet{cost: softmaxCost(must(G.Mul(h, w2)), y), wrt: G.Nodes{w0, w1, w2}}
}

// convnet is convolutions, pools and dropout, and a fully connected end.
func convnet(g *G.ExprGraph) gtNet {
	x, y := glIn(g, 0, 1, "x", 3, 1, 8, 8), oneHot(g, 3, 4)
	w0, w1, w2, w3 := gl(g, "w0", 3, 1, 3, 3), gl(g, "w1", 4, 3, 3, 3), gl(g, "w2", 16, 6), gl(g, "w3", 6, 4)
	layer := func(x, w *G.Node, drop float64) *G.Node {
		c := must(G.Rectify(must(G.Conv2d(x, w, tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}))))
		return must(G.Dropout(must(G.MaxPool2D(c, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2})), drop))
	}
	h := must(G.Reshape(layer(layer(x, w0, 0.2), w1, 0.2), tensor.Shape{3, 16}))
	h = must(G.Dropout(must(G.Rectify(must(G.Mul(h, w2)))), 0.5))
	return gtNet{cost: softmaxCost(must(G.Mul(h, w3)), y), wrt: G.Nodes{w0, w1, w2, w3}}
}

// stacked is a denoising autoencoder with tied weights, whose noise takes values away.
func stacked(g *G.ExprGraph) gtNet {
	x := glIn(g, 0.1, 0.9, "x", 6, 10)
	w, b, back := gl(g, "w", 10, 4), gl(g, "b", 6, 4), gl(g, "back", 6, 10)
	noisy := must(G.HadamardProd(x, G.BinomialRandomNode(g, tensor.Float32, 1, 0.7, 6, 10)))
	code := must(G.Sigmoid(must(G.Add(must(G.Mul(noisy, w)), b))))
	out := must(G.Sigmoid(must(G.Add(must(G.Mul(code, must(G.Transpose(w)))), back))))
	return gtNet{cost: must(G.Mean(must(G.BinaryXent(out, x)))), wrt: G.Nodes{w, b, back}}
}

// variational draws codes from what the encoder says.
func variational(g *G.ExprGraph) gtNet {
	x := glIn(g, 0.1, 0.9, "x", 6, 10)
	we, wm, wv, wd := gl(g, "we", 10, 8), gl(g, "wm", 8, 3), gl(g, "wv", 8, 3), gl(g, "wd", 3, 10)
	h := must(G.Tanh(must(G.Mul(x, we))))
	mu, lv := must(G.Mul(h, wm)), must(G.Mul(h, wv))
	deviation := must(G.Exp(must(G.HadamardProd(lv, c32(0.5)))))
	z := must(G.Add(mu, must(G.HadamardProd(deviation, G.GaussianRandomNode(g, tensor.Float32, 0, 1, 6, 3)))))
	out := must(G.Sigmoid(must(G.Mul(z, wd))))
	shown := must(G.Mean(must(G.Square(must(G.Sub(out, x))))))
	kl := must(G.Mean(must(G.Sub(must(G.Sub(must(G.Add(must(G.Square(mu)), must(G.Exp(lv)))), lv)), c32(1)))))
	return gtNet{cost: must(G.Add(shown, must(G.HadamardProd(kl, c32(0.1))))), wrt: G.Nodes{we, wm, wv, wd}}
}

// TestNetworksAsTape trains ten steps on both machines.
func TestNetworksAsTape(t *testing.T) {
	gtTry(t, gtCase{name: "iris", source: "Gorgonia's example", runs: 10, solver: vanilla(0.1), build: iris})
	gtTry(t, gtCase{name: "charRNN", source: "Gorgonia's example", runs: 10, solver: adam(0.01), build: charRNN})
}

// TestNetworksThatDraw trains ten steps, and holds each step's gradient to the
// difference of the cost along it, under the same draw.
func TestNetworksThatDraw(t *testing.T) {
	for name, build := range map[string]func(g *G.ExprGraph) gtNet{"mnist": mnist, "convnet": convnet, "stacked autoencoder": stacked, "VAE": variational} {
		t.Run(name, func(t *testing.T) {
			g := G.NewGraph()
			net := build(g)
			var v G.Value
			G.Read(net.cost, &v)
			grads(t, net.cost, net.wrt...)
			vm := newVM(t, g)
			cost := func(step int) float64 {
				t.Helper()
				if err := vm.Seed(uint64(step)); err != nil {
					t.Fatal(err)
				}
				run(t, vm)
				return gtWide(v)[0]
			}
			solver := G.NewAdamSolver(G.WithLearnRate(0.01))
			first := cost(100)
			gtZero(net.wrt)
			for step := range 10 {
				cost(step)
				along(t, net.wrt, func() float64 { return cost(step) })
				gtZero(net.wrt)
				cost(step)
				if err := solver.Step(G.NodesToValueGrads(net.wrt)); err != nil {
					t.Fatal(err)
				}
			}
			if last := cost(100); !(last < first) {
				t.Errorf("under one draw the cost is %v at first and %v after ten steps", first, last)
			}
		})
	}
}

// along holds gradients to the difference of a cost along them.
func along(t *testing.T, wrt G.Nodes, cost func() float64) {
	t.Helper()
	var slopes [][]float64
	norm := 0.0
	for _, n := range wrt {
		slopes = append(slopes, grad(t, n))
		for _, s := range slopes[len(slopes)-1] {
			norm += s * s
		}
	}
	norm = math.Sqrt(norm)
	const h = 2e-3
	at := func(by float64) float64 {
		for i, n := range wrt {
			data := n.Value().Data().([]float32)
			for j := range data {
				data[j] += float32(by * slopes[i][j] / norm)
			}
		}
		c := cost()
		for i, n := range wrt {
			data := n.Value().Data().([]float32)
			for j := range data {
				data[j] -= float32(by * slopes[i][j] / norm)
			}
		}
		return c
	}
	if d := (at(h) - at(-h)) / (2 * h); math.Abs(d-norm) > 0.03*norm+1e-4 {
		t.Errorf("along the gradient the cost grows by %v; the gradient's norm is %v", d, norm)
	}
}
