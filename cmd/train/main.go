// Command train trains an autoencoder and leaves a run directory behind.
//
//	go run ./cmd/train                                 # fc12 on the embedded MNIST
//	go run ./cmd/train --model conv --data DIR --epochs 3
//
// It exits 0 when all went well, 2 on a usage error, 130 when interrupted and
// 1 on any other error.
package main

import (
	"os"

	"aegis/internal/cli"
)

func main() { os.Exit(cli.Main("train", cli.Train)) }
