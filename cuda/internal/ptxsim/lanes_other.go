//go:build !amd64

package ptxsim

// vectors returns the loops over a whole warp.
func vectors() lanesFuncs { return generic() }
