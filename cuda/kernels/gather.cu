// What starts a step: its number and rows, the batch.
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
