package main

import (
	"testing"

	"aegis/internal/browsertest"
)

func TestMain(m *testing.M) { browsertest.Main(m) }
