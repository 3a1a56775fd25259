// What variational networks have beside others: divergences of codes, a learned
// deviation, columns side by side. See model/op: kl.go, gaussian.go, concat.go.
#include "common.cuh"

#define EACH(i, n) for (int i = blockIdx.x * 256 + threadIdx.x, end = n; i < end; i += gridDim.x * 256)

// dx = x'·factor/n, or with means a gradient for each column also times that;
// x' is x, or for the logarithm of a variance ½·(e^x − 1).
extern "C" __global__ void __launch_bounds__(256) kl_grad(const float* x, const float* means, const float* scalar,
        float* dx, int width, int logvar, float factor, const Step* __restrict__ step) {
    if (step->n == 0) return;
    if (scalar) factor *= *scalar;
    factor = __fdiv_rn(factor, (float)step->n);
    EACH(i, step->n * width) {
        const float v = logvar ? 0.5f * expm1f(x[i]) : x[i];
        dx[i] = means ? v * (factor * means[i % width]) : v * factor;
    }
}

// means[c] of ½·(mu² + e^logvar − 1 − logvar) over the rows: a block for each column.
extern "C" __global__ void __launch_bounds__(256) kl_means(const float* mu, const float* logvar, float* means, int width,
        const Step* __restrict__ step) {
    __shared__ float parts[8];
    const int c = blockIdx.x;
    if (step->n == 0) return;
    float sum = 0.0f;
    for (int r = threadIdx.x; r < step->n; r += 256) {
        const float m = mu[(size_t)r * width + c], v = logvar[(size_t)r * width + c];
        sum += 0.5f * (m * m + (expm1f(v) - v));
    }
    sum = block_sum(sum, parts);
    if (threadIdx.x == 0) means[c] = __fdiv_rn(sum, (float)step->n);
}

// s = Σ max(floor, x): one block.
extern "C" __global__ void __launch_bounds__(256) free_bits(const float* x, float* s, float floor, int width,
        const Step* __restrict__ step) {
    __shared__ float parts[8];
    if (step->n == 0) return;
    float v = 0.0f;
    for (int i = threadIdx.x; i < width; i += 256) v += x[i] <= floor ? floor : x[i];
    v = block_sum(v, parts);
    if (threadIdx.x == 0) *s = v;
}

// dx = factor where x is above floor, else 0.
extern "C" __global__ void __launch_bounds__(256) free_bits_grad(const float* x, const float* scalar, float* dx,
        float floor, float factor, int width, const Step* __restrict__ step) {
    if (step->n == 0) return;
    if (scalar) factor *= *scalar;
    EACH(i, width) dx[i] = x[i] <= floor ? 0.0f : factor;
}

enum Likelihood { VALUE, PRECISION, GRADIENT };

// A normal likelihood whose deviation is learned, from the sum of squares: its
// value, what it weighs squares by, and factor times the gradient by log σ.
extern "C" __global__ void __launch_bounds__(32) gaussian(const float* square, const float* logsigma, const float* scalar,
        float* out, int kind, float values, float factor, const Step* __restrict__ step) {
    if (step->n == 0 || threadIdx.x > 0) return;
    const float s = *logsigma, precision = 0.5f * expf(-2.0f * s);
    if (kind == PRECISION) {
        *out = precision;
    } else if (kind == VALUE) {
        *out = precision * *square + values * (s + 0.91893853f);
    } else {
        if (scalar) factor *= *scalar;
        *out = factor * (values - 2.0f * precision * *square);
    }
}

// c = (a, b): na columns of a, then nb of b.
extern "C" __global__ void __launch_bounds__(256) concat(const float* a, const float* b, float* c, int na, int nb,
        const Step* __restrict__ step) {
    EACH(i, step->n * (na + nb)) {
        const int r = i / (na + nb), at = i % (na + nb);
        c[i] = at < na ? a[r * na + at] : b[r * nb + at - na];
    }
}

// y = columns first to first+count−1 of x.
extern "C" __global__ void __launch_bounds__(256) columns(const float* x, float* y, int width, int first, int count,
        const Step* __restrict__ step) {
    EACH(i, step->n * count) y[i] = x[i / count * width + first + i % count];
}
