// Command nvrtc compiles CUDA C to the PTX that is committed beside it.
//
//	//go:generate go run aegis/cuda/internal/nvrtc/cmd/nvrtc -o zz_ .
//
// compiles every .cu file of the folder: gemm.cu becomes zz_gemm.ptx. With
// -check it compiles for every supported GPU instead and writes nothing. It
// needs NVRTC: NVRTC_DIR=$(scripts/nvrtc.sh).
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
	check := flag.Bool("check", false, "assemble for every supported GPU and write nothing")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: nvrtc [-check] [-o prefix] folder|file.cu ...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if err := run(*prefix, *check, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(prefix string, check bool, args []string) error {
	c, err := nvrtc.Open(nvrtc.Find())
	if err != nil {
		return err
	}
	files, err := sources(args)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := one(c, f, prefix, check); err != nil {
			return err
		}
	}
	return nil
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

// one compiles or checks a file.
func one(c *nvrtc.Compiler, file, prefix string, check bool) error {
	s, err := nvrtc.Read(file)
	if err != nil {
		return err
	}
	if check {
		return c.Check(s)
	}
	ptx, err := c.Compile(s)
	if err != nil {
		return err
	}
	name := prefix + strings.TrimSuffix(s.Name, ".cu") + ".ptx"
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), name), ptx, 0o644); err != nil {
		return fmt.Errorf("nvrtc: %w", err)
	}
	return nil
}
