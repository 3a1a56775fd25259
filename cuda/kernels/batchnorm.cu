// Batch norm of x (B,C,A): C channels of A positions.
#include "common.cuh"

#define EACH(i, n) for (int i = blockIdx.x * 256 + threadIdx.x, end = n; i < end; i += gridDim.x * 256)

// The i-th value of channel c.
__device__ __forceinline__ size_t place(int i, int c, int channels, int area) {
    return ((size_t)(i / area) * channels + c) * area + i % area;
}

__device__ __forceinline__ float inverse_deviation(float variance, float epsilon) {
    return 1.0f / sqrtf(variance + epsilon);
}

// m = mean, biased and unbiased variance of each channel over the real rows
// and over positions: a block for each channel, which goes through it twice.
extern "C" __global__ void __launch_bounds__(256) moments(const float* __restrict__ x, float* __restrict__ m,
        int channels, int area, const Step* __restrict__ step) {
    __shared__ float parts[8];
    __shared__ float shared;
    const int c = blockIdx.x, count = step->n * area;
    if (count == 0) return;
    float sum = 0.0f;
    for (int i = threadIdx.x; i < count; i += 256) sum += x[place(i, c, channels, area)];
    sum = block_sum(sum, parts);
    if (threadIdx.x == 0) shared = sum / (float)count;
    __syncthreads();
    const float mean = shared;
    float squares = 0.0f;
    for (int i = threadIdx.x; i < count; i += 256) {
        const float d = x[place(i, c, channels, area)] - mean;
        squares += d * d;
    }
    squares = block_sum(squares, parts);
    if (threadIdx.x > 0) return;
    m[c] = mean;
    m[channels + c] = squares / (float)count;
    m[2 * channels + c] = squares / (float)max(count - 1, 1);
}

// y = f(γ·(x − mean)/√(variance + ε) + β)
extern "C" __global__ void __launch_bounds__(256) batch_norm(const float* x, const float* mean, const float* variance,
        const float* gamma, const float* beta, float* y, int channels, int area, float epsilon, int kind, float alpha,
        const Step* __restrict__ step) {
    EACH(i, extent(step, channels * area)) {
        const int c = i / area % channels;
        y[i] = activated(kind, gamma[c] * ((x[i] - mean[c]) * inverse_deviation(variance[c], epsilon)) + beta[c], alpha);
    }
}

// dγ = Σ dy·x̂ and dβ = Σ dy: a block for each channel.
extern "C" __global__ void __launch_bounds__(256) batch_norm_sums(const float* dy, const float* x, const float* m,
        float* d_gamma, float* d_beta, int channels, int area, float epsilon, const Step* __restrict__ step) {
    __shared__ float parts[8], more[8];
    const int c = blockIdx.x, count = step->n * area;
    if (count == 0) return;
    const float mean = m[c], inverse = inverse_deviation(m[channels + c], epsilon);
    float by_gamma = 0.0f, by_beta = 0.0f;
    for (int i = threadIdx.x; i < count; i += 256) {
        const size_t at = place(i, c, channels, area);
        const float g = dy[at];
        by_gamma += g * ((x[at] - mean) * inverse);
        by_beta += g;
    }
    by_gamma = block_sum(by_gamma, parts);
    by_beta = block_sum(by_beta, more);
    if (threadIdx.x > 0) return;
    d_gamma[c] = by_gamma;
    d_beta[c] = by_beta;
}

// dx = γ/√(variance + ε)·(dy − dβ/N − x̂·dγ/N) with N values in a channel.
extern "C" __global__ void __launch_bounds__(256) batch_norm_dx(const float* dy, const float* x, const float* m,
        const float* gamma, const float* d_gamma, const float* d_beta, float* dx, int channels, int area, float epsilon,
        const Step* __restrict__ step) {
    const float count = (float)(step->n * area);
    EACH(i, extent(step, channels * area)) {
        const int c = i / area % channels;
        const float inverse = inverse_deviation(m[channels + c], epsilon), normal = (x[i] - m[c]) * inverse;
        dx[i] = gamma[c] * inverse * (dy[i] - (d_beta[c] + normal * d_gamma[c]) / count);
    }
}
