package images

import (
	"context"
	"io"

	"aegis/data"
)

// reader gives the rows of a folder as they are decoded.
type reader struct {
	decoding
	ahead *ahead
	done  int
	chunk data.Chunk
	err   error // that ended the reading
}

// NewReader reads a folder of images, or one image, some rows at a time, and
// decodes ahead. A row is named after its file, as a path with slashes from the
// folder; sets follow each other: training, validation, test. The reader has a
// method Notes() []string that says what was left out so far.
func NewReader(ctx context.Context, path string, opt Options) (data.Reader, error) {
	l, form, err := prepare(ctx, path, opt)
	if err != nil {
		return nil, err
	}
	d := decoding{listing: l, files: l.files, form: form, opt: opt}
	return &reader{decoding: d, ahead: newAhead(ctx, d)}, nil
}

func (r *reader) Shape() data.Shape { return r.form.Shape() }

// Form says how the rows are made, and what their labels are called.
func (r *reader) Form() data.Form { return data.Form{Classes: r.classes, Images: &r.form} }

// Next returns the rows of the next whole files.
func (r *reader) Next(n int) (data.Chunk, error) {
	c := &r.chunk
	c.Rows = data.Rows{Shape: r.form.Shape(), Bytes: c.Bytes[:0]}
	c.Labels, c.Names = c.Labels[:0], c.Names[:0]
	for r.err == nil && c.N < max(1, n) {
		r.err = r.take(c)
	}
	if c.N == 0 {
		return data.Chunk{}, r.err
	}
	return *c, nil
}

// take appends the row of one file, if it is whole.
func (r *reader) take(c *data.Chunk) error {
	j, err := r.ahead.next()
	if err != nil {
		return err
	}
	if j == nil {
		return r.end()
	}
	if r.done++; r.opt.Progress != nil {
		r.opt.Progress(r.done, len(r.files))
	}
	defer r.ahead.recycle(j)
	if j.err != nil {
		r.broken = append(r.broken, broken{j.file.name, j.err.Error()})
		return r.refuse(j)
	}
	c.N++
	c.Bytes, c.Names = append(c.Bytes, j.row...), append(c.Names, j.file.name)
	if r.classes != nil {
		c.Labels = append(c.Labels, j.file.label)
	}
	return nil
}

// end is what follows the last file.
func (r *reader) end() error {
	all := r.broken
	r.broken = nil
	if err := r.lost(all); err != nil {
		return err
	}
	return io.EOF
}

// Notes say what was left out so far.
func (r *reader) Notes() []string { return r.notes() }

func (r *reader) Close() error {
	r.ahead.close()
	return nil
}
