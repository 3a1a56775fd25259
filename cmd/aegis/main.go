// Command aegis trains autoencoders and uses them: encode, reconstruct, denoise,
// detect and more, each a verb.
//
//	go run ./cmd/aegis train --out runs/digits
//	go run ./cmd/aegis encode runs/digits --out codes.csv
//	go run ./cmd/aegis VERB --help
//
// It exits 0 when all went well, 2 on a usage error, 130 when interrupted and
// 1 on any other error.
package main

import (
	"os"

	"aegis/internal/cli"
	"aegis/internal/verb"
)

func main() { os.Exit(cli.Main("aegis", verb.Run)) }
