// What a batch reads beside rows of its set: random numbers, classes, numbers
// that change from step to step.
#include "common.cuh"

// y = scalars[index·stride]
extern "C" __global__ void __launch_bounds__(32) fetch(const float* scalars, float* y, int stride,
        const Step* __restrict__ step) {
    if (step->n > 0) *y = scalars[(size_t)step->index * stride];
}

// y[r,k] = 1 where k = classes[index·B+r], else 0.
extern "C" __global__ void __launch_bounds__(256) one_hot(const int* __restrict__ classes, float* __restrict__ y, int width,
        const Step* __restrict__ step) {
    const int* of = classes + (size_t)step->index * step->batch;
    for (int i = blockIdx.x * 256 + threadIdx.x; i < step->n * width; i += gridDim.x * 256)
        y[i] = of[i / width] == i % width ? 1.0f : 0.0f;
}

enum NoiseKind { UNIFORM, BERNOULLI, NORMAL };

// ln(k·2⁻²⁴) for 1 ≤ k ≤ 2²⁴: logarithm of data/philox, each operation rounded
// by itself as there.
__device__ __forceinline__ float logarithm(unsigned k) {
    const unsigned bits = __float_as_uint((float)k), half = 0x3F3504F3u; // of √½
    const int e = (int)(bits - half) >> 23;
    const float m = __uint_as_float(bits - ((unsigned)e << 23));
    const float s = __fdiv_rn(__fsub_rn(m, 1.0f), __fadd_rn(m, 1.0f));
    const float q = __fmul_rn(s, s);
    float p = __fmul_rn(q, 1.0f / 9.0f);
    p = __fmul_rn(q, __fadd_rn(1.0f / 7.0f, p));
    p = __fmul_rn(q, __fadd_rn(1.0f / 5.0f, p));
    p = __fmul_rn(q, __fadd_rn(1.0f / 3.0f, p));
    const float s2 = __fadd_rn(s, s), series = __fadd_rn(s2, __fmul_rn(s2, p)), n = (float)(e - 24);
    return __fadd_rn(__fmul_rn(n, 0.693145751953125f), __fadd_rn(series, __fmul_rn(n, 1.4286068203094172321e-6f)));
}

// Sine and cosine of 2π·k·2⁻²⁴ for k below 2²⁴: circle of data/philox.
__device__ __forceinline__ void circle(unsigned k, float* sine, float* cosine) {
    const unsigned quarter = 1u << 22;
    k += quarter / 2;
    const unsigned turn = k / quarter % 4;
    const float x = __fmul_rn((float)((int)(k % quarter) - (int)(quarter / 2)), 1.57079632679489661923f / 4194304.0f);
    const float q = __fmul_rn(x, x);
    float s = __fmul_rn(q, 1.0f / 362880.0f);
    s = __fmul_rn(q, __fadd_rn(-1.0f / 5040.0f, s));
    s = __fmul_rn(q, __fadd_rn(1.0f / 120.0f, s));
    s = __fmul_rn(q, __fadd_rn(-1.0f / 6.0f, s));
    s = __fadd_rn(x, __fmul_rn(x, s));
    float c = __fmul_rn(q, -1.0f / 3628800.0f);
    c = __fmul_rn(q, __fadd_rn(1.0f / 40320.0f, c));
    c = __fmul_rn(q, __fadd_rn(-1.0f / 720.0f, c));
    c = __fmul_rn(q, __fadd_rn(1.0f / 24.0f, c));
    c = __fmul_rn(q, __fadd_rn(-0.5f, c));
    c = __fadd_rn(1.0f, c);
    *sine = turn == 0 ? s : turn == 1 ? c : turn == 2 ? -s : -c;
    *cosine = turn == 0 ? c : turn == 1 ? -s : turn == 2 ? -c : s;
}

// Two normal numbers of two times 24 bits, by Box and Muller.
__device__ __forceinline__ void normals(unsigned a, unsigned b, float* first, float* second) {
    const float r = __fsqrt_rn(__fmul_rn(-2.0f, logarithm(a + 1)));
    float sine, cosine;
    circle(b, &sine, &cosine);
    *first = __fmul_rn(r, cosine);
    *second = __fmul_rn(r, sine);
}

// The words of a counter, Philox4x32-10 of data/philox: (index/4, row, step,
// purpose) under a key. They belong to the step's number and to the place r in
// its batch, or by_row to step 0 and to a row: that of rows, or where there are
// none first and those behind it.
__device__ __forceinline__ void philox(unsigned c[4], unsigned quad, int r, const int* __restrict__ rows, int by_row, int first,
        unsigned k0, unsigned k1, unsigned purpose, const Step* __restrict__ step) {
    c[0] = quad;
    c[1] = (unsigned)(rows ? rows[(size_t)step->index * step->batch + r] : first + r);
    c[2] = by_row ? 0u : step->number;
    c[3] = purpose;
#pragma unroll
    for (int round = 0; round < 10; round++) {
        const unsigned h0 = __umulhi(0xD2511F53u, c[0]), l0 = 0xD2511F53u * c[0];
        const unsigned h1 = __umulhi(0xCD9E8D57u, c[2]), l1 = 0xCD9E8D57u * c[2];
        c[0] = h1 ^ c[1] ^ k0, c[1] = l1, c[2] = h0 ^ c[3] ^ k1, c[3] = l0;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
}

// y = x·factor where Bernoulli noise is 1, else x·0. A thread makes four numbers
// of a row.
extern "C" __global__ void __launch_bounds__(256) drop(const float* __restrict__ x, float* __restrict__ y,
        const int* __restrict__ rows, int width, float factor, unsigned below, int by_row, int first, unsigned seed0,
        unsigned seed1, unsigned purpose, const Step* __restrict__ step) {
    const int quads = (width + 3) / 4;
    for (int i = blockIdx.x * 256 + threadIdx.x; i < step->n * quads; i += gridDim.x * 256) {
        const int r = i / quads, q = i % quads;
        unsigned c[4];
        philox(c, (unsigned)q, r, rows, by_row, first, seed0, seed1, purpose, step);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const size_t at = (size_t)r * width + q * 4 + j;
            if (q * 4 + j < width) y[at] = x[at] * (c[j] >> 8 < below ? factor : 0.0f);
        }
    }
}

// Random numbers. A thread makes four of a row.
extern "C" __global__ void __launch_bounds__(256) noise(float* __restrict__ y, const int* __restrict__ rows, int width,
        int kind, unsigned below, int by_row, int first, unsigned seed0, unsigned seed1, unsigned purpose,
        const Step* __restrict__ step) {
    const int quads = (width + 3) / 4;
    for (int i = blockIdx.x * 256 + threadIdx.x; i < step->n * quads; i += gridDim.x * 256) {
        const int r = i / quads, q = i % quads;
        unsigned c[4];
        philox(c, (unsigned)q, r, rows, by_row, first, seed0, seed1, purpose, step);
        float v[4];
        if (kind == NORMAL) {
            normals(c[0] >> 8, c[1] >> 8, &v[0], &v[1]);
            normals(c[2] >> 8, c[3] >> 8, &v[2], &v[3]);
        } else {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const unsigned w = c[j] >> 8;
                v[j] = kind == BERNOULLI ? (w < below ? 1.0f : 0.0f) : (float)w * (1.0f / 16777216.0f);
            }
        }
#pragma unroll
        for (int j = 0; j < 4; j++)
            if (q * 4 + j < width) y[(size_t)r * width + q * 4 + j] = v[j];
    }
}

// z = a draw of one of some Gaussians whose centres lie on a circle, out of
// normal and uniform noise: see model/op/mixture.go. A thread makes a row.
extern "C" __global__ void __launch_bounds__(256) mixture(const float* normal, const float* uniform, float* z, float radius,
        float deviation, float cosine, float sine, int components, const Step* __restrict__ step) {
    for (int i = blockIdx.x * 256 + threadIdx.x; i < step->n; i += gridDim.x * 256) {
        const int k = min((int)__fmul_rn(uniform[i], (float)components), components - 1);
        float x = radius, y = 0.0f;
        for (int turn = 0; turn < k; turn++) {
            const float right = x;
            x = __fadd_rn(__fmul_rn(right, cosine), -__fmul_rn(y, sine));
            y = __fadd_rn(__fmul_rn(right, sine), __fmul_rn(y, cosine));
        }
        z[2 * i] = __fadd_rn(x, __fmul_rn(deviation, normal[2 * i]));
        z[2 * i + 1] = __fadd_rn(y, __fmul_rn(deviation, normal[2 * i + 1]));
    }
}
