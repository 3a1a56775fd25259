package verb

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/cli"
)

// TestImportVerb: what is imported is used by a verb, and goes on training.
func TestImportVerb(t *testing.T) {
	dir := t.TempDir()
	pytorch := filepath.Join("..", "..", "testdata", "pytorch")
	flags := func(file, out string, more ...string) []string {
		args := []string{"import", filepath.Join(pytorch, file), "--out", filepath.Join(dir, out)}
		return append(args, more...)
	}
	must(t, flags("vae.safetensors", "vae", "--model", "vae", "--hidden", "9", "--latent", "3", "--image", "6x5", "--map", "fc21=mu", "--map", "module.fc22=logvar")...)
	text, _ := must(t, flags("norm.safetensors", "norm", "--batch-norm", "--hidden", "8", "--latent", "2", "--image", "30", "--mean", "0.5", "--std", "2", "--json")...)
	var made struct {
		Run    string
		Latent int
	}
	if err := json.Unmarshal([]byte(text), &made); err != nil || made.Latent != 2 || made.Run != filepath.Join(dir, "norm") {
		t.Errorf("%v of %s", err, text)
	}
	rows := filepath.Join(dir, "rows.npy")
	writeRows(t, rows, 7, 30)
	codes, _ := must(t, "encode", made.Run, "--data", rows)
	if lines := strings.Split(codes, "\n"); len(lines) != 9 || lines[0] != "z1,z2" {
		t.Errorf("codes %s", codes)
	}
	must(t, "train", "--quiet", "--config", filepath.Join(made.Run, "config.toml"), "--init", made.Run, "--data", rows, "--batch", "4", "--epochs", "1", "--out", filepath.Join(dir, "fine"))
	for want, args := range map[string][]string{
		"want one file of a state dict":          {"import"},
		`--image "5x": want`:                     flags("vae.safetensors", "x", "--image", "5x"),
		`--map "a": want theirs=ours`:            flags("vae.safetensors", "x", "--map", "a"),
		"unknown model":                          flags("vae.safetensors", "x", "--model", "fc13"),
		"--force replaces the run":               {"import", "a", "--force"},
		`invalid argument "x" for "--latent"`:    flags("vae.safetensors", "x", "--latent", "x"),
		`unknown activation "swish"`:             flags("vae.safetensors", "x", "--activation", "swish"),
		"for rows of 28×28; want one each, or 1": flags("vae.safetensors", "x", "--mean", "1,2"),
	} {
		status, _, stderr := call(args...)
		if status != cli.ExitUsage || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%q: status %d, %q; want %q", args, status, stderr, want)
		}
	}
	if status, _, stderr := call(flags("vae.safetensors", "vae", "--model", "vae", "--hidden", "9", "--latent", "3", "--image", "6x5")...); status != cli.ExitFailed || !strings.Contains(stderr, "--force replaces it") {
		t.Errorf("into a run: status %d, %q", status, stderr)
	}
	if status, _, stderr := call(flags("vae.safetensors", "y", "--model", "vae")...); status != cli.ExitFailed || !strings.Contains(stderr, "nothing in the file is encoder.0") {
		t.Errorf("another network: status %d, %q", status, stderr)
	}
	if got := files(t, dir); len(got) != 4 { // fine norm rows.npy vae
		t.Errorf("%q are there", got)
	}
}

// writeRows writes a .npy of float32 rows.
func writeRows(t *testing.T, path string, n, width int) {
	t.Helper()
	var values []byte
	for i := range n * width {
		v := math.Float32bits(float32(i%13) - 6)
		values = append(values, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
	}
	if err := os.WriteFile(path, append(data.NPYHead("<f4", n, width), values...), 0o666); err != nil {
		t.Fatal(err)
	}
}
