package op

import (
	"runtime"
	"sync"
)

// parallel calls work on consecutive ranges that cover [0, n). Each result
// belongs to one range, so their number changes no numbers.
func parallel(n int, work func(from, to int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 {
		work(0, n)
		return
	}
	var done sync.WaitGroup
	for i := range workers {
		done.Go(func() { work(i*n/workers, (i+1)*n/workers) })
	}
	done.Wait()
}

// products sets dst[j] = Σₖ a[k]·b[j·len(a)+k], plus bias[j] where there is a
// bias: a row times the transpose of a matrix, four columns at a time, each
// sum in the order of k.
func products[T float](dst, a, b, bias []T) {
	k, j := len(a), 0
	for ; j+4 <= len(dst); j += 4 {
		b0, b1, b2, b3 := b[j*k:][:k], b[(j+1)*k:][:k], b[(j+2)*k:][:k], b[(j+3)*k:][:k]
		var s0, s1, s2, s3 T
		for i, v := range a {
			s0 += v * b0[i]
			s1 += v * b1[i]
			s2 += v * b2[i]
			s3 += v * b3[i]
		}
		dst[j], dst[j+1], dst[j+2], dst[j+3] = s0, s1, s2, s3
	}
	for ; j < len(dst); j++ {
		var s T
		for i, v := range b[j*k:][:k] {
			s += a[i] * v
		}
		dst[j] = s
	}
	for j, v := range bias {
		dst[j] += v
	}
}

// combine adds Σᵢ a[i·stride]·b[i·len(dst)+j] to dst[j], for i below n: a
// combination of the rows of a matrix, four rows at a time.
func combine[T float](dst, a []T, stride, n int, b []T) {
	m, i := len(dst), 0
	for ; i+4 <= n; i += 4 {
		a0, a1, a2, a3 := a[i*stride], a[(i+1)*stride], a[(i+2)*stride], a[(i+3)*stride]
		b0, b1, b2, b3 := b[i*m:][:m], b[(i+1)*m:][:m], b[(i+2)*m:][:m], b[(i+3)*m:][:m]
		for j := range dst {
			dst[j] += a0*b0[j] + a1*b1[j] + a2*b2[j] + a3*b3[j]
		}
	}
	for ; i < n; i++ {
		v := a[i*stride]
		for j, w := range b[i*m:][:m] {
			dst[j] += v * w
		}
	}
}
