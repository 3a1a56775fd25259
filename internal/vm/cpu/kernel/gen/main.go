// Gen writes the assembly of package kernel, from the signatures and docs of
// the plain Go kernels beside it. It runs in that package's folder.
package main

import (
	"fmt"
	"os"

	"aegis/internal/vm/cpu/kernel/gen/asm"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	files, err := asm.Files(".")
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return fmt.Errorf("gen: %w", err)
		}
	}
	return nil
}
