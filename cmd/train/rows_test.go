package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// npy writes rows of float32 as numpy.save does, and returns the path.
func npy(t *testing.T, width int, values ...float32) string {
	t.Helper()
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }\n", len(values)/width, width)
	var b bytes.Buffer
	b.WriteString("\x93NUMPY\x01\x00")
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(header))))
	b.WriteString(header)
	if err := binary.Write(&b, binary.LittleEndian, values); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rows.npy")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A .npy file is trained on as vectors, and what cannot be is said in a line.
func TestVectors(t *testing.T) {
	var values []float32
	for i := range 200 {
		a, b := math.Sin(float64(i)), math.Cos(float64(3*i))
		values = append(values, float32(a), float32(100*b), float32(a+b), float32(a-b), 5)
	}
	file, out := npy(t, 5, values...), filepath.Join(t.TempDir(), "run")
	code, stdout, stderr := train(context.Background(), "--data", file, "--val", "10%", "--latent", "2", "--epochs", "2", "--out", out)
	if code != 0 || stdout != "" {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for _, want := range []string{
		"180 training rows, 20 held out, 0 test rows", "scale standard, fitted on 180 rows; the network's output is identity",
		"the pictures are of held-out rows", "run: model.safetensors, latent.png, loss.png; the mean row's loss",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("want %q in\n%s", want, stderr)
		}
	}
	code, stdout, stderr = train(context.Background(), "--data", file, "--summary", "--scale", "minmax")
	if code != 0 || !strings.Contains(stdout, "fc12: fc, scale minmax [-1,1], loss mse") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	values[17] = float32(math.NaN())
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"NaN":        {[]string{"--data", npy(t, 5, values...)}, 1, "rows.npy: row 3 of the training set, column 2, both counted from 0: want a finite number, got NaN"},
		"one column": {[]string{"--data", npy(t, 1, values...)}, 1, "at least two values in a row"},
		"conv":       {[]string{"--data", file, "--model", "conv"}, 1, "reads images, got vectors of 5 values"},
		"scale":      {[]string{"--scale", "log"}, 2, `unknown scale "log"`},
		"no scale":   {[]string{"--scale", ""}, 2, "--scale is empty"},
	} {
		out := filepath.Join(t.TempDir(), "run")
		code, stdout, stderr := train(context.Background(), append(c.args, "--out", out)...)
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit %d: %s\nwant %q", name, code, stderr, c.want)
		}
	}
}
