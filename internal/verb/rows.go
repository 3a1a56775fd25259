package verb

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/data"
	"aegis/internal/cli"
)

// deviceFlags say where a model runs.
type deviceFlags struct {
	device  string
	gpu     int
	threads int
}

func (d *deviceFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&d.device, "device", aegis.DeviceAuto, "auto, cpu, cuda or tape")
	f.IntVar(&d.gpu, "gpu", 0, "number of the GPU")
	f.IntVar(&d.threads, "threads", 0, "processors to use on a CPU (0: as many as pay); changes no result")
}

// load opens a run and its model.
func (d *deviceFlags) load(path string) (*aegis.Run, *aegis.Model, error) {
	r, err := aegis.OpenRun(path)
	if err != nil {
		return nil, nil, err
	}
	m, err := r.Load(aegis.WithDevice(d.device), aegis.WithGPU(d.gpu), aegis.WithThreads(d.threads))
	return r, m, err
}

// dataFlags say which rows a verb reads.
type dataFlags struct {
	data, set, label           string
	header, delimiter, decimal string
	keys                       string
	strict                     bool
	limit                      int
	unseen, seen               bool // rows that were not trained on go first; there were none
	lines                      bool // of a model of windows the lines of a table
}

func (d *dataFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&d.data, "data", "", "what to read: mnist, fashion-mnist, a path, - for standard input (default: the run's own)")
	f.StringVar(&d.set, "set", "", "train, val, test or all (default: test, or all where there is none)")
	f.IntVar(&d.limit, "limit", 0, "read the first rows only (0: all)")
	f.StringVar(&d.label, "label", "", "the column of a table with each row's class (default: as in training)")
	f.StringVar(&d.header, "header", "", "yes or no: whether a table begins with names (default: as it looks)")
	f.StringVar(&d.delimiter, "delimiter", "", "what stands between the values of a table (default: as it looks)")
	f.StringVar(&d.decimal, "decimal", "", "the mark within a number, . or , (default: as the table looks)")
	f.StringVar(&d.keys, "keys", "", "arrays of an .npz, such as train=a,train_labels=b (default: by their usual names)")
	f.BoolVar(&d.strict, "strict", false, "end at an image that cannot be read (default: it is named and left out)")
}

// open returns the rows that a verb reads.
func (d *dataFlags) open(ctx context.Context, r *aegis.Run, m *aegis.Model) (data.Reader, error) {
	if d.limit < 0 {
		return nil, cli.Usage(errors.New("--limit wants a number of at least 0"))
	}
	rows, err := d.reader(ctx, r, m)
	if err != nil {
		return nil, err
	}
	return d.first(rows), nil
}

// first are the rows that the limit leaves.
func (d *dataFlags) first(rows data.Reader) data.Reader {
	if d.limit == 0 {
		return rows
	}
	return &limited{Reader: rows, most: d.limit, left: d.limit}
}

func (d *dataFlags) reader(ctx context.Context, r *aegis.Run, m *aegis.Model) (data.Reader, error) {
	if d.data != "" {
		return m.OpenRows(ctx, d.data, d.rowOptions())
	}
	if err := d.asTrained(); err != nil {
		return nil, err
	}
	src, err := r.OpenData(ctx)
	if err != nil {
		return nil, err
	}
	if d.unseen && d.set == "" {
		for _, set := range []string{aegis.SetTest, aegis.SetVal} {
			if rows, err := r.Rows(src, set); err == nil {
				return &owned{Reader: rows, source: src}, nil
			}
		}
		d.seen = true
	}
	rows, err := r.Rows(src, d.set)
	if err != nil {
		return nil, errors.Join(err, src.Close())
	}
	return &owned{Reader: rows, source: src}, nil
}

// asTrained refuses what says how other data are read than the run's own.
func (d *dataFlags) asTrained() error {
	for _, f := range []struct{ name, value string }{
		{"label", d.label}, {"header", d.header}, {"delimiter", d.delimiter}, {"decimal", d.decimal}, {"keys", d.keys},
	} {
		if f.value != "" {
			return cli.Usage(fmt.Errorf("--%s says how other data are read: the run's own are read as in training; --data names some", f.name))
		}
	}
	return nil
}

func (d *dataFlags) rowOptions() aegis.RowOptions {
	return aegis.RowOptions{
		Set: d.set, Label: d.label, Header: d.header, Delimiter: d.delimiter, Decimal: d.decimal, Keys: d.keys, Strict: d.strict, Lines: d.lines,
	}
}

// owned is a reader that the source belongs to.
type owned struct {
	data.Reader
	source *data.Source
}

func (o *owned) Close() error { return errors.Join(o.Reader.Close(), o.source.Close()) }

// Len returns how many rows there are.
func (o *owned) Len() int { return data.Len(o.Reader) }

// limited reads the first rows of a reader.
type limited struct {
	data.Reader
	most, left int
}

func (l *limited) Next(n int) (data.Chunk, error) {
	if l.left == 0 {
		return data.Chunk{}, io.EOF
	}
	c, err := l.Reader.Next(min(n, l.left))
	l.left -= c.N
	return c, err
}

// Len returns how many rows there are.
func (l *limited) Len() int {
	if n := data.Len(l.Reader); n >= 0 {
		return min(n, l.most)
	}
	return -1
}

// someValues is about how many values a verb reads at once.
const someValues = 1 << 22

// each calls do with the rows of a reader, some at a time, and shows how far it
// is.
func each(ctx context.Context, p *progress, rows data.Reader, do func(data.Chunk) error) error {
	n := max(1, someValues/rows.Shape().Size())
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := rows.Next(n)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := do(c); err != nil {
			var infinite *aegis.NotFiniteError
			if errors.As(err, &infinite) { // of the rows that are done too
				infinite.Row += p.done
			}
			return err
		}
		p.add(c.N)
	}
}
