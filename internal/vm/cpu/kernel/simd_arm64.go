package kernel

// simdSets returns the sets in assembly: every arm64 has NEON.
func simdSets() []*Set { return []*Set{neonSet()} }
