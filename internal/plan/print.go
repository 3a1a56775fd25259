package plan

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"aegis/model/op"
)

const floatBytes = 4

// String prints the plan: buffers, then each phase's instructions with the
// floating-point operations of their products and the bytes that they read
// and write, and totals. Columns are aligned; numbers are as in the plan.
func (p *Plan) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "plan %s: batch %d, %v, %s\n", p.Name, p.Batch, p.Scaling, p.Options)
	p.printBuffers(&text)
	for i := range p.Phases {
		p.printPhase(&text, &p.Phases[i])
	}
	return text.String()
}

// String lists what was asked for.
func (o Options) String() string {
	var list []string
	for _, opt := range []struct {
		on   bool
		name string
	}{{o.ChannelsLast, "channels last"}, {o.Merge, "merged updates"}, {o.Exchange, "exchange"}, {o.Stages, "stages"}} {
		if opt.on {
			list = append(list, opt.name)
		}
	}
	if list == nil {
		return "no options"
	}
	return strings.Join(list, ", ")
}

// table starts aligned columns.
func table(text *strings.Builder) *tabwriter.Writer {
	return tabwriter.NewWriter(text, 0, 0, 2, ' ', 0)
}

// printBuffers lists the buffers. Offsets and the arena are in floats.
func (p *Plan) printBuffers(text *strings.Builder) {
	text.WriteString("\nbuffers\n")
	t := table(text)
	fmt.Fprintln(t, "#\tkind\tname\tshape\tlayout\t     bytes\t   offset")
	kept := 0
	for i, b := range p.Buffers {
		offset := "–"
		switch {
		case b.Kind == View:
			offset = fmt.Sprintf("#%d", b.Of)
		case b.Offset >= 0:
			offset = fmt.Sprint(b.Offset)
		default:
			kept += floatBytes * b.Size()
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%10d\t%9s\n", i, b.Kind, b.Name, shapeText(b.Shape), b.Layout, floatBytes*b.Size(), offset)
	}
	_ = t.Flush() // a strings.Builder takes everything
	fmt.Fprintf(text, "kept from step to step %s, arena %s\n", bytesText(float64(kept)), bytesText(float64(floatBytes*p.Arena)))
}

func shapeText(shape []int) string {
	if len(shape) == 0 {
		return "scalar"
	}
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", "×")
}

// printPhase lists a phase's instructions with totals.
func (p *Plan) printPhase(text *strings.Builder, ph *Phase) {
	fmt.Fprintf(text, "\nphase %s", ph.Name)
	if ph.Optimizer.Kind != "" {
		fmt.Fprintf(text, ": %s", ph.Optimizer.Kind)
	}
	if ph.Clip.On() {
		fmt.Fprintf(text, ", gradients clipped: %s", ph.Clip)
	}
	text.WriteString("\n")
	t := table(text)
	fmt.Fprintln(t, "instr\tstage\top\tresults\toperands\t    MFLOP\t     bytes")
	number, flops, bytes := 0, 0.0, 0
	for s, section := range ph.sections() {
		for _, in := range section {
			f, b := p.flops(in), p.bytes(in)
			flops += f
			bytes += b
			fmt.Fprintf(t, "%d\t%s%d\t%s\t%s\t%s\t%9s\t%10d\n", number, []string{"", "update "}[s], in.Stage, in.describe(),
				p.operandText(in.Dst), p.operandText(in.Src), flopText(f), b)
			number++
		}
	}
	_ = t.Flush()
	for _, out := range ph.Outputs {
		fmt.Fprintf(text, "output %s: #%d\n", out.Name, out.Buffer)
	}
	fmt.Fprintf(text, "total: %d instructions, %s MFLOP, %s read and written\n", number, flopText(flops), bytesText(float64(bytes)))
}

// operandText lists buffers with their shapes, a parameter's slots without.
func (p *Plan) operandText(buffers []int) string {
	var list []string
	for _, v := range buffers {
		text := fmt.Sprintf("#%d", v)
		if b := p.Buffers[v]; b.Kind != Slot && b.Kind != Copy {
			text += " " + shapeText(b.Shape)
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

func flopText(f float64) string {
	if f == 0 {
		return "–"
	}
	return fmt.Sprintf("%.3f", f/1e6)
}

func bytesText(n float64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.2f MiB", n/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", n/(1<<10))
	}
	return fmt.Sprintf("%.0f bytes", n)
}

// describe is the op with what is fused into it.
func (in Instr) describe() string {
	text := string(in.Op)
	if detail := in.Op.rule().detail; detail != nil {
		text += " " + detail(in)
	}
	if in.Activation != op.None {
		text += " " + in.Activation.String()
	}
	if in.Slope != op.None {
		text += " · " + in.Slope.String() + "'"
	}
	if in.Update {
		text += " → update"
	}
	return text
}

// flops counts the multiplications and additions of a product; what is done
// once a value is left out.
func (p *Plan) flops(in Instr) float64 {
	if flops := in.Op.rule().flops; flops != nil {
		return flops(p, in)
	}
	return 0
}

// bytes counts each operand once, and what an update changes in place, the
// parameters and their slots, twice.
func (p *Plan) bytes(in Instr) int {
	n := 0
	for _, v := range in.Src {
		n += p.Buffers[v].Size()
		if p.Buffers[v].Kind == Slot {
			n += p.Buffers[v].Size()
		}
	}
	for _, v := range in.Dst {
		n += p.Buffers[v].Size()
		if p.Buffers[v].Kind == Param {
			n += p.Buffers[v].Size()
		}
	}
	return floatBytes * n
}
