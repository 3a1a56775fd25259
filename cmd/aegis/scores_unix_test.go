//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"aegis"
	"aegis/data"
	"aegis/internal/browsertest"
)

// scored is a model whose scores of 10,000 rows are looked at.
type scored struct {
	name  string
	train []string // its options
	data  string   // "": the run's own test images; else a table, whose lines these are
	lines int      // of the table
	text  []string // its columns of text
	leave string   // the column that is not read
	page  bool     // the page has scores of its rows
}

// TestOneScore holds the scores of 10,000 rows to each other, as the command, the
// package, a server, ONNX Runtime and the page give them: to 1e-5 of a score, or of
// 1 below 1, and labels, but those of rows that lie so near to the threshold, which
// it lists.
func TestOneScore(t *testing.T) {
	runtime := os.Getenv("AEGIS_ONNXRUNTIME")
	if runtime == "" {
		t.Skip("AEGIS_ONNXRUNTIME names no folder with onnxruntime-node: scripts/onnxruntime.sh installs it")
	}
	bin, dir := command(t), t.TempDir()
	for _, name := range []string{"sensors", "metrics"} {
		cmd := exec.Command("go", "run", "./docs/example", name)
		cmd.Dir = filepath.Join("..", "..")
		text, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".csv"), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []scored{
		{name: "fc3", train: []string{"--model", "fc3", "--limit", "6000", "--epochs", "2"}, page: true},
		{name: "conv", train: []string{"--model", "conv", "--limit", "1500", "--epochs", "1"}, page: true},
		{name: "vae", train: []string{"--model", "vae", "--limit", "6000", "--epochs", "2"}, page: true},
		{name: "table", train: []string{"--label", "state", "--val", "20%", "--epochs", "4"}, data: "sensors.csv", lines: 10_000, text: []string{"pump"}, leave: "state", page: true},
		{name: "gelu", train: []string{"--model", "table", "--label", "state", "--val", "20%", "--epochs", "4"}, data: "sensors.csv", lines: 10_000, text: []string{"pump"}, leave: "state", page: true},
		{name: "windows", train: []string{"--label", "state", "--window", "10", "--limit", "5760", "--epochs", "4"}, data: "metrics.csv", lines: 10_000, leave: "state"},
	} {
		t.Run(c.name, func(t *testing.T) { c.compare(t, bin, dir, runtime) })
	}
}

// compare gets the scores in all ways.
func (c scored) compare(t *testing.T, bin, dir, runtime string) {
	out := filepath.Join(dir, c.name)
	command := func(args ...string) {
		t.Helper()
		cmd := exec.Command(bin, args...)
		cmd.Dir = dir
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, text)
		}
	}
	read := []string{}
	train := append([]string{"train", "--quiet", "--out", out}, c.train...)
	if c.data != "" {
		train, read = append(train, "--data", c.data), []string{"--data", c.data, "--limit", fmt.Sprint(c.lines)}
	}
	command(train...)
	command(append([]string{"detect", out, "--quiet", "--false-alarms", "0.02", "--out", c.name + ".csv"}, read...)...)

	r, err := aegis.OpenRun(out)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Load(aegis.WithDevice(aegis.DeviceCPU))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	d, err := m.LoadDetector(r.Path(aegis.DetectorFile))
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string]judged{"command": c.byCommand(t, filepath.Join(dir, c.name+".csv"))}
	ways["package"] = c.byPackage(t, r, m, d, dir)
	ways["server"] = c.byServer(t, bin, out, dir)
	ways["ONNX Runtime"] = c.byONNX(t, r, dir, runtime)
	if c.page && os.Getenv("AEGIS_CHROMIUM") != "none" {
		command(append([]string{"export", "html", out, "--quiet", "-o", c.name + ".html"}, read...)...)
		ways["page"] = c.byPage(t, filepath.Join(dir, c.name+".html"))
	}
	want := ways["package"]
	if len(want.scores) != 10_000 {
		t.Fatalf("%d scores; want 10,000", len(want.scores))
	}
	threshold := d.Threshold().Value
	near := func(a, b float64) float64 { return math.Abs(a-b) / max(1, math.Abs(b)) }
	for way, got := range ways {
		if len(got.scores) != len(want.scores) {
			t.Errorf("%s: %d scores", way, len(got.scores))
			continue
		}
		worst, beyond := 0.0, 0
		for i, score := range got.scores {
			far := near(score, want.scores[i])
			worst = max(worst, far)
			if far > 1e-5 {
				beyond++
			}
			if got.labels[i] == want.labels[i] {
				continue
			}
			if near(want.scores[i], threshold) <= 1e-5 {
				t.Logf("%s: row %d lies at the threshold %v: %v here, %v by the package", way, i, threshold, score, want.scores[i])
			} else {
				t.Errorf("%s: row %d has label %v; want %v: score %v, threshold %v", way, i, got.labels[i], want.labels[i], score, threshold)
			}
		}
		t.Logf("%s: at most %.2g from the package's scores", way, worst)
		if beyond > 0 {
			t.Errorf("%s: %d of %d scores are more than 1e-5 from the package's", way, beyond, len(got.scores))
		}
	}
}

// judged are scores, and whether they exceed the threshold.
type judged struct {
	scores []float64
	labels []bool
}

func (j *judged) add(score float64, label bool) {
	j.scores, j.labels = append(j.scores, score), append(j.labels, label)
}

func records(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was read only
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (c scored) byCommand(t *testing.T, path string) (j judged) {
	for _, line := range records(t, path)[1:] {
		j.add(number(t, line[1]), line[2] == "1")
	}
	return j
}

// rows are what the package, the server and ONNX Runtime are given.
func (c scored) rows(t *testing.T, r *aegis.Run, m *aegis.Model, dir string) data.Reader {
	t.Helper()
	if c.data != "" {
		rows, err := m.OpenRows(context.Background(), filepath.Join(dir, c.data), aegis.RowOptions{Label: c.leave, Lines: c.name == "windows"})
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	src, err := r.OpenData(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := r.Rows(src, aegis.SetTest)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func (c scored) byPackage(t *testing.T, r *aegis.Run, m *aegis.Model, d *aegis.Detector, dir string) (j judged) {
	t.Helper()
	rows := c.rows(t, r, m, dir)
	defer func() { _ = rows.Close() }() // they were read only
	if d.OfLines() {
		first := &firstLines{Reader: rows, left: c.lines}
		if err := d.Lines(context.Background(), first, func(_ int, f aegis.Finding) error { j.add(f.Score, f.Anomalous); return nil }); err != nil {
			t.Fatal(err)
		}
		return j
	}
	some, err := rows.Next(10_000)
	if err != nil {
		t.Fatal(err)
	}
	for some.N < 10_000 { // a reader may give fewer
		more, err := rows.Next(10_000 - some.N)
		if err != nil {
			t.Fatal(err)
		}
		some.Bytes, some.Floats, some.Labels = append(some.Bytes[:len(some.Bytes):len(some.Bytes)], more.Bytes...), append(some.Floats[:len(some.Floats):len(some.Floats)], more.Floats...), append(some.Labels, more.Labels...)
		some.N += more.N
	}
	found, err := d.Detect(context.Background(), some.Rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		j.add(f.Score, f.Anomalous)
	}
	return j
}

// firstLines reads the first lines of a reader.
type firstLines struct {
	data.Reader
	left int
}

func (f *firstLines) Next(n int) (data.Chunk, error) {
	if f.left == 0 {
		return data.Chunk{}, io.EOF
	}
	c, err := f.Reader.Next(min(n, f.left))
	f.left -= c.N
	return c, err
}

// table returns lines of the table under the names of its columns.
func (c scored) table(t *testing.T, dir string) (head []string, lines [][]string) {
	t.Helper()
	all := records(t, filepath.Join(dir, c.data))
	return all[0], all[1 : 1+c.lines]
}

func (c scored) isText(name string) bool {
	for _, one := range c.text {
		if one == name {
			return true
		}
	}
	return false
}

func (c scored) byServer(t *testing.T, bin, out, dir string) (j judged) {
	t.Helper()
	address, cmd, _ := started(t, bin, out)
	defer func() { _ = cmd.Process.Kill() }()
	var body bytes.Buffer
	kind := "application/json"
	if c.data == "" {
		images := testImages(t)
		kind = "application/x-npy"
		fmt.Fprintf(&body, "\x93NUMPY\x01\x00\x76\x00%-117s\n", fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%d, 28, 28), }", images.N))
		body.Write(images.Bytes)
	} else {
		head, lines := c.table(t, dir)
		columns := map[string]any{}
		for k, name := range head {
			if name == c.leave {
				continue
			}
			values := make([]any, len(lines))
			for i, line := range lines {
				if values[i] = any(line[k]); !c.isText(name) {
					values[i] = json.Number(line[k])
				}
			}
			columns[name] = values
		}
		text, err := json.Marshal(map[string]any{"columns": columns})
		if err != nil {
			t.Fatal(err)
		}
		body.Write(text)
	}
	answer, err := http.Post("http://"+address+"/v1/models/"+filepath.Base(out)+"/detect", kind, &body)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %.200s, %v", answer.Status, text, err)
	}
	var got struct {
		Scores    []float64
		Anomalous []bool
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%.200s: %v", text, err)
	}
	return judged{got.Scores, got.Anomalous}
}

func testImages(t *testing.T) data.Set {
	t.Helper()
	cfg, err := aegis.NewConfig("fc3")
	if err != nil {
		t.Fatal(err)
	}
	src, err := aegis.OpenData(context.Background(), cfg, aegis.DataOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return src.Test
}

func (c scored) byONNX(t *testing.T, r *aegis.Run, dir, runtime string) (j judged) {
	t.Helper()
	f, err := r.ONNX(aegis.ONNXOptions{Part: aegis.ONNXScorer})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, c.name+".onnx")
	var text bytes.Buffer
	if err := f.Write(&text); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	type input struct {
		Name string `json:"name"`
		Type string `json:"type"`
		Dims []int  `json:"dims"`
		Data any    `json:"data"`
	}
	run := struct {
		File   string  `json:"file"`
		Inputs []input `json:"inputs"`
		Out    string  `json:"out"`
	}{File: file, Out: file + ".out"}
	raw := file + ".raw"
	if c.data == "" {
		images := testImages(t)
		run.Inputs = []input{{"rows", "uint8", []int{images.N, 1, 28, 28}, raw}}
		err = os.WriteFile(raw, images.Bytes, 0o666)
	} else {
		head, lines := c.table(t, dir)
		var values []byte
		var texts []string
		for _, line := range lines {
			for k, name := range head {
				switch {
				case name == c.leave:
				case c.isText(name):
					texts = append(texts, line[k])
				default:
					values = binary.LittleEndian.AppendUint32(values, math.Float32bits(float32(number(t, line[k]))))
				}
			}
		}
		run.Inputs = []input{{"rows", "float32", []int{len(lines), len(values) / 4 / len(lines)}, raw}}
		if texts != nil {
			run.Inputs = append(run.Inputs, input{"categories", "string", []int{len(lines), len(texts) / len(lines)}, texts})
		}
		err = os.WriteFile(raw, values, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	runs, err := json.Marshal([]any{run})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", filepath.Join("..", "..", "scripts", "onnx_run.mjs"), runtime)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(runs), os.Stderr
	if said, err := cmd.Output(); err != nil || bytes.HasPrefix(said, []byte(`{"error"`)) {
		t.Fatalf("%s: %v", said, err)
	}
	given, err := os.ReadFile(run.Out)
	if err != nil {
		t.Fatal(err)
	}
	n := len(given) / 16 // scores, and labels behind them
	for i := range n {
		j.add(math.Float64frombits(binary.LittleEndian.Uint64(given[8*i:])), binary.LittleEndian.Uint64(given[8*(n+i):]) == 1)
	}
	return j
}

// byPage has the page compute what it has been given by Go, too.
func (c scored) byPage(t *testing.T, path string) (j judged) {
	t.Helper()
	b := browsertest.Open(t, 1000, 800)
	b.Go("file://" + path)
	b.Until("window.explorer?.ready")
	scores := b.Floats(`(() => { const m = explorer.model; return Float64Array.from({length: explorer.page.n}, (_, i) => m.judge(m.row(i), m.label(i)).score); })()`, 64)
	threshold := b.Number("explorer.page.detector.threshold")
	for _, score := range scores {
		j.add(score, score > threshold)
	}
	return j
}
