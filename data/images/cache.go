package images

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aegis/data"
)

// decoderVersion is part of a cache's name: it grows when the same files become
// other bytes.
const decoderVersion = 2

// record lies beside the rows of a cache and says what they are.
type record struct {
	Key    string   `json:"key"`  // of all that decides the rows
	Rows   int      `json:"rows"` // how many
	Sum    uint32   `json:"crc32c"`
	Broken []broken `json:"broken,omitempty"`
}

// cached takes a set from the cache, and decodes it into the cache before where
// it is not there whole. Another process may do so at the same time: both write
// the same bytes, each into a file of its own that takes the name when it is
// whole.
func (d decoding) cached(ctx context.Context, s *data.Source) (data.Set, error) {
	path, key := d.cache("images")
	r, ok := d.recorded(ctx, path, key)
	if ok {
		d.taken(path, r)
	} else {
		var err error
		if r, err = d.store(path, key, func(take func([]byte) error) ([]broken, error) { return d.each(ctx, take) }); err != nil {
			return data.Set{}, err
		}
		d.listing.note("%d images are decoded into %s, as they are more than fit into memory", r.Rows, filepath.ToSlash(path))
	}
	set, err := d.set(r, data.Rows{})
	if err != nil {
		return data.Set{}, err
	}
	if set.Rows, err = s.MapNPY(path); err != nil {
		return data.Set{}, fmt.Errorf("images: cache: %w", err)
	}
	if set.N != r.Rows || set.Shape != d.form.Shape() {
		return data.Set{}, fmt.Errorf("images: cache: %s: %d rows of %v; want %d of %v: delete the file", path, set.N, set.Shape, r.Rows, d.form.Shape())
	}
	return set, nil
}

// set is a set of rows in the cache, mapped or else in memory.
func (d decoding) set(r record, rows data.Rows) (data.Set, error) {
	if err := d.lost(r.Broken); err != nil {
		return data.Set{}, err
	}
	if d.opt.Strict && len(r.Broken) > 0 {
		return data.Set{}, fmt.Errorf("images: %s: %s; repair the file or take it away", d.place, r.Broken[0])
	}
	return data.Set{Rows: rows, Labels: d.labels(r.Broken)}, nil
}

// taken says that a set is not decoded.
func (d decoding) taken(path string, r record) {
	d.listing.note("%d images are taken decoded from %s", r.Rows, filepath.ToSlash(path))
	if d.opt.Progress != nil {
		d.opt.Progress(d.before+len(d.files), len(d.listing.files))
	}
}

// cache is the file of a set in the cache, and the key that its record has.
func (d decoding) cache(prefix string) (path, key string) {
	key = d.key()
	return filepath.Join(d.opt.Cache, prefix+"-"+key[:24]+".npy"), key
}

// key is a hash of what decides the rows of a set.
func (d decoding) key() string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "version %d\n%+v\n", decoderVersion, d.form)
	for _, f := range d.files {
		var size, changed int64 = -1, -1
		if info, err := os.Stat(d.path(f.name)); err == nil { // a broken link is a broken file
			size, changed = info.Size(), info.ModTime().UnixNano()
		}
		_, _ = fmt.Fprintf(h, "%q %d %d\n", f.name, size, changed)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// castagnoli is the polynomial that processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// recorded reads the record of a cache, and checks all of its rows against it.
func (d decoding) recorded(ctx context.Context, path, key string) (r record, ok bool) {
	text, err := os.ReadFile(recordOf(path))
	if err != nil || json.Unmarshal(text, &r) != nil || r.Key != key || r.Rows < 0 || r.Rows+len(r.Broken) != len(d.files) {
		return r, false
	}
	if r.Rows == 0 {
		return r, true
	}
	f, err := os.Open(path)
	if err != nil {
		return r, false
	}
	defer func() { _ = f.Close() }()
	head := d.head(r.Rows)
	got := make([]byte, len(head))
	if _, err := io.ReadFull(f, got); err != nil || !bytes.Equal(got, head) {
		return r, false
	}
	sum := crc32.New(castagnoli)
	n, err := io.Copy(sum, contextReader{ctx, f})
	return r, err == nil && n == int64(r.Rows)*int64(d.form.Shape().Size()) && sum.Sum32() == r.Sum
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

func recordOf(path string) string { return strings.TrimSuffix(path, ".npy") + ".json" }

// store writes rows into the cache, and behind them their record. rows calls
// take with them, and returns what files are broken.
func (d decoding) store(path, key string, rows func(take func([]byte) error) ([]broken, error)) (record, error) {
	r := record{Key: key}
	if err := os.MkdirAll(d.opt.Cache, 0o777); err != nil {
		return r, fmt.Errorf("images: cache: %w", err)
	}
	err := replace(path, func(f *os.File) (err error) {
		out := bufio.NewWriterSize(f, 1<<20)
		if _, err := out.Write(d.head(0)); err != nil {
			return err
		}
		if r.Broken, err = rows(func(row []byte) error {
			r.Sum = crc32.Update(r.Sum, castagnoli, row)
			_, err := out.Write(row)
			return err
		}); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
		r.Rows = len(d.files) - len(r.Broken)
		_, err = f.WriteAt(d.head(r.Rows), 0)
		return err
	})
	if err != nil {
		return r, err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return r, fmt.Errorf("images: cache: %w", err)
	}
	return r, replace(recordOf(path), func(f *os.File) error {
		_, err := f.Write(append(text, '\n'))
		return err
	})
}

// head is the header of a .npy file of so many rows, always of one length.
func (d decoding) head(rows int) []byte {
	const length = 128
	text := fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%d, %d, %d, %d), }", rows, d.form.Channels, d.form.Height, d.form.Width)
	head := slices.Concat([]byte("\x93NUMPY\x01\x00"), []byte{length - 10, 0}, []byte(text))
	head = append(head, bytes.Repeat([]byte{' '}, length-1-len(head))...)
	return append(head, '\n')
}

// replace puts a file in the place of another once write has written it whole.
func replace(path string, write func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("images: cache: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close() // it may be closed already
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("images: cache: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("images: cache: %w", err)
	}
	return nil
}
