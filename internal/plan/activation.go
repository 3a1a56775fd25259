package plan

import "aegis/model/op"

// Activations that are not part of a product, and their gradients.
const (
	Activate Op = "activate" // (rows) y ← z; Activation
	Slope    Op = "slope"    // (rows) dz ← g, y (or z: op.Activation.FromInput); Slope
)

var activationFamily = family{
	decode: decodeActivation,
	rules: []rule{
		{
			op: Activate, dst: []role{rows}, src: []role{rows}, activation: true, alike: true,
			name: func(in Instr, of names) string { return of(0) + "." + string(in.Activation.Kind) },
		},
		{
			op: Slope, dst: []role{rows}, src: []role{rows}, slope: always, alike: true,
			name: func(_ Instr, of names) string { return of(1) + ".dz" },
		},
	},
}

func decodeActivation(d *decoder, n node) (int, error) {
	switch def := n.def.(type) {
	case op.ActivationDef:
		return d.emit(n, Instr{Op: Activate, Activation: def.Activation}, n.in...)
	case op.ActivationGradDef:
		return d.emit(n, Instr{Op: Slope, Slope: def.Activation}, n.in[1], n.in[0])
	}
	return 0, errUnknown
}
