package session

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestConfigThroughAPipe: the file is read once.
func TestConfigThroughAPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err := w.WriteString("latent = 7\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("/dev/fd", strconv.Itoa(int(r.Fd())))
	if _, err := os.Stat(path); err != nil {
		t.Skip("no /dev/fd here: ", err)
	}
	c, err := LoadConfig(path)
	if err != nil || c.Latent != 7 {
		t.Errorf("latent %d (%v), want 7", c.Latent, err)
	}
}

// TestFileName: a name does not leave the folder of runs.
func TestFileName(t *testing.T) {
	for name, want := range map[string]string{
		"fc12": "fc12", "../../tmp/x": "_.._tmp_x", "a/b": "a_b", "ä \"b\"": "___b_", "..": "", strings.Repeat("a", 80): strings.Repeat("a", 64),
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
