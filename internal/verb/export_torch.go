package verb

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/internal/cli"
)

// exportedTorch is what --json prints of a folder for PyTorch.
type exportedTorch struct {
	Out   string   `json:"out"`
	Files []string `json:"files"`
}

func exportTorch(p *cli.Process) *cobra.Command {
	u, out, force := &use{process: p}, "", false
	c := &cobra.Command{
		Use:   "torch RUN",
		Short: "Write the model as a module of PyTorch's",
		Long: "Writes a folder with model.safetensors, a state dict; model.py, which builds the network\n" +
			"and loads it with strict=True under PyTorch 1.13 or newer, without another package; and\n" +
			"rows.json, what the network reads of rows. The module encodes, decodes, scales rows and\n" +
			"undoes it, and scores rows: by the run's detector where there is one. What was trained on\n" +
			"there comes back by the verb import.",
		Example: "  go run ./cmd/aegis train --epochs 1 --limit 10000 --out runs/digits\n" +
			"  go run ./cmd/aegis export torch runs/digits -o digits-torch",
		Args: oneRun,
		RunE: func(_ *cobra.Command, args []string) error { return u.exportTorch(args[0], out, force) },
	}
	c.Flags().StringVarP(&out, "out", "o", "", "the folder to write (default: torch in the run's)")
	c.Flags().BoolVar(&force, "force", false, "replace such files in the folder")
	u.plain(c)
	return c
}

func (u *use) exportTorch(path, out string, force bool) error {
	r, err := u.openRun(path)
	if err != nil {
		return err
	}
	if out == "" {
		out = r.Path("torch")
	}
	for _, name := range aegis.TorchFiles() {
		if err := u.process.Claim(filepath.Join(out, name)); err != nil {
			return err
		}
	}
	if err := r.ExportTorch(out, force); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: --out names another one, --force replaces it", err)
	} else if err != nil {
		return err
	}
	return u.finish(exportedTorch{out, aegis.TorchFiles()}, "%s: %s, %s and %s", filepath.Clean(out), aegis.TorchFiles()[0], aegis.TorchFiles()[1], aegis.TorchFiles()[2])
}
