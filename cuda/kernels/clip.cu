// The norm of gradients, by which an update clips them. Squares are added up in
// double precision, which they do not leave, in an order that depends on shapes
// alone.
#include "common.cuh"
#include "clip.cuh"

// What a launch goes through: arrays, one for each y of the grid.
#define ARRAYS 16
#define EACH_ARRAY(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14) F(15)
#define PARAMETER(i) const float *g##i, int n##i,
#define CHOOSE(i) if (blockIdx.y == i) g = g##i, n = n##i;

// Sum over a block of 256 threads, complete in thread 0, as block_sum in
// common.cuh.
__device__ __forceinline__ double block_sum(double v, double* part) {
#pragma unroll
    for (int d = 16; d > 0; d >>= 1) v += __shfl_xor_sync(0xffffffffu, v, d);
    if ((threadIdx.x & 31) == 0) part[threadIdx.x >> 5] = v;
    __syncthreads();
    if (threadIdx.x == 0) {
        v = part[0];
#pragma unroll
        for (int i = 1; i < 8; i++) v += part[i];
    }
    return v;
}

// parts[y·width + x] of Σ g², each value within ±limit: block (x, y) has every
// width-th 256 values of array y.
extern "C" __global__ void __launch_bounds__(256) squares(EACH_ARRAY(PARAMETER) double* parts, float limit,
        const Step* __restrict__ step) {
    __shared__ double part[8];
    if (step->n == 0) return;
    const float* g = g0;
    int n = n0;
    EACH_ARRAY(CHOOSE)
    double sum = 0.0;
    for (int i = blockIdx.x * 256 + threadIdx.x; i < n; i += gridDim.x * 256) {
        const double v = bounded(g[i], limit);
        sum += v * v;
    }
    sum = block_sum(sum, part);
    if (threadIdx.x == 0) parts[blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

// factor = min(1, norm/(√Σ parts + 1e-6)), NaN where that is NaN: one block.
extern "C" __global__ void __launch_bounds__(256) clip_factor(const double* parts, int count, float norm, float* factor,
        const Step* __restrict__ step) {
    __shared__ double part[8];
    if (step->n == 0) return;
    double sum = 0.0;
    for (int i = threadIdx.x; i < count; i += 256) sum += parts[i];
    sum = block_sum(sum, part);
    if (threadIdx.x == 0) {
        const double f = (double)norm / (sqrt(sum) + 1e-6);
        *factor = f > 1.0 ? 1.0f : (float)f;
    }
}
