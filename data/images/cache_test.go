package images

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"aegis/data"
)

// openCached opens a folder with a cache, and says how many sets were decoded.
func openCached(t *testing.T, dir string, opt Options) (s *data.Source, decoded int) {
	t.Helper()
	opt.budget = 1
	s, err := Open(t.Context(), dir, opt)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("files are not mapped on this system")
	}
	if err != nil {
		t.Fatal(err)
	}
	decoded = strings.Count(strings.Join(s.Notes, "\n"), " are decoded into ")
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, decoded
}

// Sets that do not fit into memory are decoded once, and again when anything
// that decides them, or the cache, changes.
func TestCache(t *testing.T) {
	dir := folderOf(t, map[string]string{
		"train/a/1.png": plain(t, 1), "train/a/2.png": plain(t, 2), "train/b/0.png": "broken", "train/b/1.png": plain(t, 3), "test/a/4.png": plain(t, 4),
	})
	cache := filepath.Join(t.TempDir(), "new", "folder")
	opt := Options{Cache: cache}
	check := func(what string, wantDecoded int) *data.Source {
		t.Helper()
		s, decoded := openCached(t, dir, opt)
		if decoded != wantDecoded || !s.Mapped() || !bytes.Equal(firsts(s.Train.Rows), []byte{1, 2, 3}) || !bytes.Equal(firsts(s.Test.Rows), []byte{4}) ||
			!bytes.Equal(s.Train.Labels, []byte{0, 0, 1}) || !strings.Contains(strings.Join(s.Notes, "\n"), "left out, 1 of 5: train/b/0.png") {
			t.Errorf("%s: decoded %d, mapped %v, rows %v and %v, labels %v, notes %q",
				what, decoded, s.Mapped(), firsts(s.Train.Rows), firsts(s.Test.Rows), s.Train.Labels, s.Notes)
		}
		return s
	}
	const all, none = 2, 0 // sets
	check("first", all)
	check("again", none)
	files := cacheFiles(t, cache, "*")
	if len(files) != 4 {
		t.Fatalf("cache has %q", files)
	}
	for _, path := range files {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for what, damaged := range map[string][]byte{
			"short": whole[:len(whole)-2], "empty": nil, "long": append(bytes.Clone(whole), 0), "changed": changed(whole, len(whole)-3), "head": changed(whole, 3),
		} {
			if strings.HasSuffix(path, ".json") && (what == "long" || what == "changed") {
				continue // JSON as it was
			}
			if err := os.WriteFile(path, damaged, 0o666); err != nil {
				t.Fatal(err)
			}
			_, decoded := openCached(t, dir, opt)
			if decoded == none {
				t.Errorf("%s, %s: taken as it is", filepath.Base(path), what)
			}
			check("mended", none)
		}
	}
	if _, err := Open(t.Context(), dir, Options{Cache: cache, Strict: true, budget: 1}); err == nil || !strings.Contains(err.Error(), "train/b/0.png (this is no") {
		t.Errorf("strict: %v", err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "test", "a", "4.png"), later, later); err != nil {
		t.Fatal(err)
	}
	check("a file of another time", 1)
	opt.Fit = data.FitPad
	check("another fit", all)
}

func changed(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

func cacheFiles(t *testing.T, cache, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(cache, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Several who decode the same set at once do no harm to each other.
func TestCacheAtOnce(t *testing.T) {
	dir, cache := folderOf(t, map[string]string{"1.png": plain(t, 1), "2.png": plain(t, 2)}), t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := Open(t.Context(), dir, Options{Cache: cache, budget: 1})
			if errors.Is(err, errors.ErrUnsupported) {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			if !bytes.Equal(firsts(s.Train.Rows), []byte{1, 2}) {
				t.Errorf("rows %v", firsts(s.Train.Rows))
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if left := cacheFiles(t, cache, ".*"); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}
