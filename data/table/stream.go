package table

import (
	"context"
	"io"

	"aegis/data"
)

// stream reads a table that may be read once.
func stream(ctx context.Context, t opened, file string, opt Options) (data.Reader, error) {
	if opt.Impute != "" {
		return nil, streamed(file)
	}
	c, err := choose(t, file, opt)
	if err != nil {
		return nil, err
	}
	var fields []data.Field
	if opt.Form != nil {
		fields = opt.Form.Fields
	} else {
		for _, n := range c.names[:c.values()] {
			fields = append(fields, data.Field{Name: n})
		}
	}
	r := &rowReader{ctx: ctx, filler: newFiller(c, file, fields, opt.Classes, false), table: t, progress: opt.Progress}
	r.others = opt.OtherClasses
	if r.from, err = t.begin(c.use, r.width); err != nil {
		return nil, err
	}
	window, step := opt.window()
	if err := tooSmall(file, max(1, window)*r.width); err != nil {
		return nil, err
	}
	if window == 0 {
		return r, nil
	}
	if err := fits(file, window, r.width); err != nil {
		return nil, err
	}
	return &windowReader{lines: r, file: file, window: window, step: max(1, step)}, nil
}

// rowReader makes rows of lines as they are asked for.
type rowReader struct {
	*filler
	ctx      context.Context
	from     parts
	table    opened
	progress func(done, of int)

	queue []*filled // read, not given
	at    int       // rows given of the first one
	rows  int       // read
	err   error     // behind the queue
}

func (r *rowReader) Shape() data.Shape { return data.Shape{W: r.width} }

func (r *rowReader) Close() error {
	r.queue, r.err = nil, io.EOF
	return nil
}

func (r *rowReader) Next(n int) (data.Chunk, error) {
	for {
		for len(r.queue) > 0 && r.at == r.queue[0].rows {
			r.queue, r.at = r.queue[1:], 0
		}
		if len(r.queue) > 0 {
			return r.take(max(1, n)), nil
		}
		if r.err != nil {
			return data.Chunk{}, r.err
		}
		r.read()
	}
}

// ClassNames are those of the labels of all rows so far, nil where labels are
// numbers.
func (r *rowReader) ClassNames() []string { return r.classes }

// take gives the first rows of the queue.
func (r *rowReader) take(n int) data.Chunk {
	some := r.queue[0]
	all := data.Set{Rows: data.Rows{N: some.rows, Shape: r.Shape(), Floats: some.values}, Labels: some.labels}
	from := r.at
	r.at = from + min(n, some.rows-from)
	return data.Chunk{Set: all.Slice(from, r.at)}
}

// read reads some parts. Those before an error are given first.
func (r *rowReader) read() {
	found, err := round(r.ctx, r.from, r.part)
	if failed := r.number(found); failed != nil {
		found, err = nil, failed
	}
	for _, some := range found {
		r.rows += some.rows
	}
	r.queue, r.at = found, 0
	switch {
	case err == io.EOF && r.rows == 0:
		r.err = noRows(r.file)
	case err != nil:
		r.err = moved(err, r.rows)
	}
	if done, of := r.table.done(); r.progress != nil && of > 0 {
		r.progress(min(done, of), of)
	}
}
