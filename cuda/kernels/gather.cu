// What starts a step: its number and rows, the batch, random numbers.
#include "common.cuh"

// RunSize in launch.go.
struct Run {
    unsigned next, rows, batch, first;
};

// Fills count step blocks and moves the run on. One block of threads.
extern "C" __global__ void __launch_bounds__(256) advance(Run* run, Step* steps, int count) {
    const Run r = *run;
    __syncthreads(); // all have read it
    for (int i = threadIdx.x; i < count; i += 256) {
        const unsigned index = r.next + i;
        const long long left = (long long)r.rows - (long long)index * r.batch;
        Step s = {(int)(left < 0 ? 0 : left < r.batch ? left : r.batch), (int)index, (int)r.batch, r.first + index};
        steps[i] = s;
    }
    if (threadIdx.x == 0) run->next = r.next + count;
}

// y[r,p] = set[rows[index·B+r], p]·factor + offset, two roundings. Blocks in y
// take rows, a thread four bytes of one: 4 bytes read and 16 written at once
// where the width is a multiple of 4.
extern "C" __global__ void __launch_bounds__(256) gather_rows(const unsigned char* __restrict__ set,
        const int* __restrict__ rows, float* __restrict__ y, int width, float factor, float offset,
        const Step* __restrict__ step) {
    const int p = (blockIdx.x * 256 + threadIdx.x) * 4;
    const bool wide = (width & 3) == 0 && ((size_t)set & 3) == 0 && ((size_t)y & 15) == 0;
    if (p >= width) return;
    for (int r = blockIdx.y; r < step->n; r += gridDim.y) {
        const unsigned char* from = set + (size_t)rows[(size_t)step->index * step->batch + r] * width + p;
        float* to = y + (size_t)r * width + p;
        if (wide) {
            const uchar4 b = *(const uchar4*)from;
            float4 v;
            v.x = __fadd_rn(__fmul_rn((float)b.x, factor), offset);
            v.y = __fadd_rn(__fmul_rn((float)b.y, factor), offset);
            v.z = __fadd_rn(__fmul_rn((float)b.z, factor), offset);
            v.w = __fadd_rn(__fmul_rn((float)b.w, factor), offset);
            *(float4*)to = v;
        } else {
            for (int i = 0; i < min(4, width - p); i++) to[i] = __fadd_rn(__fmul_rn((float)from[i], factor), offset);
        }
    }
}

// y[r,p] = (set[rows[index·B+r], p] − shift[p])·factor[p], two roundings, of
// floats or of bytes. Blocks in y take rows, a thread a value of one.
extern "C" __global__ void __launch_bounds__(256) gather_scaled(const void* __restrict__ set,
        const int* __restrict__ rows, float* __restrict__ y, const float* __restrict__ shift,
        const float* __restrict__ factor, int width, int floats, const Step* __restrict__ step) {
    const int p = blockIdx.x * 256 + threadIdx.x;
    if (p >= width) return;
    for (int r = blockIdx.y; r < step->n; r += gridDim.y) {
        const size_t at = (size_t)rows[(size_t)step->index * step->batch + r] * width + p;
        const float v = floats ? ((const float*)set)[at] : (float)((const unsigned char*)set)[at];
        y[(size_t)r * width + p] = __fmul_rn(__fsub_rn(v, shift[p]), factor[p]);
    }
}

// Philox4x32-10 as data/philox has it: the words of counter (index/4, row,
// step, purpose) under a key, as multiples of 2^-24 in [0,1). A thread makes
// four numbers of a row.
extern "C" __global__ void __launch_bounds__(256) uniform(float* __restrict__ y, const int* __restrict__ rows, int width,
        unsigned seed0, unsigned seed1, unsigned purpose, const Step* __restrict__ step) {
    const int quads = (width + 3) / 4;
    for (int i = blockIdx.x * 256 + threadIdx.x; i < step->n * quads; i += gridDim.x * 256) {
        const int r = i / quads, q = i % quads;
        unsigned k0 = seed0, k1 = seed1;
        unsigned c[4] = {(unsigned)q, rows ? (unsigned)rows[(size_t)step->index * step->batch + r] : (unsigned)r,
            step->number, purpose};
#pragma unroll
        for (int round = 0; round < 10; round++) {
            const unsigned h0 = __umulhi(0xD2511F53u, c[0]), l0 = 0xD2511F53u * c[0];
            const unsigned h1 = __umulhi(0xCD9E8D57u, c[2]), l1 = 0xCD9E8D57u * c[2];
            c[0] = h1 ^ c[1] ^ k0, c[1] = l1, c[2] = h0 ^ c[3] ^ k1, c[3] = l0;
            k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
        }
#pragma unroll
        for (int j = 0; j < 4; j++)
            if (q * 4 + j < width) y[(size_t)r * width + q * 4 + j] = (float)(c[j] >> 8) * (1.0f / 16777216.0f);
    }
}
