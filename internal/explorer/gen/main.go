// Command gen bundles the explorer's TypeScript and style, minified, into
// zz_explorer.js and zz_explorer.css beside package explorer.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := write("."); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// write bundles what lies in the folder web of dir.
func write(dir string) error {
	files, err := bundle(dir)
	if err != nil {
		return err
	}
	for path, text := range files {
		if err := os.WriteFile(path, text, 0o666); err != nil {
			return err
		}
	}
	return nil
}
