// Updates of parameters. Both kernels are bound by memory: Adam reads 16 and
// writes 12 bytes a value.
#include "common.cuh"
#include "clip.cuh"

// w, slots ← g, n values, each within ±limit and then times factor where there
// is one.
extern "C" __global__ void __launch_bounds__(256) update(float* g, float* w, float* s0, float* s1, int n, const Step* step,
        float limit, const float* factor, int kind, const float* scalars, int stride) {
    if (step->n == 0) return;
    const Update u = update_of(step, kind, scalars, stride);
    const Target t = {0, w, s0, s1};
    const float by = factor ? *factor : 1.0f;
    for (int i = blockIdx.x * 256 + threadIdx.x; i < n; i += gridDim.x * 256)
        apply(u, t, i, __fmul_rn(bounded(g[i], limit), by), held(u, t, i));
}

// The gradients of weights and biases as sums of parts, in their order: part p
// has its weights and then its biases from p·stride on. A thread has one
// value; it starts eight loads at once.
extern "C" __global__ void __launch_bounds__(256) partials_update(const float* __restrict__ partials, int parts,
        int stride, int weights, int biases, const Step* __restrict__ step, float* dw, float* w, float* w0, float* w1,
        float* db, float* b, float* bs0, float* bs1, int kind, const float* scalars, int scalar_stride) {
    const int i = blockIdx.x * 256 + threadIdx.x;
    if (step->n == 0 || i >= weights + biases) return;
    const Update u = update_of(step, kind, scalars, scalar_stride);
    const Target tw = {dw, w, w0, w1}, tb = {db, b, bs0, bs1};
    const Parameter p = i < weights ? held(u, tw, i) : held(u, tb, i - weights);
    float sum = 0.0f;
#pragma unroll 8
    for (int k = 0; k < parts; k++) sum += partials[(size_t)k * stride + i];
    if (i < weights) apply(u, tw, i, sum, p);
    else apply(u, tb, i - weights, sum, p);
}
