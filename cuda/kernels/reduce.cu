// Sums in a fixed order.
#include "common.cuh"

// s[r] = Σ x[r,p] over p: a warp for each row, a lane every 32nd value.
extern "C" __global__ void __launch_bounds__(256) row_sums(const float* __restrict__ x, float* __restrict__ s, int width,
        const Step* __restrict__ step) {
    const int lane = threadIdx.x & 31;
    for (int r = blockIdx.x * 8 + (threadIdx.x >> 5); r < step->n; r += gridDim.x * 8) {
        float sum = 0.0f;
        for (int p = lane; p < width; p += 32) sum += x[(size_t)r * width + p];
        sum = warp_sum(sum);
        if (lane == 0) s[r] = sum;
    }
}

// s[p] = Σ x[r,p] over rows: a block for 32 columns, a warp every eighth row,
// then the warps' sums in order.
extern "C" __global__ void __launch_bounds__(256) column_sums(const float* __restrict__ x, float* __restrict__ s,
        int width, const Step* __restrict__ step) {
    __shared__ float parts[8][32];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, p = blockIdx.x * 32 + lane;
    if (step->n == 0) return;
    float sum = 0.0f;
    if (p < width)
        for (int r = warp; r < step->n; r += 8) sum += x[(size_t)r * width + p];
    parts[warp][lane] = sum;
    __syncthreads();
    if (warp > 0 || p >= width) return;
#pragma unroll
    for (int i = 1; i < 8; i++) sum += parts[i][lane];
    s[p] = sum;
}

// Parts of Σ x[r,c,·] over rows and area: block (c, z) has part rows from
// z·part on, and writes s[z·channels + c].
extern "C" __global__ void __launch_bounds__(256) channel_sums(const float* __restrict__ x, float* __restrict__ s,
        int channels, int area, int part, const Step* __restrict__ step) {
    __shared__ float parts[8];
    const int c = blockIdx.x, from = blockIdx.y * part, count = max(min(part, step->n - from), 0);
    if (step->n == 0) return;
    float sum = 0.0f;
    for (int i = threadIdx.x; i < count * area; i += 256)
        sum += x[((size_t)(from + i / area) * channels + c) * area + i % area];
    sum = block_sum(sum, parts);
    if (threadIdx.x == 0) s[blockIdx.y * channels + c] = sum;
}

// mean[c] of x[r,c,·] over rows and area: a block for each channel.
extern "C" __global__ void __launch_bounds__(256) channel_mean(const float* __restrict__ x, float* __restrict__ mean,
        int channels, int area, const Step* __restrict__ step) {
    __shared__ float parts[8];
    const int c = blockIdx.x, count = step->n * area;
    if (count == 0) return;
    float sum = 0.0f;
    for (int i = threadIdx.x; i < count; i += 256) sum += x[((size_t)(i / area) * channels + c) * area + i % area];
    sum = block_sum(sum, parts);
    if (threadIdx.x == 0) mean[c] = __fdiv_rn(sum, (float)count);
}

// s = factor·Σ x: one block.
extern "C" __global__ void __launch_bounds__(256) sum(const float* __restrict__ x, float* __restrict__ s, float factor,
        int width, int whole, const Step* __restrict__ step) {
    __shared__ float parts[8];
    const int n = extent(step, width, whole);
    if (n == 0) return;
    float v = 0.0f;
    for (int i = threadIdx.x; i < n; i += 256) v += x[i];
    v = block_sum(v, parts);
    if (threadIdx.x == 0) *s = factor * v;
}
