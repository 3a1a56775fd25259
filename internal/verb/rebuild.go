package verb

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/data"
	"aegis/internal/cli"
)

func reconstructVerb(p *cli.Process) *cobra.Command {
	u, out := &use{process: p}, &rowsFlags{}
	c := &cobra.Command{
		Use:   "reconstruct RUN",
		Short: "Write what the model makes of each row",
		Long:  "Writes what is rebuilt of each row from its code, in order and in the units of the data.",
		Example: "  go run ./cmd/aegis train --epochs 1 --out runs/digits\n" +
			"  go run ./cmd/aegis reconstruct runs/digits --limit 100 --out rebuilt.png",
		Args: oneRun,
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			return u.with(ctx, args[0], func(o opened) error {
				return u.rebuild(ctx, o, out, "reconstruct", func(c data.Chunk) ([]float32, error) {
					return o.model.Reconstruct(ctx, c.Rows, o.model.Spec().Reads(c.Labels)...)
				}, u.wrote)
			})
		},
	}
	u.add(c)
	out.add(c)
	return c
}

// rebuild writes what make makes of the rows.
func (u *use) rebuild(ctx context.Context, o opened, out *rowsFlags, what string, make func(data.Chunk) ([]float32, error), report func(done) error) error {
	if err := u.apart(out.out); err != nil {
		return err
	}
	first, rows, err := peek(o.rows, 1)
	if err != nil {
		return err
	}
	n := 0
	err = out.write(ctx, u, o.model, data.Len(rows), func(put sink) error {
		return u.every(ctx, what, rows, func(c data.Chunk) error {
			values, err := make(c)
			if err != nil {
				return err
			}
			n += c.N
			r := rebuilt{n: c.N, values: values}
			if first.Names != nil {
				r.names = c.Names
			}
			return put(r)
		})
	})
	if err != nil || isStandard(out.out) {
		return err
	}
	d := done{Rows: n, Out: out.out}
	if out.isSheet(o.model) && n > mostOnSheet {
		d.Shown = mostOnSheet
	}
	return report(d)
}

func denoiseVerb(p *cli.Process) *cobra.Command {
	u, out := &use{process: p}, &rowsFlags{}
	var corrupt string
	var seed uint64
	c := &cobra.Command{
		Use:   "denoise RUN",
		Short: "Write noisy rows restored",
		Long: "Writes what the model restores of noisy rows, in order. With --corrupt the rows are\n" +
			"clean: they get noise first, and it says how far from them the noisy and the restored\n" +
			"ones are. A model that was trained with --corrupt restores best.",
		Example: "  go run ./cmd/aegis train --model conv --corrupt gaussian:0.5 --epochs 1 --limit 10000 --out runs/restore\n" +
			"  go run ./cmd/aegis denoise runs/restore --corrupt gaussian:0.5 --limit 100 --out restored.png",
		Args: oneRun,
		RunE: func(c *cobra.Command, args []string) error {
			return u.with(c.Context(), args[0], func(o opened) error {
				d := &denoising{model: o.model, corrupt: corrupt, seed: seed, ctx: c.Context()}
				return u.rebuild(c.Context(), o, out, "denoise", d.restore, func(wrote done) error { return d.report(u, wrote) })
			})
		},
	}
	u.add(c)
	out.add(c)
	c.Flags().StringVar(&corrupt, "corrupt", "", "add noise to clean rows: gaussian:0.5, mask:0.3 or saltpepper:0.1")
	c.Flags().Uint64Var(&seed, "seed", 1, "seed of that noise")
	return c
}

// denoising restores rows, and measures how well where they got their noise here.
type denoising struct {
	model   *aegis.Model
	corrupt string
	seed    uint64
	ctx     context.Context // of the command

	rows, values    int
	before, squares float64 // sums of squares: noisy and restored less clean
}

func (d *denoising) restore(c data.Chunk) ([]float32, error) {
	noisy := c.Rows
	if d.corrupt != "" {
		var err error
		if noisy, err = d.model.Corrupt(c.Rows, d.corrupt, d.seed, d.rows); err != nil {
			return nil, err
		}
	}
	restored, err := d.model.Reconstruct(d.ctx, noisy, d.model.Spec().Reads(c.Labels)...)
	if err != nil {
		return nil, err
	}
	d.rows += c.N
	if d.corrupt != "" {
		return restored, d.measure(c.Rows, noisy, restored)
	}
	return restored, nil
}

// measure adds up how far noisy and restored rows are from the clean ones: of
// pixels from 0 to 1, of other values as the network reads them.
func (d *denoising) measure(clean, noisy data.Rows, restored []float32) error {
	if !clean.IsBytes() {
		return d.add(d.scaled(clean.Floats), d.scaled(noisy.Floats), d.scaled(restored), 1)
	}
	lo, hi := d.model.Pixels()
	pixels := data.Range{Lo: lo, Hi: hi}
	values := [2][]float32{make([]float32, len(clean.Bytes)), make([]float32, len(noisy.Bytes))}
	pixels.Decode(values[0], clean.Bytes)
	pixels.Decode(values[1], noisy.Bytes)
	return d.add(values[0], values[1], restored, float64(hi)-float64(lo))
}

// scaled are rows as the network reads them.
func (d *denoising) scaled(values []float32) []float32 {
	values = slices.Clone(values)
	d.model.Spec().Scaled().Apply(values)
	return values
}

// add adds squares of errors in units of a span.
func (d *denoising) add(clean, noisy, restored []float32, span float64) error {
	for i, want := range clean {
		before, after := float64(noisy[i]-want)/span, float64(restored[i]-want)/span
		d.before += before * before
		d.squares += after * after
	}
	d.values += len(clean)
	return nil
}

// denoised is what --json prints: errors are the means of squares, of pixels from
// 0 to 1, of other values as the network reads them.
type denoised struct {
	done
	Corrupt  string  `json:"corrupt"`
	Noisy    float64 `json:"noisy"`
	Restored float64 `json:"restored"`
}

func (d *denoising) report(u *use, wrote done) error {
	if d.values == 0 {
		return u.wrote(wrote)
	}
	before, after := d.before/float64(d.values), d.squares/float64(d.values)
	line := fmt.Sprintf("mean squared error of %d rows: %.5g with noise, %.5g restored", d.rows, before, after)
	if d.model.Spec().Image[0] > 0 && d.model.Spec().Scaling == nil {
		line += fmt.Sprintf(" (PSNR %.2f dB, %.2f dB)", -10*math.Log10(before), -10*math.Log10(after))
	}
	return u.finish(denoised{wrote, d.corrupt, before, after}, "%s: %s", wrote.Out, line)
}

// wrote says how many rows went where.
func (u *use) wrote(d done) error {
	if d.Shown > 0 {
		return u.finish(d, "%s: %d rows, of which the sheet shows the first %d", d.Out, d.Rows, d.Shown)
	}
	return u.finish(d, "%s: %d rows", d.Out, d.Rows)
}
