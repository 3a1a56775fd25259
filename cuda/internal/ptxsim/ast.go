package ptxsim

import "strconv"

// operandKind sorts operands.
type operandKind uint8

const (
	opReg  operandKind = iota // %r1, %p1, %tid.x
	opImm                     // 12, 0f3F800000
	opSym                     // the address of a variable, or a label
	opMem                     // [base+offset]
	opVec                     // {a, b}
	opSink                    // _
)

// operand is one operand of an instruction.
type operand struct {
	kind  operandKind
	name  string // of a register or symbol; a memory operand's base
	bits  uint64 // an immediate
	float bool   // the immediate was written as a float
	off   int64  // of a memory operand or symbol
	not   bool   // !%p1
	vec   []operand
	dual  *operand // the second of %r1|%p1
}

// source is a place in the CUDA source, from .loc.
type source struct {
	file, line     int
	inFile, inLine int // where the function was inlined; 0 for nowhere
}

// instr is one instruction, not yet decoded.
type instr struct {
	pred  string // guard register, or empty
	not   bool   // guard is negated
	op    string // the opcode with its suffixes
	parts []string
	args  []operand
	line  int // of the PTX
	src   source
}

// has reports whether a suffix is among the opcode's.
func (in *instr) has(suffix string) bool {
	for _, p := range in.parts[1:] {
		if p == suffix {
			return true
		}
	}
	return false
}

// typ returns the opcode's last suffix, which is its type.
func (in *instr) typ() string { return in.parts[len(in.parts)-1] }

// variable is a variable in memory.
type variable struct {
	name  string
	size  int
	align int
	init  []byte // of a .const or .global variable
	scope string // .shared, .local, .param, .const, .global
}

// function is a .entry or .func.
type function struct {
	name       string
	entry      bool
	params     []variable
	rets       []variable
	regs       map[string]string // type by register
	banks      []bank            // %r<10>
	vars       map[string]*variable
	order      []*variable // vars as declared
	body       []instr
	labels     map[string]int // index into body
	maxThreads int            // .maxntid, or 0
	line       int
}

// bank is a numbered set of registers: %r<10> is %r0 to %r9.
type bank struct {
	prefix string
	count  int
	typ    string
}

// regType returns the declared type of a register.
func (f *function) regType(name string) (string, bool) {
	if t, ok := f.regs[name]; ok {
		return t, true
	}
	for _, b := range f.banks {
		if len(name) <= len(b.prefix) || name[:len(b.prefix)] != b.prefix {
			continue
		}
		n, err := strconv.Atoi(name[len(b.prefix):])
		if err != nil || n < 0 || n >= b.count {
			continue
		}
		f.regs[name] = b.typ
		return b.typ, true
	}
	return "", false
}

// module is parsed PTX.
type module struct {
	funcs   map[string]*function
	order   []string // entries, as they stand
	globals []*variable
	dynamic map[string]int // .extern .shared arrays: alignment by name
	files   map[int]string
	target  string
}

// typeSize returns the bytes of a fundamental type.
func typeSize(t string) int {
	switch t {
	case "b8", "u8", "s8":
		return 1
	case "b16", "u16", "s16", "f16", "bf16":
		return 2
	case "b32", "u32", "s32", "f32", "f16x2", "bf16x2", "tf32":
		return 4
	case "b64", "u64", "s64", "f64":
		return 8
	case "b128":
		return 16
	}
	return 0
}
