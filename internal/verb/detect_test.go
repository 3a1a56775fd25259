package verb

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aegis/internal/cli"
)

// sensors writes a table of six columns that two numbers say; one row in fifty
// has the fourth column shifted.
func sensors(t *testing.T, path string, rows int) {
	t.Helper()
	var b strings.Builder
	b.WriteString("a,b,c,d,e,f,state\n")
	for i := range rows {
		x, y := math.Sin(float64(i)*0.7), math.Cos(float64(i)*1.3)
		d, state := x-y, "normal"
		if i%50 == 25 {
			d, state = d+4, "shifted"
		}
		fmt.Fprintf(&b, "%.4f,%.4f,%.4f,%.4f,%.4f,%.4f,%s\n", x, 3*y, x+y, d, x*y, 10+x, state)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

// detection is what detect said as JSON.
func detection(t *testing.T, args ...string) (d detected) {
	t.Helper()
	said, _ := must(t, append(append([]string{"detect"}, args...), "--json")...)
	if err := json.Unmarshal([]byte(said), &d); err != nil {
		t.Fatalf("%v of %s", err, said)
	}
	return d
}

// TestDetectTable finds shifted rows, names the column, keeps the detector and
// changes its threshold; the model's file stays as it is.
func TestDetectTable(t *testing.T) {
	t.Chdir(t.TempDir())
	sensors(t, "t.csv", 2000)
	must(t, "train", "--quiet", "--data", "t.csv", "--label", "state", "--normal-class", "normal", "--latent", "2", "--val", "20%", "--epochs", "20", "--out", "run")
	before, err := os.ReadFile("run/model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	d := detection(t, "run", "--data", "t.csv", "--out", "found.csv")
	if d.Rows != 2000 || d.Known == nil || d.Known.Anomalies != 40 || d.Known.NormalClass != "normal" || d.Known.ROCAUC < 0.99 || d.Formula == "" {
		t.Errorf("%+v, %+v", d, d.Known)
	}
	text, err := os.ReadFile("found.csv")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil || !slices.Equal(lines[0], []string{"row", "score", "anomalous", "class", "columns", "values", "expected"}) || len(lines) != 2001 {
		t.Fatalf("%d lines under %q, error %v", len(lines), lines[0], err)
	}
	named := 0
	for _, line := range lines[1:] {
		if line[3] == "shifted" && line[2] == "1" && (line[4] == "d" || strings.HasPrefix(line[4], "d;")) {
			named++
		}
	}
	if named < 36 {
		t.Errorf("the shifted column is named first in %d of 40 rows", named)
	}
	detector, err := os.ReadFile("run/detector.json")
	if err != nil {
		t.Fatal(err)
	}
	if share := detection(t, "run", "--data", "t.csv", "--contamination", "0.02"); share.Anomalies != 40 || share.FittedOn != d.FittedOn {
		t.Errorf("%d anomalies, want 40", share.Anomalies)
	}
	if same := detection(t, "run", "--data", "t.csv"); same.Anomalies != 40 || same.Threshold.How != "contamination" {
		t.Errorf("the threshold was not kept: %+v", same.Threshold)
	}
	if none := detection(t, "run", "--data", "t.csv", "--threshold", "1e9"); none.Anomalies != 0 {
		t.Errorf("%d anomalies above 1e9", none.Anomalies)
	}
	if after, _ := os.ReadFile("run/detector.json"); string(after) == string(detector) {
		t.Error("the detector's file did not change")
	}
	kept, err := os.ReadFile("run/detector.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--data", "missing.csv", "--threshold", "7"}, {"--calibrate", "t.csv", "--data", "missing.csv"}} {
		if status, _, _ := call(append([]string{"detect", "run"}, args...)...); status != 1 {
			t.Errorf("detect %q: status %d", args, status)
		}
	}
	if after, _ := os.ReadFile("run/detector.json"); string(after) != string(kept) {
		t.Error("a command that failed changed the detector")
	}
	if after, _ := os.ReadFile("run/model.safetensors"); string(after) != string(before) {
		t.Error("the model's file changed")
	}
}

// TestDetectLines scores the lines of a table that the model reads in windows.
func TestDetectLines(t *testing.T) {
	t.Chdir(t.TempDir())
	sensors(t, "t.csv", 1200)
	must(t, "train", "--quiet", "--data", "t.csv", "--label", "state", "--latent", "6", "--window", "8:2", "--epochs", "10", "--out", "run")
	d := detection(t, "run", "--data", "t.csv", "--out", "lines.csv")
	if d.Rows != 1200 || d.Known == nil || d.Known.ROCAUC < 0.95 {
		t.Errorf("%+v, %+v", d, d.Known)
	}
	if own := detection(t, "run"); own.Rows != 1200 {
		t.Errorf("%d lines of the run's own data", own.Rows)
	}
}

// TestDetectHeldLines: of the run's own table the detector is fitted on lines
// that were held out, and those of the test windows are scored. 2000 lines are
// 991 windows of 20 lines, a step of 2 between them.
func TestDetectHeldLines(t *testing.T) {
	t.Chdir(t.TempDir())
	sensors(t, "t.csv", 2000)
	for i, c := range []struct {
		flags  []string
		set    string
		fitted string
		rows   int
		first  string
	}{
		{flags: []string{"--val", "198"}, fitted: "414 lines that were held out", rows: 2000},
		{flags: []string{"--test-split", "100"}, fitted: "218 test lines", rows: 218, first: "row 1782 of"},
		{flags: []string{"--val", "100", "--test-split", "100"}, fitted: "218 lines that were held out", rows: 218, first: "row 1782 of"},
		{flags: []string{"--val", "100", "--test-split", "100"}, set: "all", fitted: "218 lines that were held out", rows: 2000},
		{flags: []string{"--val", "100"}, set: "val", fitted: "218 lines that were held out", rows: 218, first: "row 1782 of"},
		{flags: []string{"--test-split", "100", "--normal-class", "normal"}, fitted: "226 test lines", rows: 226, first: "row 1774 of"},
		{flags: []string{"--limit", "100"}, fitted: "218 lines that the model was trained on", rows: 2000},
		{fitted: "2000 lines of the run's data", rows: 2000},
	} {
		run := fmt.Sprint("run", i)
		must(t, append([]string{"train", "--quiet", "--data", "t.csv", "--label", "state", "--latent", "6", "--window", "20:2", "--epochs", "1", "--out", run}, c.flags...)...)
		_, said := must(t, "detect", run, "--out", "lines.csv", "--set", c.set, "--contamination", "0.1")
		if !strings.Contains(said, "fitted on "+c.fitted) || !strings.Contains(said, fmt.Sprintf(" of %d lines exceed", c.rows)) ||
			!strings.Contains(said, c.first) || (c.first != "") != strings.Contains(said, "row 0") {
			t.Errorf("%q, set %q: %s; want fitted on %s, %d lines scored", c.flags, c.set, said, c.fitted, c.rows)
		}
		text, err := os.ReadFile("lines.csv")
		if n := strings.Count(string(text), "\n") - 1; err != nil || n != c.rows {
			t.Errorf("%q, set %q: %d lines are written, want %d, error %v", c.flags, c.set, n, c.rows, err)
		}
	}
}

// TestDetectImages draws heat: a map of each image, or a sheet.
func TestDetectImages(t *testing.T) {
	run := trained(t, "--normal-class", "1", "--epochs", "30")
	t.Chdir(t.TempDir())
	d := detection(t, run, "--limit", "300", "--heat", "maps", "--false-alarms", "0.02")
	if d.Rows != 300 || d.Known == nil || d.Known.NormalClass != "1" || d.Known.ROCAUC < 0.9 {
		t.Errorf("%+v, %+v", d, d.Known)
	}
	if names := files(t, "maps"); len(names) != 300 || names[0] != "00000.png" {
		t.Errorf("%d maps", len(names))
	}
	detection(t, run, "--limit", "50", "--heat", "sheet.png")
	if left := files(t, "."); !slices.Equal(left, []string{"maps", "sheet.png"}) {
		t.Errorf("%q are there", left)
	}
}

// TestDetectErrors: each is one line, and leaves nothing.
func TestDetectErrors(t *testing.T) {
	run, dir := trained(t), t.TempDir()
	t.Chdir(dir)
	copied := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(copied, os.DirFS(run)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(copied, "detector.json"), []byte(`{"version":1}`), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want   string
		status int
		args   []string
	}{
		{"--false-alarms 2: want a share", cli.ExitUsage, []string{run, "--false-alarms", "2"}},
		{"--contamination 0: want a share", cli.ExitUsage, []string{run, "--contamination", "0"}},
		{"--threshold NaN: want a finite number", cli.ExitUsage, []string{run, "--threshold", "nan"}},
		{"--threshold -Inf: want a finite number", cli.ExitUsage, []string{run, "--threshold", "-inf"}},
		{"if any flags in the group", cli.ExitUsage, []string{run, "--contamination", "0.1", "--threshold", "2"}},
		{"reads the rows twice", cli.ExitUsage, []string{run, "--contamination", "0.1", "--data", "-"}},
		{"the classes have no names", cli.ExitFailed, []string{run, "--normal-class", "cat", "--out", "a.csv"}},
		{"--calibrate fits one anew", cli.ExitFailed, []string{copied, "--out", "a.csv"}},
	} {
		status, stdout, stderr := call(append([]string{"detect"}, c.args...)...)
		if status != c.status || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("detect %q: status %d, %q, %q; want %q", c.args, status, stdout, stderr, c.want)
		}
	}
	if left := files(t, dir); left != nil {
		t.Errorf("%q are left", left)
	}
}

// TestDetectOtherClasses: a model that saw normal rows alone, or none with a
// label, is held to a file with other classes.
func TestDetectOtherClasses(t *testing.T) {
	t.Chdir(t.TempDir())
	sensors(t, "all.csv", 2000)
	text, err := os.ReadFile("all.csv")
	if err != nil {
		t.Fatal(err)
	}
	var normal strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasSuffix(line, ",shifted\n") {
			normal.WriteString(line)
		}
	}
	if err := os.WriteFile("normal.csv", []byte(normal.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	must(t, "train", "--quiet", "--data", "normal.csv", "--label", "state", "--latent", "2", "--val", "20%", "--epochs", "10", "--out", "a")
	must(t, "train", "--quiet", "--data", "normal.csv", "--drop", "state", "--latent", "2", "--val", "20%", "--epochs", "10", "--out", "b")
	for _, args := range [][]string{
		{"a", "--data", "all.csv"},
		{"b", "--data", "all.csv", "--label", "state"},
		{"b", "--data", "all.csv", "--label", "state", "--normal-class", "normal"},
		{"a", "--data", "all.csv", "--calibrate", "all.csv"},
	} {
		d := detection(t, append(args, "--out", "found.csv")...)
		if d.Known == nil || d.Known.Anomalies != 40 || d.Known.NormalClass != "normal" || d.Known.ROCAUC < 0.99 {
			t.Errorf("%q: %+v", args, d.Known)
		}
		found, err := os.ReadFile("found.csv")
		if err != nil || strings.Count(string(found), ",shifted,") != 40 {
			t.Errorf("%q: classes are not named, error %v", args, err)
		}
	}
}
