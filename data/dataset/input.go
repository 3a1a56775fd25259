package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"aegis/data"
	"aegis/data/images"
	"aegis/data/table"
)

// kind is what a file is by its content.
type kind int

const (
	unknownKind kind = iota
	npyKind
	npzKind
	parquetKind
	textKind
	pictureKind
)

// lookAt is how much of a stream is waited for to see what it is.
const lookAt = 512

// kindOf looks at the start of a file, and into a gzip.
func kindOf(start []byte) (k kind, zipped bool) {
	if bytes.HasPrefix(start, []byte{0x1f, 0x8b}) {
		if z, err := gzip.NewReader(bytes.NewReader(start)); err == nil {
			inside, _ := io.ReadAll(io.LimitReader(z, lookAt)) // it is cut off: what came is enough
			k, _ := kindOf(inside)
			return k, true
		}
		return unknownKind, false
	}
	for _, s := range []struct {
		start string
		kind  kind
	}{{"\x93NUMPY", npyKind}, {"PK\x03\x04", npzKind}, {"PK\x05\x06", npzKind}, {"PAR1", parquetKind}} {
		if bytes.HasPrefix(start, []byte(s.start)) {
			return s.kind, false
		}
	}
	switch {
	case strings.HasSuffix(data.Look(start), " image"):
		return pictureKind, false
	case table.Is(start):
		return textKind, false
	}
	return unknownKind, false
}

// input is an open file or stream whose first bytes were looked at.
type input struct {
	place
	kind   kind
	zipped bool
	looks  string   // what it is in words
	broken error    // what is wrong with the gzip that it is in, where that shows
	file   *os.File // nil of a stream
	size   int64    // of the file
	r      io.Reader
	close  func() error
}

// open opens a file or a stream. One that is packed, or comes from a stream, but
// is read at any place is first written to a file that is gone when it is closed.
func (p place) open(ctx context.Context, opt Options) (in *input, err error) {
	in = &input{place: p}
	var f *os.File
	if p.path != "" {
		if f, err = os.Open(p.path); err != nil {
			return nil, fmt.Errorf("dataset: %w", err)
		}
		in.close = f.Close
	}
	if p.sort == single {
		in.file, in.r = f, f
	} else if in.r = io.Reader(f); f == nil {
		if in.r = opt.Stdin; in.r == nil {
			in.r = os.Stdin
		}
	}
	if p.sort == stream {
		in.follow(ctx)
	}
	if err := in.look(); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	if (in.kind == npzKind || in.kind == parquetKind) && (in.zipped || in.file == nil) {
		if err := in.spool(ctx); err != nil {
			return nil, errors.Join(err, in.Close())
		}
	}
	return in, nil
}

// Close closes the file, if there is one.
func (in *input) Close() error {
	if in.close == nil {
		return nil
	}
	f := in.close
	in.close = nil
	return f()
}

// look finds what is read.
func (in *input) look() error {
	buffered := bufio.NewReaderSize(in.r, 1<<16)
	_, err := buffered.Peek(lookAt)
	if err != nil && err != io.EOF {
		return fmt.Errorf("dataset: %s: read: %w", in.name, err)
	}
	whole := err == io.EOF
	start, _ := buffered.Peek(buffered.Buffered()) // all that came with it
	in.kind, in.zipped = kindOf(start)
	in.looks = data.Look(start)
	if in.r = buffered; in.file != nil {
		info, err := in.file.Stat()
		if err == nil {
			in.size = info.Size()
			_, err = in.file.Seek(0, io.SeekStart)
		}
		if err != nil {
			return fmt.Errorf("dataset: %s: %w", in.name, err)
		}
		in.r, whole = in.file, int64(len(start)) == in.size
	}
	if in.kind == unknownKind {
		in.broken = brokenGzip(start, whole)
	}
	return nil
}

// brokenGzip says what is wrong with the start of a gzip, or with a whole one;
// nil of other files.
func brokenGzip(start []byte, whole bool) error {
	if !bytes.HasPrefix(start, []byte{0x1f, 0x8b}) {
		return nil
	}
	const most = 1 << 20
	z, err := gzip.NewReader(bytes.NewReader(start))
	if err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(z, most))
	}
	if cut := errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF; cut && !whole {
		return nil
	}
	return err
}

// wrong is the error of a kind that is not read here.
func (in *input) wrong() error {
	if in.broken != nil {
		return damaged(in.name, in.broken)
	}
	looks := in.looks
	if looks == "" {
		looks = "of no known kind"
	}
	return fmt.Errorf("dataset: %s is %s; want a table (CSV, TSV or Parquet), a .npy or .npz file, each plain or in gzip, or a folder of images or IDX files", in.name, looks)
}

// damaged is the error of a gzip that is not whole.
func damaged(name string, err error) error {
	return fmt.Errorf("dataset: %s: broken gzip: %w; the file is damaged; get it again", name, err)
}

// plain is the content, out of gzip.
func (in *input) plain() (io.Reader, error) {
	if !in.zipped {
		return in.r, nil
	}
	z, err := gzip.NewReader(in.r)
	if err != nil {
		return nil, fmt.Errorf("dataset: %s: gzip: %w", in.name, err)
	}
	return z, nil
}

// spool writes the content to a file that is gone when it is closed.
func (in *input) spool(ctx context.Context) (err error) {
	r, err := in.plain()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp("", "aegis-*.part")
	if err != nil {
		return fmt.Errorf("dataset: %s: a place to keep it while it is read: %w", in.name, err)
	}
	in.onClose(func() error { return errors.Join(f.Close(), os.Remove(f.Name())) })
	if in.size, err = io.Copy(f, checked{ctx, r}); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	switch {
	case in.zipped && (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader)):
		return damaged(in.name, err)
	case err != nil:
		return fmt.Errorf("dataset: %s: keeping it in %s while it is read: %w", in.name, f.Name(), err)
	}
	in.file, in.r, in.path, in.zipped = f, f, f.Name(), false
	return nil
}

// follow ends the reading of a stream with a context, also where it waits.
func (in *input) follow(ctx context.Context) {
	from := in.r
	out, into := io.Pipe()
	stop := context.AfterFunc(ctx, func() { _ = into.CloseWithError(context.Cause(ctx)) }) // it returns no error
	go func() {
		_, err := io.Copy(into, from)
		_ = into.CloseWithError(err)
		stop()
	}()
	in.r = out
	in.onClose(out.Close)
}

// onClose adds what comes before all else when the input is closed.
func (in *input) onClose(f func() error) {
	before := in.close
	in.close = func() error {
		err := f()
		if before != nil {
			err = errors.Join(err, before())
		}
		return err
	}
}

// checked ends a reader with a context, where it does not wait.
type checked struct {
	ctx context.Context
	r   io.Reader
}

func (c checked) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}

// source reads all, to train on.
func (in *input) source(ctx context.Context, opt Options) (*data.Source, error) {
	switch in.kind {
	case npyKind, npzKind:
		if err := opt.allow(in.name, "a file of NumPy arrays", in.arrays()); err != nil {
			return nil, err
		}
		switch {
		case in.kind == npzKind:
			return data.ReadNPZ(in.file, in.size, in.name, opt.Keys)
		case in.file == nil:
			return data.ReadArray(in.r, in.name)
		}
		return data.OpenFile(in.path, nil)
	case textKind, parquetKind:
		o, err := opt.table(in.name)
		if err != nil {
			return nil, err
		}
		if in.file == nil {
			r, err := in.plain()
			if err != nil {
				return nil, err
			}
			return table.Read(ctx, r, in.name, o)
		}
		s, err := table.Open(ctx, in.path, o)
		if err != nil {
			return nil, &renamedError{err, in.path, in.name}
		}
		s.Name = in.name
		return s, nil
	case pictureKind:
		return nil, fmt.Errorf("dataset: %s is %s, and one is not enough to train on; give the folder where images lie", in.name, in.looks)
	}
	return nil, in.wrong()
}

// arrays are the options of a file of arrays.
func (in *input) arrays() forWhat {
	if in.kind == npzKind {
		return ofArchives
	}
	return none
}

// reader reads piece by piece.
func (in *input) reader(ctx context.Context, set string, opt Options) (data.Reader, error) {
	if in.kind != npzKind {
		if _, err := data.ChooseSets(set, func(i int) bool { return i == 0 }); err != nil {
			return nil, fmt.Errorf("dataset: %s is one set: %w", in.name, err)
		}
	}
	switch in.kind {
	case npyKind, npzKind:
		if err := opt.allow(in.name, "a file of NumPy arrays", in.arrays()); err != nil {
			return nil, err
		}
		if in.kind == npzKind {
			return data.NewNPZReader(in.file, in.size, in.name, set, opt.Keys)
		}
		return data.NewNPYReader(in.r, in.name)
	case textKind, parquetKind:
		o, err := opt.table(in.name)
		if err != nil {
			return nil, err
		}
		if in.kind == parquetKind {
			return table.NewParquetReader(ctx, in.file, in.size, in.name, o)
		}
		r, err := in.plain()
		if err != nil {
			return nil, err
		}
		return table.NewReader(ctx, r, in.name, o)
	case pictureKind:
		if in.file == nil || in.zipped {
			return nil, fmt.Errorf("dataset: %s is %s; give its file, or the folder where images lie", in.name, in.looks)
		}
		o, err := opt.images(in.name, "decoding images")
		if err != nil {
			return nil, err
		}
		return images.NewReader(ctx, in.path, o)
	}
	return nil, in.wrong()
}

// renamedError is an error that calls a file as the user did, not as it is
// called where it was kept.
type renamedError struct {
	err      error
	from, to string
}

func (e *renamedError) Error() string { return strings.ReplaceAll(e.err.Error(), e.from, e.to) }
func (e *renamedError) Unwrap() error { return e.err }
