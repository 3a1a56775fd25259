package plan

import (
	"slices"

	"aegis/model/op"
)

// Op is what an instruction does: one of the constants of this package, each
// in the file of its family with its rule. The operands are in the order given
// there; those in brackets are there only where a field of [Instr] says so.
// Instructions marked (rows) treat every row of the batch by itself; those
// marked (sum) add up over the batch.
type Op string

// rule is what this package knows of one instruction. All checks and passes
// ask the rule; only fusion, which is about single instructions, names them.
type rule struct {
	op       Op
	dst, src []role // operands that are always there
	sum      bool   // it adds up over the batch, or updates; else it works row by row

	activation bool // the result may go through an activation
	slope      when // the result may be multiplied by an activation's derivative, at one source more
	scalar     when // the result may be multiplied by a scalar, the source behind the others
	many       bool // its last source stands for any number of them
	clips      bool // it stands in the section of updates, before them
	merges     bool // the updates of its results may follow: then the sources go on with their slots
	updates    bool // it is an update and stands in the section of updates
	keeps      bool // it writes a tensor that lives on, without an optimizer, in the section of updates
	graphOnly  bool // later passes take it away
	stays      bool // nobody need read its result, and two of them are never one
	alike      bool // all operands have one shape and one layout
	biased     bool // beside its result stands the gradient of a bias, the sum of its first source
	scatters   bool // it adds patches to an image; see Plan.Scatters
	layer      Op   // of an instruction with weights: the product that they belong to; else ""

	// window is a convolution seen from its larger side, as buffers; see
	// Instr.Windowed. It is nil for what is none.
	window func(in Instr) (image, small, weights int)

	shapes func(o operands) error          // what the shapes must be; nil: rows and likeness are all
	flops  func(p *Plan, in Instr) float64 // multiplications and additions of its products; nil: none
	name   func(in Instr, of names) string // what the result is; nil: the op
	detail func(in Instr) string           // what is printed behind the op; nil: nothing

	// beside is name and shape of a result that its node does not have: a
	// bias's gradient, the value of a loss. It is the last one whose role is
	// whole.
	beside func(p *Plan, in Instr) (name string, shape []int)
}

// when says whether something is there.
type when int

const (
	never when = iota
	maybe
	always
)

// role says what an operand is to its instruction.
type role int

const (
	rows    role = iota // a row for each image of the batch
	whole               // one for the batch: a bias, a gradient, a sum; a result is complete where its stage ends
	weights             // the weights of a product, or their gradient
	updated             // a parameter that changes in place
	copied              // a second layout of a parameter, refreshed after its update
	slot                // optimizer state that changes in place
	kept                // a tensor that lives on and is written in place
	after               // a parameter that is read after its update
)

// names gives the name of a source.
type names func(source int) string

// family is the instructions of one file and the ops of package op that they
// come from. decode adds the instructions of a node, or returns errUnknown for
// another family's.
type family struct {
	rules  []rule
	decode func(d *decoder, n node) (int, error)
}

// The tables are filled when the program starts: what is in them calls what
// reads them.
var (
	families []family
	rules    = make(map[Op]*rule)
)

func init() {
	families = []family{
		loadFamily, linearFamily, conv2dFamily, convTranspose2dFamily, activationFamily,
		lossFamily, elementwiseFamily, klFamily, gaussianFamily, concatFamily,
		statisticsFamily, batchNormFamily, regularFamily, dropFamily, mixtureFamily, reshapeFamily, clipFamily, updateFamily,
	}
	for _, f := range families {
		for i := range f.rules {
			rules[f.rules[i].op] = &f.rules[i]
		}
	}
}

// rule returns an instruction's rule, an empty one for what is none.
func (o Op) rule() *rule {
	if r, ok := rules[o]; ok {
		return r
	}
	return &rule{op: o}
}

// PerRow says that an instruction treats every row of the batch by itself.
func (o Op) PerRow() bool { return !o.rule().sum }

// The three kinds of instructions that have weights: the layer itself, its
// gradient by the input, and its gradient by the weights.
func (r *rule) isProduct() bool { return r.layer != "" && r.layer == r.op }
func (r *rule) isDX() bool      { return r.layer != "" && !r.isProduct() && !r.isDW() }
func (r *rule) isDW() bool      { return slices.Contains(r.dst, weights) }

// roles returns what each operand of an instruction is, those included that
// its fields ask for.
func (p *Plan) roles(ph *Phase, in Instr) (dst, src []role) {
	r := in.Op.rule()
	dst, src = slices.Clone(r.dst), slices.Clone(r.src)
	for r.many && len(src) < len(in.Src) {
		src = append(src, src[len(src)-1])
	}
	if in.Scaled {
		src = append(src, whole)
	}
	if in.Slope != op.None {
		src = append(src, rows)
	}
	if in.Update || r.updates {
		for i := range dst {
			dst[i] = updated
			src = append(src, slices.Repeat([]role{slot}, len(ph.Optimizer.Slots()))...)
		}
	}
	if (in.Update || r.updates || r.keeps) && len(in.Dst) > len(dst) {
		dst = append(dst, copied)
	}
	return dst, src
}

// having returns the operands of a role.
func having(list []int, roles []role, wanted role) []int {
	var found []int
	for i, r := range roles {
		if r == wanted {
			found = append(found, list[i])
		}
	}
	return found
}

// weightsOf returns the buffer of an instruction's weights or of their
// gradient; -1 where it has none.
func (in Instr) weightsOf() int {
	r := in.Op.rule()
	if i := slices.Index(r.src, weights); i >= 0 {
		return in.Src[i]
	}
	if i := slices.Index(r.dst, weights); i >= 0 {
		return in.Dst[i]
	}
	return -1
}
