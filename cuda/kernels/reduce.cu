// Sums by channel in a fixed order.
#include "common.cuh"

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
