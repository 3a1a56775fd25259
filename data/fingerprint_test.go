package data

import (
	"crypto/sha256"
	"slices"
	"testing"
)

// TestFingerprint tells sets apart by anything that training reads of them.
func TestFingerprint(t *testing.T) {
	bytes := make([]byte, 3*printBlock)
	for i := range bytes {
		bytes[i] = byte(i * 31)
	}
	set := func(bend func(s *Set)) Set {
		s := Set{Rows: Rows{N: len(bytes) / 16, Shape: Shape{1, 4, 4}, Bytes: slices.Clone(bytes)}, Labels: make([]byte, len(bytes)/16)}
		bend(&s)
		return s
	}
	same := Fingerprint(set(func(*Set) {}), Set{})
	if again := Fingerprint(set(func(*Set) {}), Set{}); again != same || len(same) != 32 {
		t.Errorf("fingerprints %s and %s of the same rows", same, again)
	}
	seen := map[string]string{same: "the same"}
	for name, bend := range map[string]func(s *Set){
		"a bit of the first": func(s *Set) { s.Bytes[0] ^= 1 },
		"a bit of the last":  func(s *Set) { s.Bytes[len(s.Bytes)-1] ^= 1 },
		"two rows swapped": func(s *Set) {
			a, b := slices.Clone(s.ByteRow(1)), s.ByteRow(2)
			copy(s.ByteRow(1), b)
			copy(b, a)
		},
		"fewer rows":   func(s *Set) { *s = s.Slice(0, s.N-1) },
		"a vector":     func(s *Set) { s.Shape = Shape{W: 16} },
		"a label":      func(s *Set) { s.Labels[7] = 1 },
		"no labels":    func(s *Set) { s.Labels = nil },
		"blocks apart": func(s *Set) { slices.Reverse(s.Bytes[:2*printBlock]) },
		"floats":       func(s *Set) { s.Floats, s.Bytes, s.Shape = make([]float32, s.N*16), nil, Shape{W: 16} },
	} {
		print := Fingerprint(set(bend), Set{})
		if other, there := seen[print]; there {
			t.Errorf("%s and %s have one fingerprint", name, other)
		}
		seen[print] = name
	}
	if Fingerprint(Set{}, set(func(*Set) {})) == same {
		t.Error("two sets the other way round have one fingerprint")
	}
}

// TestFingerprintOfMuch reads blocks from the first to the last, and no others.
func TestFingerprintOfMuch(t *testing.T) {
	memory := make([]byte, 10*printBlock-5)
	of := func() string {
		sum := sha256.New()
		printed(sum, memory, 9*printBlock, 4)
		return string(sum.Sum(nil))
	}
	before := of()
	for block := range 10 {
		at := min(len(memory)-1, block*printBlock+100)
		memory[at] ^= 1
		if read := of() != before; read != slices.Contains([]int{0, 3, 6, 9}, block) {
			t.Errorf("block %d: read %v", block, read)
		}
		memory[at] ^= 1
	}
}

func BenchmarkFingerprint(b *testing.B) {
	s := Set{Rows: Rows{N: 60000, Shape: Shape{1, 28, 28}, Bytes: make([]byte, 60000*784)}}
	b.SetBytes(int64(len(s.Bytes)))
	for b.Loop() {
		Fingerprint(s)
	}
}
