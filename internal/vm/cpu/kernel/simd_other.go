//go:build !amd64 && !arm64

package kernel

// simdSets returns the sets in assembly that this machine can run.
func simdSets() []*Set { return nil }
