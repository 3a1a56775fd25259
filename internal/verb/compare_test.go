package verb

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/internal/cli"
)

func TestCompare(t *testing.T) {
	a, b := trained(t), trained(t, "--lr", "0.01")
	table, _ := must(t, "compare", a, b)
	for _, want := range []string{"the same in all: status finished, model fc12", "lr", "test_loss", "0.01 ", "0.001 "} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	if strings.Count(table, "fc12") != 1 || strings.Contains(table, "do not compare") {
		t.Errorf("what is the same is in the table:\n%s", table)
	}
	text, _ := must(t, "compare", a, b, "--json")
	var c struct {
		Runs []struct {
			Run      string
			LR       float64
			TestLoss float64 `json:"test_loss"`
		}
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil || len(c.Runs) != 2 || c.Runs[0].TestLoss > c.Runs[1].TestLoss || c.Runs[0].LR == c.Runs[1].LR {
		t.Errorf("%v of %s", err, text)
	}
	out := filepath.Join(t.TempDir(), "runs.csv")
	if stdout, _ := must(t, "compare", a, b, "--out", out, "--sort", "lr"); stdout != "" {
		t.Errorf("beside the file: %s", stdout)
	}
	written, err := os.ReadFile(out)
	if lines := strings.Split(string(written), "\n"); err != nil || len(lines) != 4 || !strings.HasPrefix(lines[0], "run,group,") || !strings.HasPrefix(lines[1], a+",1,") {
		t.Errorf("%v, %s", err, written)
	}
	earlier := filepath.Join("..", "..", "testdata", "0.1.0", "conv")
	if table, _ := must(t, "compare", a, earlier); !strings.Contains(table, "losses of groups 1 and 2 do not compare: ") {
		t.Errorf("want groups in\n%s", table)
	}
}

// TestCompareTries: a directory of tries stands for its runs, and may stand
// beside others.
func TestCompareTries(t *testing.T) {
	out := filepath.Join(t.TempDir(), "tries")
	must(t, "train", "--quiet", "--limit", "200", "--epochs", "1", "--tries", "2", "--out", out)
	for n, args := range map[int][]string{2: {out}, 3: {trained(t), out}} {
		text, _ := must(t, append([]string{"compare", "--json"}, args...)...)
		var c struct{ Runs []struct{ Run string } }
		if err := json.Unmarshal([]byte(text), &c); err != nil || len(c.Runs) != n || !strings.Contains(text, filepath.Join(out, "seed-2")) {
			t.Errorf("%v of %s", err, text)
		}
	}
	if err := os.WriteFile(filepath.Join(out, "tries.json"), []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := call("compare", out); status != cli.ExitFailed || !strings.Contains(stderr, "no tries are in it") {
		t.Errorf("status %d, %s", status, stderr)
	}
}

// TestCompareErrors: a run that lacks something is an error that names it.
func TestCompareErrors(t *testing.T) {
	run := trained(t)
	copied := func(bend func(name string, text []byte) []byte) string {
		dir := t.TempDir()
		for _, name := range []string{"config.toml", "model.safetensors", "summary.json", "metrics.jsonl"} {
			text, err := os.ReadFile(filepath.Join(run, name))
			if err != nil {
				t.Fatal(err)
			}
			if text = bend(name, text); text == nil {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	without := func(missing string) string {
		return copied(func(name string, text []byte) []byte {
			if name == missing {
				return nil
			}
			return text
		})
	}
	cut := func(file string) string {
		return copied(func(name string, text []byte) []byte {
			if name == file {
				return append(text[:len(text)/2:len(text)/2], '\n')
			}
			return text
		})
	}
	killed := without("summary.json")
	if err := os.WriteFile(filepath.Join(killed, "last.safetensors"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]struct {
		args   []string
		status int
	}{
		"want two runs or more, or a directory of tries":                     {[]string{run}, cli.ExitUsage},
		`unknown column "los"`:                                               {[]string{run, run, "--sort", "los"}, cli.ExitUsage},
		"would both go to standard output":                                   {[]string{run, run, "--json", "--out", "-"}, cli.ExitUsage},
		"is no run: it has no model.safetensors":                             {[]string{run, without("model.safetensors")}, cli.ExitFailed},
		"no config.toml lies beside":                                         {[]string{run, without("config.toml")}, cli.ExitFailed},
		"summary.json: no such file or directory; the model was imported":    {[]string{run, without("summary.json")}, cli.ExitFailed},
		"summary.json: no such file or directory; the run is still training": {[]string{run, killed}, cli.ExitFailed},
		"metrics.jsonl: no such file or directory; the model was imported":   {[]string{run, without("metrics.jsonl")}, cli.ExitFailed},
		"summary.json: invalid character":                                    {[]string{run, cut("summary.json")}, cli.ExitFailed},
		"metrics.jsonl: line 1: unexpected end of ":                          {[]string{run, cut("metrics.jsonl")}, cli.ExitFailed},
	} {
		status, stdout, stderr := call(append([]string{"compare"}, c.args...)...)
		if status != c.status || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%q: status %d, %q, %q; want %q", c.args, status, stdout, stderr, want)
		}
	}
}
