// Kernels that only measure what a GPU takes for them: see times_test.go.

// nothing is an empty node of a graph.
extern "C" __global__ void nothing() {}

// barriers brings all blocks of the grid together, so many rounds. state is
// two words, 0 at the start: arrivals so far, and whether a block gave up. A
// block reads the arrivals at most `most` times in all, so that a grid whose
// blocks do not all fit on the GPU ends too.
extern "C" __global__ void barriers(unsigned* state, int rounds, int most) {
    volatile unsigned* seen = state;
    for (int i = 1; i <= rounds; i++) {
        __syncthreads();
        if (threadIdx.x == 0) {
            __threadfence();
            atomicAdd(state, 1u);
            while (seen[0] < (unsigned)i * gridDim.x) {
                if (--most < 0) {
                    seen[1] = 1;
                    break;
                }
            }
            __threadfence();
        }
        __syncthreads();
    }
}
