// Command example makes the data that the pages of docs/ use: a table of a
// machine's sensors, the metrics of a service over time, and a folder of
// pictures. The same command gives the same bytes.
//
//	go run ./docs/example sensors > sensors.csv
//	go run ./docs/example metrics > metrics.csv
//	go run ./docs/example pictures FOLDER
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "example:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	out := bufio.NewWriter(os.Stdout)
	switch {
	case len(args) == 1 && args[0] == "sensors":
		sensors(out)
	case len(args) == 1 && args[0] == "metrics":
		metrics(out)
	case len(args) == 2 && args[0] == "pictures":
		return pictures(args[1])
	default:
		return fmt.Errorf("want sensors, metrics or pictures FOLDER, got %q", args)
	}
	return out.Flush()
}
