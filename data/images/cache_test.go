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

// A set that fits into memory but took long is decoded once too; a cache that
// cannot be written costs nothing but time.
func TestKept(t *testing.T) {
	dir := folderOf(t, map[string]string{"a/1.png": plain(t, 1), "a/2.png": "broken", "b/3.png": plain(t, 3)})
	cache := filepath.Join(t.TempDir(), "cache")
	check := func(what string, opt Options, note string) {
		t.Helper()
		s, err := Open(t.Context(), dir, opt)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		notes := strings.Join(s.Notes, "\n")
		if s.Mapped() || !bytes.Equal(firsts(s.Train.Rows), []byte{1, 3}) || !bytes.Equal(s.Train.Labels, []byte{0, 1}) || !strings.Contains(notes, "left out, 1 of 3: a/2.png") {
			t.Errorf("%s: mapped %v, rows %v, labels %v, notes %q", what, s.Mapped(), firsts(s.Train.Rows), s.Train.Labels, notes)
		}
		kept := strings.Contains(notes, "for the next time") || strings.Contains(notes, "are taken decoded from")
		if kept != (note != "") || !strings.Contains(notes, note) {
			t.Errorf("%s: notes %q, want %q", what, notes, note)
		}
	}
	check("quick", Options{Cache: cache, slow: time.Hour}, "")
	long := Options{Cache: cache, slow: 1}
	check("slow", long, "2 decoded images are kept in ")
	check("again", long, "2 images are taken decoded from ")
	if _, err := Open(t.Context(), dir, Options{Cache: cache, Strict: true}); err == nil || !strings.Contains(err.Error(), "a/2.png (this is no") {
		t.Errorf("strict: %v", err)
	}
	rows := cacheFiles(t, cache, "kept-*.npy")
	if len(rows) != 1 {
		t.Fatalf("cache has %q", rows)
	}
	whole, err := os.ReadFile(rows[0])
	if err == nil {
		err = os.WriteFile(rows[0], changed(whole, len(whole)-1), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	check("damaged", long, "2 decoded images are kept in ")
	check("a file in the cache's place", Options{Cache: filepath.Join(dir, "a", "1.png"), slow: 1}, "are not kept for the next time: images: cache: ")
}

// The oldest sets go, never the newest or what is no such set.
func TestPrune(t *testing.T) {
	dir := folderOf(t, map[string]string{
		"kept-1.npy": "1234", "kept-1.json": "{}", "kept-2.npy": "1234", "kept-2.json": "{}", "kept-3.npy": "1234", "kept-3.json": "{}", "images-0.npy": "large",
	})
	now := time.Now()
	for i, name := range []string{"kept-2.npy", "kept-1.npy", "kept-3.npy"} {
		if err := os.Chtimes(filepath.Join(dir, name), now, now.Add(time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	keep := filepath.Join(dir, "kept-2.npy") // the oldest by its time
	for most, want := range map[int64]int{100: 7, 12: 7} {
		if err := prune(dir, keep, most); err != nil || len(cacheFiles(t, dir, "*")) != want {
			t.Errorf("%d bytes: %q, error %v", most, cacheFiles(t, dir, "*"), err)
		}
	}
	if err := prune(dir, keep, 8); err != nil || len(cacheFiles(t, dir, "*")) != 5 || len(cacheFiles(t, dir, "kept-1*")) != 0 {
		t.Errorf("8 bytes: %q, error %v", cacheFiles(t, dir, "*"), err)
	}
	if err := prune(dir, keep, 0); err != nil || len(cacheFiles(t, dir, "*")) != 3 || len(cacheFiles(t, dir, "kept-2*")) != 2 {
		t.Errorf("none: %q, error %v", cacheFiles(t, dir, "*"), err)
	}
}
