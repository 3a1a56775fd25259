package verb

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aegis/data"
)

// array reads the rows of a .npy.
func readArray(t *testing.T, path string) data.Rows {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := data.ReadNPY(bytes.NewReader(text), path)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestEncodeFormats holds the formats to each other: a row for each row, in
// order, with the same numbers.
func TestEncodeFormats(t *testing.T) {
	run := trained(t)
	t.Chdir(t.TempDir())
	must(t, "encode", run, "--limit", "30", "--out", "a.npy")
	want := readArray(t, "a.npy")
	if want.N != 30 || want.W != 12 {
		t.Fatalf("%d codes of %v", want.N, want.Shape)
	}
	table, _ := must(t, "encode", run, "--limit", "30")
	lines, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil || len(lines) != 31 || strings.Join(lines[0], " ") != "z1 z2 z3 z4 z5 z6 z7 z8 z9 z10 z11 z12" {
		t.Fatalf("%d lines under %q, error %v", len(lines), lines[0], err)
	}
	objects, _ := must(t, "encode", run, "--limit", "30", "--format", "jsonl")
	for i, line := range strings.Split(strings.TrimSpace(objects), "\n") {
		var object map[string]float32
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatal(err)
		}
		for j, v := range want.FloatRow(i) {
			if got := fmt.Sprint(object[fmt.Sprintf("z%d", j+1)]); got != fmt.Sprint(v) || lines[i+1][j] != got && lines[i+1][j] != strings.ReplaceAll(got, "e+0", "e+") {
				t.Errorf("row %d, value %d: %v, %s and %s", i, j, v, lines[i+1][j], got)
			}
		}
	}
	if said, _ := must(t, "encode", run, "--limit", "30", "--out", "b.tsv", "--json"); !strings.Contains(said, `"rows": 30`) {
		t.Errorf("JSON %s", said)
	}
}

// TestStdinlessLengths: the same .npy whether the number of rows is known
// before or not.
func TestArrayOfUnknownLength(t *testing.T) {
	var known, unknown bytes.Buffer
	for _, a := range []*array{{out: &known, kind: "<f4", shape: []int{2}}, {out: &unknown, kind: "<f4", shape: []int{2}}} {
		rows := 3
		if a.out == &unknown {
			rows = -1
		}
		if err := a.begin(rows); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := a.floats(1, []float32{float32(i), 0.5}); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.end(); err != nil {
			t.Fatal(err)
		}
		a.drop()
	}
	if !bytes.Equal(known.Bytes(), unknown.Bytes()) {
		t.Errorf("%q and %q", known.Bytes(), unknown.Bytes())
	}
	short := &array{out: &known, kind: "|u1", shape: []int{1}}
	if err := short.begin(2); err != nil {
		t.Fatal(err)
	}
	if err := short.end(); err == nil {
		t.Error("rows are missing, and nothing is said")
	}
}

// TestTableQuotes holds text with marks in it to what a CSV reader reads.
func TestTableQuotes(t *testing.T) {
	texts := []string{"a", "", `say "a,b"`, "two\nlines", " before", "=1"}
	var b bytes.Buffer
	table := &table{out: &b, format: formatCSV, columns: []column{{name: "file, or not", text: true}, {name: "v"}}}
	if err := table.begin(-1); err != nil {
		t.Fatal(err)
	}
	for _, s := range texts {
		table.text(s)
		table.float(0.1)
		if err := table.endRow(); err != nil {
			t.Fatal(err)
		}
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(lines) != len(texts)+1 || lines[0][0] != "file, or not" {
		t.Fatalf("%q, error %v", lines, err)
	}
	for i, s := range texts {
		if lines[i+1][0] != s || lines[i+1][1] != "0.1" {
			t.Errorf("%q became %q", s, lines[i+1])
		}
	}
}

// TestReconstructImages writes images as a folder, a sheet and arrays.
func TestReconstructImages(t *testing.T) {
	run := trained(t)
	t.Chdir(t.TempDir())
	must(t, "reconstruct", run, "--limit", "12", "--out", "a.npy")
	rows := readArray(t, "a.npy")
	if rows.N != 12 || rows.H != 28 || !rows.IsBytes() {
		t.Fatalf("%d rows of %v", rows.N, rows.Shape)
	}
	must(t, "reconstruct", run, "--limit", "12", "--out", filepath.Join("deep", "folder"))
	names := files(t, filepath.Join("deep", "folder"))
	if len(names) != 12 || names[0] != "00000.png" {
		t.Fatalf("files %q", names)
	}
	for i, name := range names {
		f, err := os.Open(filepath.Join("deep", "folder", name))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		if err != nil {
			t.Fatal(err)
		}
		for at, want := range rows.ByteRow(i) {
			if r, _, _, _ := img.At(at%28, at/28).RGBA(); byte(r>>8) != want {
				t.Fatalf("image %d, pixel %d: %d, want %d", i, at, r>>8, want)
			}
		}
		_ = f.Close()
	}
	if got := files(t, "deep"); !slices.Equal(got, []string{"folder"}) {
		t.Errorf("%q are left beside the folder", got)
	}
	must(t, "reconstruct", run, "--limit", "12", "--out", "a.png")
	// What was rebuilt can be decoded from its codes, and read again.
	must(t, "encode", run, "--limit", "12", "--out", "codes.npy")
	must(t, "decode", run, "--data", "codes.npy", "--out", "b.npy")
	if again := readArray(t, "b.npy"); !bytes.Equal(again.Bytes, rows.Bytes) {
		t.Error("decoded codes differ from reconstructions")
	}
	must(t, "encode", run, "--data", "a.npy", "--out", "c.npy")
}

// TestDenoise measures what noise did and what was taken away of it.
func TestDenoise(t *testing.T) {
	run := trained(t, "--corrupt", "gaussian:0.5")
	t.Chdir(t.TempDir())
	said, _ := must(t, "denoise", run, "--corrupt", "gaussian:0.5", "--limit", "50", "--out", "a.npy", "--json")
	var d denoised
	if err := json.Unmarshal([]byte(said), &d); err != nil || d.Rows != 50 || !(d.Noisy > 0.1 && d.Noisy < 0.13) || !(d.Restored < d.Noisy) {
		t.Errorf("%+v (%v) of %s", d, err, said)
	}
	first, _ := must(t, "denoise", run, "--corrupt", "mask:0.3", "--limit", "50", "--out", "b.npy", "--json", "--seed", "2")
	if again, _ := must(t, "denoise", run, "--corrupt", "mask:0.3", "--limit", "50", "--out", "b.npy", "--json", "--seed", "2"); again != first {
		t.Errorf("other noise of the same seed: %s and %s", first, again)
	}
}

// TestNothingIsLost: outputs over what is read, over the run's own files, or over
// each other are refused, and all stays.
func TestNothingIsLost(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(run, os.DirFS(trained(t))); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	must(t, "encode", run, "--limit", "30", "--out", "codes.npy")
	must(t, "reconstruct", run, "--limit", "30", "--out", "rows.npy")
	if err := os.Symlink("rows.npy", "link.npy"); err != nil {
		t.Skip(err) // of a system without links
	}
	hold := map[string]string{"codes.npy": "", "rows.npy": "", filepath.Join(run, "model.safetensors"): "", filepath.Join(run, "config.toml"): "", filepath.Join(run, "loss.png"): ""}
	for path := range hold {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		hold[path] = string(text)
	}
	for _, args := range [][]string{
		{"encode", run, "--data", "rows.npy", "--out", "rows.npy"},
		{"encode", run, "--data", "link.npy", "--out", "rows.npy"},
		{"compress", run, "--data", "rows.npy", "--out", "link.npy"},
		{"compress", run, "--limit", "5", "--out", filepath.Join(run, "model.safetensors")},
		{"compress", run, "--limit", "5", "--out", filepath.Join(run, "config.toml")},
		{"detect", run, "--data", "rows.npy", "--out", "rows.npy"},
		{"decode", run, "--data", "codes.npy", "--out", "codes.npy"},
		{"plot", "loss", run, "--out", filepath.Join(run, "loss.png")},
		{"cluster", run, "--limit", "30", "--out", "a.csv", "--centres", "a.csv", "-k", "2"},
		{"generate", run, "-n", "3", "--out", "b.npy", "--codes", "b.npy"},
	} {
		if status, _, stderr := call(args...); status != 2 || strings.Count(stderr, "would be lost")+strings.Count(stderr, "written twice") != 1 {
			t.Errorf("aegis %q: status %d, %q", args, status, stderr)
		}
	}
	for path, want := range hold {
		if text, err := os.ReadFile(path); err != nil || string(text) != want {
			t.Errorf("%s changed (%v)", path, err)
		}
	}
}

// TestSheetOfMany: all rows are restored and measured, and the sheet says what it
// shows.
func TestSheetOfMany(t *testing.T) {
	run := trained(t)
	t.Chdir(t.TempDir())
	numbers := func(out string) (d denoised) {
		said, _ := must(t, "denoise", run, "--corrupt", "gaussian:0.5", "--out", out, "--json")
		if err := json.Unmarshal([]byte(said), &d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	sheet, array := numbers("a.png"), numbers("a.npy")
	if sheet.Rows != 10000 || sheet.Shown != 100 || sheet.Restored != array.Restored || sheet.Noisy != array.Noisy {
		t.Errorf("%+v and %+v", sheet, array)
	}
}

// TestNaN: numbers that are none are named, and nothing is written.
func TestNaN(t *testing.T) {
	t.Chdir(t.TempDir())
	sensors(t, "t.csv", 200)
	must(t, "train", "--quiet", "--data", "t.csv", "--drop", "state", "--epochs", "1", "--latent", "2", "--out", "run")
	nan := append(data.NPYHead("<f4", 2, 6), make([]byte, 48)...)
	codes := append(data.NPYHead("<f4", 2, 2), make([]byte, 16)...)
	for _, text := range [][]byte{nan, codes} {
		copy(text[len(text)-4:], []byte{0, 0, 0xc0, 0x7f})
	}
	for name, text := range map[string][]byte{"rows.npy": nan, "codes.npy": codes} {
		if err := os.WriteFile(name, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for want, args := range map[string][]string{
		"row 1, value 5":  {"encode", "run", "--data", "rows.npy", "--out", "a.npy"},
		"row 1, value 5,": {"eval", "run", "--data", "rows.npy", "--alone"},
		"code 1, value 1": {"decode", "run", "--data", "codes.npy", "--out", "a.npy"},
	} {
		if status, _, stderr := call(args...); status != 1 || !strings.Contains(stderr, want) || !strings.Contains(stderr, "NaN") {
			t.Errorf("aegis %q: status %d, %q; want %q", args, status, stderr, want)
		}
	}
	if _, err := os.Stat("a.npy"); err == nil {
		t.Error("a file is there")
	}
}
