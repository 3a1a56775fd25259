package images

import (
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A file that may not be read is broken as one that is damaged is.
func TestUnreadable(t *testing.T) {
	dir := folderOf(t, map[string]string{"1.png": plain(t, 1), "2.png": plain(t, 2)})
	path := filepath.Join(dir, "2.png")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Open(path); err == nil {
		_ = f.Close()
		t.Skip("this user, or system, may read files of any mode")
	}
	s, err := Open(t.Context(), dir, Options{})
	if err != nil || s.Train.N != 1 || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "1 of 2: 2.png (open ") || !strings.Contains(s.Notes[0], "permission denied") {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := Open(t.Context(), dir, Options{Strict: true}); err == nil || !strings.Contains(err.Error(), "permission denied; repair the file") {
		t.Errorf("strict: %v", err)
	}
}

// Of large images only one is decoded at a time, while small ones go on.
func TestLarge(t *testing.T) {
	const side = 4097 // more than largePixels in all
	m := image.NewGray(image.Rect(0, 0, side, side))
	m.Pix[0] = 255
	dir := folderOf(t, map[string]string{"1.png": plain(t, 7), "2.png": string(pngOf(t, m))})
	large.Lock() // as another that is being decoded
	r, err := NewReader(t.Context(), dir, Options{Height: 1, Width: 1, Workers: 2})
	if err != nil {
		large.Unlock()
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if c, err := r.Next(1); err != nil || c.Bytes[0] != 7 {
		t.Errorf("the small one: %v, %v", c.Bytes, err)
	}
	done := make(chan error)
	go func() {
		_, err := r.Next(1)
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("the large one did not wait, error %v", err)
	case <-time.After(200 * time.Millisecond): // time enough to do it
	}
	large.Unlock()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
