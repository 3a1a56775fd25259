package main

import (
	"bytes"
	"os"
	"testing"
)

// TestFresh holds what is committed to what go generate makes.
func TestFresh(t *testing.T) {
	files, err := bundle("..")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what its sources make: run go generate ./internal/explorer", path)
		}
	}
}
