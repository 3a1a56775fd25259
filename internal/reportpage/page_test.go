package reportpage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis"
	"aegis/data"
	"aegis/model"
)

// hostile are texts that names may hold.
var hostile = []string{`<script>alert("column")</script>`, `</script><b>`, `a"b'c`, `{{.}}`, "temp ✓", "kind"}

// table is a CSV of some lines, with a class and hostile names.
func table(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for i, name := range hostile {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + strings.ReplaceAll(name, `"`, `""`) + `"`)
	}
	b.WriteByte('\n')
	for i := range 400 {
		x, y := math.Sin(float64(i)), math.Cos(float64(i)*1.7)
		class, more := "ok & <fine>", 0.0
		if i%50 == 7 {
			class, more = "</td><script>alert(1)</script>", 9
		}
		fmt.Fprintf(&b, "%g,%g,%g,%g,%g,%s\n", x+y, x-y, 2*x, x*y, 20+y+more, class)
	}
	path := filepath.Join(dir, "<img src=x onerror=alert(2)>.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// trained is a run on the table, and its detector.
func trained(t *testing.T, dir string, bend func(*aegis.Config)) string {
	t.Helper()
	c, err := aegis.NewConfig("fc12")
	if err != nil {
		t.Fatal(err)
	}
	c.Data, c.Label = aegis.Path(table(t, dir)), "kind"
	c.Hidden, c.Latent, c.Epochs, c.Val, c.TestSplit, c.LR = []int{8}, 2, 6, 0.2, 0.2, 0.01
	bend(&c)
	src, err := aegis.OpenData(context.Background(), c, aegis.DataOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	out := filepath.Join(dir, "run <b>&amp;")
	if _, err := aegis.Train(context.Background(), c, src, aegis.Options{Out: out}); err != nil {
		t.Fatal(err)
	}
	return out
}

func detector(t *testing.T, dir string) {
	t.Helper()
	r, err := aegis.OpenRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Load(aegis.WithThreads(1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	rows, err := r.Sample(context.Background(), aegis.SetVal, 1000)
	if err != nil {
		t.Fatal(err)
	}
	d, err := m.FitDetector(context.Background(), data.NewReader(rows), aegis.DetectorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Save(r.Path(aegis.DetectorFile)); err != nil {
		t.Fatal(err)
	}
}

func written(t *testing.T, path string, o aegis.ReportOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := aegis.WriteReport(context.Background(), &b, path, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// holds says what a page lacks of some texts.
func holds(t *testing.T, page string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(page, w) {
			t.Errorf("want %q in the page", w)
		}
	}
}

// TestReport: the same run gives the same bytes, and names are text.
func TestReport(t *testing.T) {
	run := trained(t, t.TempDir(), func(*aegis.Config) {})
	detector(t, run)
	page := written(t, run, aegis.ReportOptions{})
	if page != written(t, run, aegis.ReportOptions{Load: []aegis.LoadOption{aegis.WithThreads(1)}}) {
		t.Error("the same run gave two pages")
	}
	holds(t, page, "<h1>run &lt;b&gt;&amp;amp;</h1>", "all 80 rows of the test set", "Above the threshold", "The strangest rows", "Columns that made it strange",
		"&lt;script&gt;alert(&#34;column&#34;)&lt;/script&gt;", "<mark>8</mark>", "Fingerprint of the rows", "Found by ten neighbours", "principal components", "instructions")
	for _, s := range append(hostile[:2:2], "<img src=x", "</td><script>") {
		if strings.Contains(page, s) {
			t.Errorf("%s is no text", s)
		}
	}
	for _, s := range []string{"http:", "https:", "src=\"//", "@import", "url(h"} {
		if strings.Contains(strings.ReplaceAll(page, "http://www.w3.org/2000/svg", ""), s) {
			t.Errorf("%s: the page asks for something", s)
		}
	}
	few := written(t, run, aegis.ReportOptions{Most: 30})
	holds(t, few, "30 of the 80 rows of the test set, drawn by seed 1")
}

// TestEndings: runs that did not finish say so.
func TestEndings(t *testing.T) {
	run := trained(t, t.TempDir(), func(c *aegis.Config) { c.Val, c.TestSplit = 0, 0 })
	holds(t, written(t, run, aegis.ReportOptions{}), "the training set, all that the run has")
	path := filepath.Join(run, "summary.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for status, want := range map[string]string{"diverged": "The run diverged", "interrupted": "The run was interrupted", "failed": "ended with the status failed"} {
		other := strings.Replace(string(text), `"status": "finished"`, `"status": "`+status+`", "error": "<b>why"`, 1)
		if err := os.WriteFile(path, []byte(other), 0o666); err != nil {
			t.Fatal(err)
		}
		holds(t, written(t, run, aegis.ReportOptions{}), want, "Error: &lt;b&gt;why")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	holds(t, written(t, run, aegis.ReportOptions{}), "still training, or was cut short", "Epochs so far")
	if err := os.Remove(string(must(aegis.LoadConfig(filepath.Join(run, "config.toml"))).Data)); err != nil {
		t.Fatal(err)
	}
	holds(t, written(t, run, aegis.ReportOptions{}), "The model is not judged here")
	for _, name := range []string{"config.toml", "metrics.jsonl", "last.safetensors"} {
		if err := os.Remove(filepath.Join(run, name)); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, written(t, run, aegis.ReportOptions{}), "it was imported, or its file came here alone")
	var b bytes.Buffer
	err = aegis.WriteReport(context.Background(), &b, t.TempDir(), aegis.ReportOptions{})
	if err == nil || !strings.Contains(err.Error(), "has no model.safetensors") || b.Len() > 0 {
		t.Errorf("%v, %d bytes; want an error that says what lacks", err, b.Len())
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestFamilies: pages of networks of images, with several losses.
func TestFamilies(t *testing.T) {
	pixels := make([]byte, 60*36)
	for i := range pixels {
		pixels[i] = byte(i * 7 % 251)
	}
	labels := make([]byte, 60)
	for i := range labels {
		labels[i] = byte(i % 3)
	}
	set := data.Set{Rows: data.Rows{N: 60, Shape: data.Shape{C: 1, H: 6, W: 6}, Bytes: pixels}, Labels: labels}
	for preset, want := range map[string]string{"vae": "Term: kl", "aae": "Term: discriminator", "cvae": "conditional variational autoencoder", "conv": "MFLOPs a row"} {
		t.Run(preset, func(t *testing.T) {
			c := must(aegis.NewConfig(preset))
			c.Epochs, c.Latent, c.Batch = 2, 2, 20
			if preset == "conv" {
				c.Hidden = []int{2}
			}
			out := filepath.Join(t.TempDir(), preset)
			if _, err := aegis.Train(context.Background(), c, &data.Source{Name: "made", Train: set, Test: set}, aegis.Options{Out: out}); err != nil {
				t.Fatal(err)
			}
			rows := func(context.Context, *aegis.Model) (data.Reader, error) { return data.NewReader(set), nil }
			page := written(t, out, aegis.ReportOptions{Rows: rows, RowsOf: "mine <i>"})
			holds(t, page, want, "all 60 rows of mine &lt;i&gt;", "reconstructions.png", "The best rows", "data:image/png;base64,")
		})
	}
}

// TestProgram: of a program of one's own there is what is known without it.
func TestProgram(t *testing.T) {
	spec := must(model.Preset("fc3"))
	spec.Image, spec.Hidden = [3]int{1, 6, 6}, []int{4}
	spec.Rows = 60
	p := must(spec.Program())
	p.Name = "own <b>"
	set := data.Set{Rows: data.Rows{N: 60, Shape: data.Shape{C: 1, H: 6, W: 6}, Bytes: bytes.Repeat([]byte{9, 200, 40}, 720)}}
	out := filepath.Join(t.TempDir(), "own")
	_, err := aegis.TrainProgram(context.Background(), p, &data.Source{Name: "made", Train: set, Test: set}, aegis.ProgramConfig{Epochs: 2, Out: out, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, written(t, out, aegis.ReportOptions{}), "a program of one&#39;s own", "Test loss", "own &lt;b&gt;", "run that program again")
}

// TestGiven: what eval found before is taken as it is.
func TestGiven(t *testing.T) {
	run := trained(t, t.TempDir(), func(*aegis.Config) {})
	var e aegis.Evaluation
	if err := json.Unmarshal([]byte(`{"rows": 123, "mse": 0.25, "mae": 0.5, "variance_explained": 0.321, "classes": [{"class": "ok & <fine>", "rows": 9, "mse": 0.125, "mae": 0.75}]}`), &e); err != nil {
		t.Fatal(err)
	}
	holds(t, written(t, run, aegis.ReportOptions{Evaluation: &e}), "Of 123 rows, as the evaluation that was given found them", "32.1 % of the variance", "<td>0.12500</td>")
}

// TestTries: a folder of tries has a page of all of them.
func TestTries(t *testing.T) {
	dir := t.TempDir()
	c := must(aegis.NewConfig("fc12"))
	c.Data, c.Label, c.Epochs, c.Hidden = aegis.Path(table(t, dir)), "kind", 2, []int{4}
	src := must(aegis.OpenData(context.Background(), c, aegis.DataOptions{}))
	defer func() { _ = src.Close() }()
	out := filepath.Join(dir, "tries")
	if _, err := aegis.TrainTries(context.Background(), c, src, aegis.TriesOptions{Tries: 3, Out: out}); err != nil {
		t.Fatal(err)
	}
	holds(t, written(t, out, aegis.ReportOptions{}), "fc12 under 3 seeds", "seed-2", "(best)", "Training loss", "Median")
	if err := os.WriteFile(filepath.Join(out, aegis.TriesFile), []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := aegis.WriteReport(context.Background(), &bytes.Buffer{}, out, aegis.ReportOptions{}); err == nil {
		t.Error("a damaged table gave a page")
	}
}
