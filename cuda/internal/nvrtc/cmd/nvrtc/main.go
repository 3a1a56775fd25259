// Command nvrtc compiles CUDA C to the PTX that is committed beside it.
//
//	//go:generate go run aegis/cuda/internal/nvrtc/cmd/nvrtc -o zz_ .
//
// compiles every .cu file of the folder: gemm.cu becomes zz_gemm.ptx. With
// -figures it also assembles them for every supported GPU, and writes a table
// of what each kernel takes. It needs NVRTC: NVRTC_DIR=$(scripts/nvrtc.sh).
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"aegis/cuda/internal/nvrtc"
)

func main() {
	prefix := flag.String("o", "zz_", "prefix of the names of the .ptx files")
	table := flag.String("figures", "", "write what each kernel takes of every supported GPU to this file")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: nvrtc [-o prefix] [-figures file] folder|file.cu ...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if err := run(*prefix, *table, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(prefix, table string, args []string) error {
	c, err := nvrtc.Open(nvrtc.Find())
	if err != nil {
		return err
	}
	files, err := sources(args)
	if err != nil {
		return err
	}
	var figures []nvrtc.Figures
	for _, f := range files {
		s, err := nvrtc.Read(f)
		if err != nil {
			return err
		}
		ptx, err := c.Compile(s)
		if err != nil {
			return err
		}
		name := prefix + strings.TrimSuffix(s.Name, ".cu") + ".ptx"
		if err := write(filepath.Join(filepath.Dir(f), name), ptx); err != nil {
			return err
		}
		if table == "" {
			continue
		}
		of, err := c.Assemble(s)
		if err != nil {
			return err
		}
		figures = append(figures, of...)
	}
	if table == "" {
		return nil
	}
	return write(table, nvrtc.Table(figures))
}

// sources lists the .cu files that the arguments name.
func sources(args []string) ([]string, error) {
	var files []string
	for _, a := range args {
		if strings.HasSuffix(a, ".cu") {
			files = append(files, a)
			continue
		}
		in, err := filepath.Glob(filepath.Join(a, "*.cu"))
		if err != nil {
			return nil, fmt.Errorf("nvrtc: %w", err)
		}
		files = append(files, in...)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("nvrtc: no .cu files in %q", args)
	}
	return files, nil
}

func write(name string, content []byte) error {
	if err := os.WriteFile(name, content, 0o644); err != nil {
		return fmt.Errorf("nvrtc: %w", err)
	}
	return nil
}
