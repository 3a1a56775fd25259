package kernels

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ld.global.nc reads through a cache that does not see writes of the same
// launch, so it is right only for memory that the launch does not write. The
// compiler emits it for a pointer to const that is marked __restrict__ and for
// constants, and believes the mark.

// readOnly are the parameters that kernels may read so, by number. A launch
// writes none of them, neither through the parameter nor through another that
// points to the same memory: step blocks are written by advance alone,
// images, row numbers and classes by the host, and results do not overlap operands.
var readOnly = map[string]map[string]string{
	"gemm_nt_128": {"11": "step"}, "gemm_nt_64": {"11": "step"}, "gemm_nt_32": {"11": "step"},
	"gemm_nn_128": {"11": "step"}, "gemm_nn_64": {"11": "step"}, "gemm_nn_32": {"11": "step"},
	"conv_64": {"19": "step"}, "conv_32": {"19": "step"}, "conv_narrow": {"19": "step"},
	"conv_transpose_64": {"19": "step"}, "conv_transpose_32": {"19": "step"}, "conv_transpose_narrow": {"19": "step"},
	"conv_dw_32": {"17": "step"},
	"activate":   {"5": "step"}, "slope": {"6": "step"}, "add": {"5": "step"}, "scale": {"6": "step"}, "copy": {"4": "step"},
	"mul": {"4": "step"}, "lerp": {"6": "step"},
	"collect": {"3": "step"}, "loss": {"16": "step"},
	"gather_rows": {"0": "set", "1": "rows", "6": "step"}, "gather_scaled": {"0": "set", "1": "rows", "3": "shift", "4": "factor", "7": "step"},
	"fetch": {"3": "step"}, "one_hot": {"0": "classes", "3": "step"}, "noise": {"1": "rows", "10": "step"}, "mixture": {"8": "step"},
	"drop":            {"0": "x", "2": "rows", "11": "step"},
	"partials_update": {"0": "partials", "5": "step"},
	"channel_sums":    {"0": "x", "5": "step"}, "channel_mean": {"0": "x", "4": "step"},
	"kl_grad": {"7": "step"}, "kl_means": {"4": "step"}, "free_bits": {"4": "step"}, "free_bits_grad": {"6": "step"},
	"gaussian": {"7": "step"}, "concat": {"5": "step"}, "columns": {"5": "step"},
	"moments": {"0": "x", "4": "step"}, "batch_norm": {"11": "step"}, "batch_norm_sums": {"8": "step"}, "batch_norm_dx": {"10": "step"},
	"clamp": {"5": "step"}, "clamp_grad": {"6": "step"}, "top_k": {"5": "step"}, "channel_mean_grad": {"4": "step"},
	"squares": {"34": "step"}, "clip_factor": {"4": "step"},
	"rate_kl": {"4": "step"}, "rate_kl_grad": {"6": "step"}, "decay": {"6": "step"},
}

// TestReadOnlyLoads traces the address of every ld.global.nc back to the
// parameters that it comes from. The simulator does the rest of the proof: it
// faults where a launch writes what it read so, through whatever pointer.
func TestReadOnlyLoads(t *testing.T) {
	texts := make(map[string]string)
	for _, f := range Families() {
		ptx, err := PTX(f)
		if err != nil {
			t.Fatal(err)
		}
		texts[string(f)] = string(ptx)
	}
	graph, err := os.ReadFile("../gorgoniavm/zz_graph.ptx")
	if err != nil {
		t.Fatal(err)
	}
	texts["graph"] = string(graph)
	loads := 0
	for file, text := range texts {
		for name, body := range entries(text) {
			uses := trace(name, body, constants(text))
			loads += uses.loads
			for _, problem := range uses.check(readOnly[name]) {
				t.Errorf("%s: %s: %s", file, name, problem)
			}
		}
	}
	if loads < 20 {
		t.Errorf("%d loads through the read-only cache; want those of the kernels above", loads)
	}
}

// TestReadOnlyTrace plants what the trace has to find.
func TestReadOnlyTrace(t *testing.T) {
	const start = "ld.param.u64 %rd1, [k_param_0];\nld.param.u64 %rd2, [k_param_1];\ncvta.to.global.u64 %rd3, %rd1;\n"
	for _, c := range []struct{ name, body, want string }{
		{"right", "mad.wide.s32 %rd4, %r1, 4, %rd3;\nld.global.nc.f32 %f1, [%rd4+8];\nst.global.f32 [%rd2], %f1;\n", ""},
		{"a constant", "mov.u64 %rd4, table;\nld.global.nc.f32 %f1, [%rd4];\nld.global.nc.f32 %f1, [%rd3];\n", ""},
		{"stored", "ld.global.nc.f32 %f1, [%rd3];\nst.global.f32 [%rd1+4], %f1;\n", "written"},
		{"generic store", "ld.global.nc.f32 %f1, [%rd3];\nst.f32 [%rd1], %f1;\n", "written"},
		{"atomic", "ld.global.nc.f32 %f1, [%rd3];\n@%p1 atom.global.add.u32 %r1, [%rd1], 1;\n", "written"},
		{"reduction", "ld.global.nc.f32 %f1, [%rd3];\nred.global.add.u32 [%rd3], 1;\n", "written"},
		{"a vector", "ld.global.nc.v2.f32 {%f1, %f2}, [%rd3];\nst.global.v2.f32 [%rd3], {%f1, %f2};\n", "written"},
		{"another parameter", "selp.b64 %rd4, %rd3, %rd2, %p1;\nld.global.nc.f32 %f1, [%rd4];\n", "not in the list"},
		{"no parameter", "mov.u64 %rd4, 4096;\nld.global.nc.f32 %f1, [%rd4];\n", "no parameter"},
		{"a pointer from memory", "ld.global.u64 %rd4, [%rd3];\nld.global.nc.f32 %f1, [%rd4];\n", "memory"},
		{"a store to nowhere", "ld.global.nc.f32 %f1, [%rd3];\nmov.u64 %rd4, 4096;\nst.global.f32 [%rd4], %f1;\n", "no parameter"},
		{"a variable", "mov.u64 %rd4, counter;\nld.global.nc.f32 %f1, [%rd4];\n", "no parameter"},
		{"listed in vain", "ld.global.f32 %f1, [%rd3];\n", "in vain"},
	} {
		got := trace("k", start+c.body, map[string]bool{"table": true}).check(map[string]string{"0": "x"})
		if c.want == "" && len(got) > 0 || !strings.Contains(strings.Join(got, "\n"), c.want) {
			t.Errorf("%s: found %q, want %q", c.name, got, c.want)
		}
	}
}

// entries returns the bodies of a module's kernels.
func entries(ptx string) map[string]string {
	found := make(map[string]string)
	for _, m := range regexp.MustCompile(`(?ms)^\.visible \.entry (\w+)\(.*?^\{(.*?)^\}`).FindAllStringSubmatch(ptx, -1) {
		found[m[1]] = m[2]
	}
	return found
}

// constants returns the module's variables that have values, which only
// constants have here.
func constants(ptx string) map[string]bool {
	found := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^\.(?:global|const) [^;=]*?([\w$]+)(?:\[\d*\])? =`).FindAllStringSubmatch(ptx, -1) {
		found[m[1]] = true
	}
	return found
}

// uses are the origins of the addresses that a kernel reads through the
// read-only cache and of those that it writes: numbers of parameters,
// "constant", "memory" for a pointer that was read, or none for what could
// not be traced.
type uses struct {
	loads         int
	read, written map[string]bool
}

// check says what is wrong with the uses, where a list of parameters may be
// read.
func (u uses) check(may map[string]string) (problems []string) {
	for _, origin := range slices.Sorted(maps.Keys(u.read)) {
		switch {
		case origin == "constant":
		case origin == "":
			problems = append(problems, "an address of ld.global.nc comes from no parameter")
		case may[origin] == "":
			problems = append(problems, "ld.global.nc of "+named(origin)+", which is not in the list")
		case u.written[origin]:
			problems = append(problems, "ld.global.nc of "+named(origin)+", which is written")
		}
	}
	if u.loads > 0 && u.written[""] {
		problems = append(problems, "an address that is written comes from no parameter")
	}
	for origin, name := range may {
		if !u.read[origin] {
			problems = append(problems, named(origin)+", "+name+", is in the list in vain")
		}
	}
	return problems
}

// named is an origin in words.
func named(origin string) string {
	if origin == "memory" {
		return "a pointer from memory"
	}
	return "parameter " + origin
}

var (
	instruction = regexp.MustCompile(`^(?:@!?%p\d+ )?([a-z][\w.]*)\s+(.*);$`)
	register    = regexp.MustCompile(`%r[ds]?\d+`)
	inBrackets  = regexp.MustCompile(`\[([^\]]*)\]`)
)

// trace follows 64-bit values through a kernel: whatever an instruction
// computes comes from all that its operands come from. The order of
// instructions does not matter, so that loops need no care.
func trace(kernel, body string, constants map[string]bool) uses {
	var ops, operands []string
	for line := range strings.Lines(body) {
		if m := instruction.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			ops, operands = append(ops, m[1]), append(operands, m[2])
		}
	}
	from := make(map[string]map[string]bool) // origins of registers
	for changed := true; changed; {
		changed = false
		for i, op := range ops {
			dst, src, _ := strings.Cut(operands[i], ",")
			if !strings.HasPrefix(dst, "%rd") {
				continue
			}
			for origin := range origins(kernel, op, src, from, constants) {
				if from[dst] == nil {
					from[dst] = make(map[string]bool)
				}
				changed = changed || !from[dst][origin]
				from[dst][origin] = true
			}
		}
	}
	u := uses{read: make(map[string]bool), written: make(map[string]bool)}
	for i, op := range ops {
		into := u.written
		if strings.HasPrefix(op, "ld.global.nc") {
			into = u.read
			u.loads++
		} else if !writesGlobal(op) {
			continue
		}
		address := inBrackets.FindStringSubmatch(operands[i])
		found := from[register.FindString(address[1])]
		if len(found) == 0 {
			into[""] = true
		}
		maps.Copy(into, found)
	}
	return u
}

// writesGlobal says whether an instruction may write global memory; one
// without a space may write any.
func writesGlobal(op string) bool {
	name, rest, _ := strings.Cut(op, ".")
	elsewhere := slices.ContainsFunc(strings.Split(rest, "."), func(s string) bool {
		return s == "shared" || s == "local" || s == "param"
	})
	return (name == "st" || name == "atom" || name == "red") && !elsewhere
}

// origins returns where the result of an instruction comes from.
func origins(kernel, op, src string, from map[string]map[string]bool, constants map[string]bool) map[string]bool {
	found := make(map[string]bool)
	switch {
	case strings.HasPrefix(op, "ld.param."):
		number := strings.TrimPrefix(inBrackets.FindStringSubmatch(src)[1], kernel+"_param_")
		found[number] = true
	case strings.HasPrefix(op, "ld.") || strings.HasPrefix(op, "atom."):
		found["memory"] = true
	default:
		for _, r := range register.FindAllString(src, -1) {
			maps.Copy(found, from[r])
		}
		if constants[strings.TrimSpace(src)] {
			found["constant"] = true
		}
	}
	return found
}
