package verb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/data"
	"aegis/internal/cli"
)

// reporting is the verb report.
type reporting struct {
	use
	out, evaluation string
	most            int
}

func reportVerb(p *cli.Process) *cobra.Command {
	r := &reporting{use: use{process: p}}
	c := &cobra.Command{
		Use:   "report RUN",
		Short: "Write one HTML file about a run",
		Long: "Writes one HTML file with all in it: curves of training that zoom and pan, how good the\n" +
			"model is in all and by class, the strangest rows and the best, the detector beside it, the\n" +
			"pictures of the run, network, plan, speed and data, the configuration with what differs\n" +
			"from the preset, and how to repeat the run. It opens from the disk, without a network.\n" +
			"RUN may be unfinished, of a program of one's own, or a folder of --tries.\n" +
			"The model is judged by the run's test set, else by rows held out to validate, or by\n" +
			"--data; where there are more than --most, some are drawn, and the page says so.",
		Example: "  go run ./cmd/aegis train --epochs 1 --limit 10000 --out runs/digits\n" +
			"  go run ./cmd/aegis report runs/digits --most 2000",
		Args: oneRun,
		RunE: func(c *cobra.Command, args []string) error { return r.run(c.Context(), args[0]) },
	}
	r.add(c)
	f := c.Flags()
	f.StringVarP(&r.out, "out", "o", "", "the file to write, or - for standard output (default: report.html in the run's directory)")
	f.StringVar(&r.evaluation, "eval", "", "`file` of what eval --json printed, which is then not done again")
	f.IntVar(&r.most, "most", 10_000, "how many rows are looked at, at most, and twice as many of those trained on")
	return c
}

func (r *reporting) run(ctx context.Context, path string) error {
	if r.most < 1 || r.limit < 0 {
		return cli.Usage(errors.New("--most wants a number of at least 1, --limit one of at least 0"))
	}
	if r.data == "" && (r.set != "" || r.limit != 0) {
		return cli.Usage(errors.New("--set and --limit are for the rows that --data names"))
	}
	out, err := r.output(path)
	if err != nil {
		return err
	}
	if err := r.apart(out); err != nil {
		return err
	}
	stages := newStages(&r.use)
	defer stages.close()
	o := aegis.ReportOptions{
		Most: r.most, Progress: stages.show, RowsOf: r.data,
		Load: []aegis.LoadOption{aegis.WithDevice(r.device), aegis.WithGPU(r.gpu), aegis.WithThreads(r.threads)},
	}
	if r.data != "" {
		o.Rows = func(ctx context.Context, m *aegis.Model) (data.Reader, error) { return r.open(ctx, nil, m) }
	} else if err := r.asTrained(); err != nil {
		return err
	}
	if o.Evaluation, err = r.evaluated(); err != nil {
		return err
	}
	write := func(w io.Writer) error { return aegis.WriteReport(ctx, w, path, o) }
	if isStandard(out) {
		return write(r.process.Stdout)
	}
	if err := r.process.WriteFile(out, write); err != nil {
		return err
	}
	stages.close()
	return r.finish(drawn{out}, "%s: written", filepath.Clean(out))
}

// output is where the page goes. What the run left is kept.
func (r *reporting) output(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("aegis: report: %w; want a run's directory or a model's file", err)
	}
	dir := path
	if !info.IsDir() {
		dir = filepath.Dir(path)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("aegis: report: %w", err)
	}
	for _, e := range entries {
		if e.Name() != reportFile {
			r.process.Keep("a file of the run", filepath.Join(dir, e.Name()))
		}
	}
	r.process.Keep("what is read", r.data, r.evaluation)
	if r.out == "" {
		return filepath.Join(dir, reportFile), nil
	}
	return r.out, nil
}

const reportFile = "report.html"

// evaluated reads what eval printed, nil where no file is named.
func (r *reporting) evaluated() (*aegis.Evaluation, error) {
	if r.evaluation == "" {
		return nil, nil
	}
	text, err := os.ReadFile(r.evaluation)
	if err != nil {
		return nil, fmt.Errorf("aegis: report: %w", err)
	}
	var e aegis.Evaluation
	if err := json.Unmarshal(text, &e); err != nil || e.Rows == 0 {
		return nil, fmt.Errorf("aegis: report: %s is not what eval --json prints: want its rows and errors", r.evaluation)
	}
	return &e, nil
}
