package aegis_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mayImport is the architecture: for each package the packages of this module
// that it may import. Directories below an entry follow it. A name with a
// trailing /... admits what is below it too.
var mayImport = map[string][]string{
	"aegis/data":          {"aegis/data/memory", "aegis/data/philox"},
	"aegis/data/mnist":    {"aegis/data"},
	"aegis/data/memory":   {},
	"aegis/data/philox":   {},
	"aegis/data/images":   {"aegis/data", "aegis/data/memory", "aegis/internal/advice"},
	"aegis/data/table":    {"aegis/data", "aegis/data/memory", "aegis/internal/advice"},
	"aegis/data/fashion":  {"aegis/data"},
	"aegis/data/dataset":  {"aegis/data", "aegis/data/memory", "aegis/data/mnist", "aegis/data/fashion", "aegis/data/images", "aegis/data/table"},
	"aegis/model/op":      {},
	"aegis/model/optim":   {},
	"aegis/model/program": {"aegis/data", "aegis/model/optim", "aegis/data/philox"},
	"aegis/model":         {"aegis/data", "aegis/model/op", "aegis/model/program", "aegis/model/optim"},

	"aegis/internal/plan":        {"aegis/data", "aegis/model/op", "aegis/model/program", "aegis/model/optim"},
	"aegis/internal/vm":          {"aegis/data", "aegis/model/program"},
	"aegis/internal/vm/tape":     {"aegis/data", "aegis/internal/vm", "aegis/model/program"},
	"aegis/internal/vm/cpu":      {"aegis/data", "aegis/data/memory", "aegis/internal/vm", "aegis/internal/plan", "aegis/model/program", "aegis/model/optim", "aegis/data/philox", "aegis/model/op", "aegis/internal/vm/cpu/..."},
	"aegis/internal/train":       {"aegis/data", "aegis/internal/vm", "aegis/model/optim", "aegis/model/program"},
	"aegis/internal/atomic":      {},
	"aegis/internal/run":         {"aegis/internal/atomic", "aegis/model/program", "aegis/internal/advice"},
	"aegis/internal/report":      {"aegis/data/philox", "aegis/internal/analysis"},
	"aegis/internal/session":     {"aegis/data", "aegis/data/philox", "aegis/model", "aegis/model/op", "aegis/model/program", "aegis/model/optim", "aegis/internal/plan", "aegis/internal/vm", "aegis/internal/train", "aegis/internal/run", "aegis/internal/report", "aegis/data/memory", "aegis/internal/advice", "aegis/internal/infer", "aegis/internal/pytorch"},
	"aegis/internal/infer":       {"aegis/data", "aegis/model", "aegis/model/program", "aegis/internal/vm", "aegis/internal/run", "aegis/internal/exact"},
	"aegis/internal/advice":      {},
	"aegis/internal/analysis":    {"aegis/data/philox", "aegis/internal/vm/cpu/kernel"},
	"aegis/internal/evaluate":    {"aegis/data", "aegis/internal/infer", "aegis/internal/analysis"},
	"aegis/internal/compress":    {"aegis/data", "aegis/internal/infer", "aegis/internal/codec"},
	"aegis/internal/cluster":     {"aegis/data", "aegis/internal/infer", "aegis/internal/analysis"},
	"aegis/internal/codec":       {},
	"aegis/internal/detect":      {"aegis/data", "aegis/data/philox", "aegis/internal/infer", "aegis/internal/analysis", "aegis/model"},
	"aegis/internal/pytorch":     {"aegis/data", "aegis/internal/atomic", "aegis/internal/detect", "aegis/internal/run", "aegis/model", "aegis/model/op", "aegis/model/program"},
	"aegis/internal/compare":     {"aegis/internal/session"},
	"aegis/internal/tries":       {"aegis/data", "aegis/internal/advice", "aegis/internal/analysis", "aegis/internal/compare", "aegis/internal/run", "aegis/internal/session"},
	"aegis/internal/generate":    {"aegis/data", "aegis/data/philox", "aegis/model", "aegis/internal/infer", "aegis/internal/analysis"},
	"aegis/internal/explorer":    {"aegis/data", "aegis/data/philox", "aegis/model", "aegis/model/op", "aegis/model/program", "aegis/internal/infer", "aegis/internal/detect", "aegis/internal/analysis", "aegis/internal/flow"},
	"aegis/internal/flow":        {"aegis/model/op", "aegis/model/program"},
	"aegis/internal/exact":       {"aegis/model/op", "aegis/model/program", "aegis/internal/flow", "aegis/internal/vm/cpu/kernel"},
	"aegis/internal/onnx":        {"aegis/data", "aegis/model", "aegis/model/op", "aegis/model/program", "aegis/internal/flow", "aegis/internal/infer", "aegis/internal/detect"},
	"aegis/internal/inspect":     {"aegis/data", "aegis/model", "aegis/internal/run", "aegis/internal/infer", "aegis/internal/session", "aegis/internal/codec", "aegis/internal/detect"},
	"aegis/internal/opendata":    {"aegis/data", "aegis/data/dataset", "aegis/data/table", "aegis/model", "aegis/internal/session"},
	"aegis/internal/picture":     {"aegis/data", "aegis/data/philox", "aegis/model", "aegis/model/program", "aegis/internal/session", "aegis/internal/infer", "aegis/internal/detect", "aegis/internal/analysis", "aegis/internal/report"},
	"aegis/internal/reportpage":  {"aegis/data", "aegis/model", "aegis/internal/run", "aegis/internal/session", "aegis/internal/tries", "aegis/internal/infer", "aegis/internal/detect", "aegis/internal/evaluate", "aegis/internal/opendata"},
	"aegis/internal/serve":       {"aegis/data", "aegis/internal/detect", "aegis/internal/generate", "aegis/internal/infer"},
	"aegis/internal/weblisten":   {},
	"aegis/internal/watch":       {"aegis/internal/explorer", "aegis/internal/session"},
	"aegis/internal/cli":         {"aegis/internal/atomic", "aegis", "aegis/data", "aegis/data/mnist", "aegis/data/memory", "aegis/internal/advice", "aegis/internal/session"},
	"aegis/internal/verb":        {"aegis", "aegis/data", "aegis/internal/cli"},
	"aegis/cmd":                  {"aegis/internal/verb", "aegis", "aegis/internal/cli"},
	"aegis/internal/numtest":     {},
	"aegis/internal/browsertest": {},
	"aegis/docs":                 {},

	"aegis/cuda":                  {"aegis/data", "aegis/internal/advice", "aegis/internal/plan", "aegis/internal/vm", "aegis/model/program", "aegis/model/op", "aegis/cuda/driver", "aegis/cuda/kernels", "aegis/cuda/internal/gpu", "aegis/cuda/gorgoniavm"},
	"aegis/cuda/gorgoniavm":       {"aegis/cuda/driver", "aegis/cuda/kernels", "aegis/cuda/internal/gpu", "aegis/data/philox", "aegis/model/op"},
	"aegis/cuda/internal/gpu":     {"aegis/cuda/driver", "aegis/cuda/kernels"},
	"aegis/cuda/driver":           {},
	"aegis/cuda/kernels":          {"aegis/cuda/driver", "aegis/model/op", "aegis/model/optim", "aegis/data/philox"},
	"aegis/cuda/internal/ptxsim":  {"aegis/cuda/driver"},
	"aegis/cuda/internal/nvrtc":   {"aegis/cuda/internal/nvrtc/..."},
	"aegis/cuda/internal/gputest": {"aegis/cuda/driver"},
}

// anything may import all of the module.
var anything = []string{"aegis", "aegis/internal/vm/vmtest"}

// testsOnly are packages that only tests may import, and those who may beside.
var testsOnly = map[string][]string{
	"aegis/cmd":                   nil,
	"aegis/internal/cli":          {"aegis/cmd/train", "aegis/cmd/aegis", "aegis/internal/verb"},
	"aegis/internal/verb":         {"aegis/cmd/aegis"},
	"aegis/internal/vm/vmtest":    nil,
	"aegis/internal/numtest":      {"aegis/internal/vm/vmtest"},
	"aegis/internal/browsertest":  nil,
	"aegis/cuda/internal/ptxsim":  nil,
	"aegis/cuda/internal/gputest": nil,
	"aegis/cuda/internal/nvrtc":   {"aegis/cuda/internal/nvrtc/cmd/nvrtc"},
}

// outside lists modules that only some packages may import.
var outside = map[string][]string{
	"gonum.org/v1/plot":                              {"aegis/internal/report"},
	"github.com/BurntSushi/toml":                     {"aegis/internal/run"},
	"github.com/gofrs/flock":                         {"aegis/internal/run"},
	"github.com/schollz/progressbar/v3":              {"aegis/internal/cli", "aegis/internal/verb"},
	"github.com/spf13/cobra":                         {"aegis/internal/verb"},
	"github.com/evanw/esbuild":                       {"aegis/internal/explorer/gen"},
	"github.com/chromedp":                            {"aegis/internal/browsertest"},
	"github.com/spf13/pflag":                         {"aegis/internal/verb"},
	"github.com/parquet-go/parquet-go":               {"aegis/data/table"},
	"github.com/ebitengine/purego":                   {"aegis/cuda/driver", "aegis/cuda/internal/nvrtc"},
	"gorgonia.org/cu":                                {"aegis/cuda/driver"},
	"gorgonia.org/gorgonia":                          {"aegis/model", "aegis/internal/vm/tape", "aegis/internal/plan", "aegis/internal/flow", "aegis/internal/numtest", "aegis/internal/vm/vmtest", "aegis/cuda"},
	"github.com/KimMachineGun/automemlimit/memlimit": {"aegis/data/memory"},
	"github.com/bep/imagemeta":                       {"aegis/data/images"},
	"golang.org/x/image/webp":                        {"aegis/data/images"},
	"golang.org/x/image/tiff":                        {"aegis/data/images"},
	"golang.org/x/image/bmp":                         {"aegis/data/images"},
	"golang.org/x/term":                              {"aegis/internal/cli"},
	"google.golang.org/protobuf":                     {"aegis/internal/onnx"},
	"gonum.org/v1/gonum":                             {"aegis/internal/report", "aegis/internal/analysis"},
	"github.com/klauspost/compress":                  {"aegis/internal/codec", "aegis/data", "aegis/data/table"},
	"golang.org/x/sys/cpu":                           {"aegis/internal/vm/cpu", "aegis/cuda/internal/ptxsim"},
	"github.com/prometheus/client_golang":            {"aegis/internal/serve"},
	"github.com/google/go-cmp":                       {},
	"honnef.co/go/tools/cmd/staticcheck":             {},
	"go4.org/unsafe/assume-no-moving-gc":             {},
	"github.com/chewxy/hm":                           {"aegis/model/op"},
	"gorgonia.org/tensor":                            {"aegis/model", "aegis/internal/vm/tape", "aegis/internal/plan", "aegis/internal/numtest", "aegis/internal/vm/vmtest", "aegis/cuda/gorgoniavm"},
}

// listed is what go list says of a package.
type listed struct {
	ImportPath string
	Imports    []string
}

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []listed
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// within says whether path is a package or below it, by whole elements.
func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// rule finds the entry that a package follows: itself or the nearest above.
func rule(path string) (allowed []string, ok bool) {
	for path != "." && path != "" {
		if allowed, ok := mayImport[path]; ok {
			return allowed, true
		}
		i := strings.LastIndexByte(path, '/')
		if i < 0 {
			break
		}
		path = path[:i]
	}
	return nil, false
}

func admits(allowed []string, path string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		dir, below := strings.CutSuffix(a, "/...")
		return path == a || below && within(path, dir)
	})
}

func TestImports(t *testing.T) {
	packages := list(t)
	if len(packages) < 10 {
		t.Fatalf("go list gave %d packages", len(packages))
	}
	for _, p := range packages {
		free := p.ImportPath == "aegis" || slices.ContainsFunc(anything[1:], func(a string) bool { return within(p.ImportPath, a) })
		allowed, known := rule(p.ImportPath)
		if !free && !known {
			t.Errorf("%s has no rule", p.ImportPath)
		}
		for _, imported := range p.Imports {
			for only, users := range testsOnly {
				if within(imported, only) && !slices.Contains(users, p.ImportPath) {
					t.Errorf("%s imports %s, which nothing but tests and %v may", p.ImportPath, imported, users)
				}
			}
			if within(imported, "aegis") && !free && !admits(allowed, imported) {
				t.Errorf("%s imports %s; it may import %v", p.ImportPath, imported, allowed)
			}
			for module, users := range outside {
				if within(imported, module) && !slices.ContainsFunc(users, func(u string) bool {
					return p.ImportPath == u || u != "aegis" && within(p.ImportPath, u)
				}) {
					t.Errorf("%s imports %s; only %v may", p.ImportPath, imported, users)
				}
			}
		}
	}
}

// TestErrorsSpeakOfNoFlags looks through the texts of all packages but the
// commands': who uses a package from a program has no flags.
func TestErrorsSpeakOfNoFlags(t *testing.T) {
	flag := regexp.MustCompile(`(^|[^-\w])--[a-z]`)
	commands := []string{"cmd", "internal/cli", "internal/verb", "cuda/internal/nvrtc"} // that has the options of a compiler
	seen := 0
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (slices.Contains(commands, filepath.ToSlash(path)) || e.Name() == "testdata") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		seen++
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING && flag.MatchString(text.Value) {
				t.Errorf("%s: %s speaks of a flag; name the option in words, and for commands by package advice", files.Position(n.Pos()), text.Value)
			}
			return true
		})
		return nil
	})
	if err != nil || seen < 100 {
		t.Fatalf("%d files, %v", seen, err)
	}
}
