package session

import (
	"path/filepath"
	"testing"
)

// TestForFile: a file says that there are no hidden layers, and where the data
// lie whatever the working directory.
func TestForFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for data, want := range map[string]string{
		"": "", dir: dir, "some/images": filepath.Join(here, "some", "images"), "../x": filepath.Join(filepath.Dir(here), "x"),
	} {
		c := config(t, "fc12")
		c.Hidden, c.Data = nil, Path(data)
		got, err := c.forFile()
		if err != nil || string(got.Data) != want || got.Hidden == nil {
			t.Errorf("%q: data %q, hidden %#v (%v); want %q and an empty list", data, got.Data, got.Hidden, err, want)
		}
	}
}
