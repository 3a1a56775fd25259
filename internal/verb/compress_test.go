package verb

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"aegis/internal/cli"
)

// TestCompressAndBack writes codes and reads rows; a file that is damaged, or of
// another model, is an error and leaves nothing.
func TestCompressAndBack(t *testing.T) {
	run, dir := trained(t), t.TempDir()
	t.Chdir(dir)
	said, _ := must(t, "compress", run, "--limit", "500", "--out", "a.codes", "--json")
	var c compressed
	if err := json.Unmarshal([]byte(said), &c); err != nil || c.Rows != 500 || c.PSNR == nil || c.Model < 100_000 || c.Bytes > 500*16 {
		t.Errorf("%s: %+v, error %v", said, c, err)
	}
	must(t, "decompress", run, "a.codes", "--out", "a.npy")
	if rows := readArray(t, "a.npy"); rows.N != 500 || !rows.IsBytes() {
		t.Errorf("%d rows of %v", rows.N, rows.Shape)
	}
	_, line := must(t, "compress", run, "--limit", "10", "--out", "b.codes")
	if !strings.Contains(line, "bytes a row of 784") || !strings.Contains(line, "with the model's") || !strings.Contains(line, "PSNR") {
		t.Errorf("said %s", line)
	}
	whole, err := os.ReadFile("a.codes")
	if err != nil {
		t.Fatal(err)
	}
	whole[len(whole)/2]++
	if err := os.WriteFile("damaged.codes", whole, 0o666); err != nil {
		t.Fatal(err)
	}
	before := len(files(t, dir))
	other := trained(t, "--seed", "2")
	for want, args := range map[string][]string{
		"the file is damaged":           {"decompress", run, "damaged.codes", "--out", "b.npy"},
		"the rows are of another model": {"decompress", other, "a.codes", "--out", "b.npy"},
		"want a file of compressed":     {"decompress", run, "a.npy", "--out", "b.npy"},
		"no such file":                  {"decompress", run, "none.codes", "--out", "folder"},
		"--out names the file to write": {"compress", run},
	} {
		status, _, stderr := call(args...)
		wantStatus := cli.ExitFailed
		if strings.HasPrefix(want, "--") {
			wantStatus = cli.ExitUsage
		}
		if status != wantStatus || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("aegis %q: status %d, %q; want %q", args, status, stderr, want)
		}
	}
	if after := len(files(t, dir)); after != before {
		t.Errorf("%q are left", files(t, dir))
	}
}
