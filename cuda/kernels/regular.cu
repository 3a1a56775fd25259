// What corrupts rows, keeps codes sparse and weights small.
#include "common.cuh"

#define EACH(i, n) for (int i = blockIdx.x * 256 + threadIdx.x, end = n; i < end; i += gridDim.x * 256)

// y = x within [lo, hi]; a NaN comes through.
extern "C" __global__ void __launch_bounds__(256) clamp(const float* x, float* y, float lo, float hi, int width,
        const Step* __restrict__ step) {
    EACH(i, extent(step, width)) y[i] = x[i] < lo ? lo : x[i] > hi ? hi : x[i];
}

// dx = dy where x is within [lo, hi].
extern "C" __global__ void __launch_bounds__(256) clamp_grad(const float* dy, const float* x, float* dx, float lo, float hi,
        int width, const Step* __restrict__ step) {
    EACH(i, extent(step, width)) dx[i] = x[i] < lo || x[i] > hi ? 0.0f : dy[i];
}

// Whether b comes before a: it is larger, or equal and stands first. A NaN is
// larger than any number.
__device__ __forceinline__ bool before(float b, int at_b, float a, int at_a) {
    const bool nan_a = a != a, nan_b = b != b;
    if (nan_a || nan_b) return nan_b && (!nan_a || at_b < at_a);
    return b > a || b == a && at_b < at_a;
}

// y = from where x is among the k largest of its row, else 0: each thread
// counts what comes before its value.
extern "C" __global__ void __launch_bounds__(256) top_k(const float* from, const float* x, float* y, int k, int width,
        const Step* __restrict__ step) {
    EACH(i, extent(step, width)) {
        const int row = i / width * width, at = i - row;
        const float v = x[i];
        int rank = 0;
        for (int j = 0; j < width; j++) rank += before(x[row + j], j, v, at);
        y[i] = rank < k ? from[i] : 0.0f;
    }
}

// dx[r,c,·] = g[c]/(n·area)
extern "C" __global__ void __launch_bounds__(256) channel_mean_grad(const float* g, float* dx, int channels, int area,
        const Step* __restrict__ step) {
    const float count = (float)(step->n * area);
    EACH(i, extent(step, channels * area)) dx[i] = g[i / area % channels] / count;
}

__device__ __forceinline__ float within(float mean) { return mean < 1e-6f ? 1e-6f : mean > 0.999999f ? 0.999999f : mean; }

// value = Σ ρ·ln(ρ/m) + (1−ρ)·ln((1−ρ)/(1−m)): one block.
extern "C" __global__ void __launch_bounds__(256) rate_kl(const float* means, float* value, float rate, int width,
        const Step* __restrict__ step) {
    __shared__ float parts[8];
    if (step->n == 0) return;
    float sum = 0.0f;
    for (int i = threadIdx.x; i < width; i += 256) {
        const float m = within(means[i]);
        sum += rate * logf(rate / m) + (1.0f - rate) * logf((1.0f - rate) / (1.0f - m));
    }
    sum = block_sum(sum, parts);
    if (threadIdx.x == 0) *value = sum;
}

// dm = factor·((1−ρ)/(1−m) − ρ/m), where there is a scalar also times that.
extern "C" __global__ void __launch_bounds__(256) rate_kl_grad(const float* means, const float* scalar, float* dm,
        float rate, float factor, int width, const Step* __restrict__ step) {
    if (step->n == 0) return;
    if (scalar) factor *= *scalar;
    EACH(i, width) {
        const float m = within(means[i]);
        dm[i] = factor * ((1.0f - rate) / (1.0f - m) - rate / m);
    }
}

// out = g + l1·sign(w) + l2·w
extern "C" __global__ void __launch_bounds__(256) decay(const float* g, const float* w, float* out, float l1, float l2,
        int width, const Step* __restrict__ step) {
    if (step->n == 0) return;
    EACH(i, width) out[i] = g[i] + l2 * w[i] + (w[i] > 0.0f ? l1 : w[i] < 0.0f ? -l1 : 0.0f);
}
