package table

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// keptInMemory is how much of a pipe is kept in memory; more is in a file.
const keptInMemory = 16 << 20

// kept is what came of a pipe, to be read more than once.
type kept struct {
	io.ReadSeeker
	size int64
	file *os.File // nil: in memory
}

func keep(ctx context.Context, r io.Reader, name string) (*kept, error) {
	r = stoppable{ctx, r}
	var start bytes.Buffer
	n, err := io.CopyN(&start, r, keptInMemory)
	if err == io.EOF {
		return &kept{ReadSeeker: bytes.NewReader(start.Bytes()), size: n}, nil
	}
	if err != nil {
		return nil, broken(name, err)
	}
	f, err := os.CreateTemp("", "aegis-table-*")
	if err != nil {
		return nil, fmt.Errorf("table: %s: keep what comes of a pipe: %w; save it as a file and give that", name, err)
	}
	k := &kept{ReadSeeker: f, file: f}
	if k.size, err = io.Copy(f, io.MultiReader(&start, r)); err != nil {
		return nil, errors.Join(fmt.Errorf("table: %s: keep what comes of a pipe in %s: %w; save it as a file and give that", name, f.Name(), err), k.Close())
	}
	return k, nil
}

// Close removes the file.
func (k *kept) Close() error {
	if k.file == nil {
		return nil
	}
	return errors.Join(k.file.Close(), os.Remove(k.file.Name()))
}

// stoppable ends a reading when its context does.
type stoppable struct {
	context.Context
	r io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}
