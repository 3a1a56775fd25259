// What all kernels share: the step block, activations, updates, copies to
// shared memory, sums in a fixed order. See kernels.go for the promises.
#ifndef AEGIS_COMMON_CUH
#define AEGIS_COMMON_CUH

// StepSize in launch.go. n = 0 means: do nothing.
struct Step {
    int n;           // real rows of the batch
    int index;       // in the run
    int batch;       // B
    unsigned number; // since the start of training
};

// The values to go through: the real rows, or all of a buffer, which a step
// without rows leaves alone: nobody has written it.
__device__ __forceinline__ int extent(const Step* step, int width, int whole = 0) {
    return whole && step->n > 0 ? width : step->n * width;
}

enum Function { IDENTITY, RELU, LEAKY_RELU, TANH, SIGMOID, ELU, GELU, EXP };

// Φ(z), the distribution function of N(0,1).
__device__ __forceinline__ float normal(float z) { return 0.5f * erfcf(z * -0.70710678f); }

__device__ __forceinline__ float sigmoid(float z) { return 1.0f / (1.0f + expf(-z)); }

// f(z). Comparisons are such that a NaN comes through.
__device__ __forceinline__ float activated(int f, float z, float alpha) {
    switch (f) {
    case RELU: return z <= 0.0f ? 0.0f : z;
    case LEAKY_RELU: return z <= 0.0f ? alpha * z : z;
    case TANH: return tanhf(z);
    case SIGMOID: return sigmoid(z);
    case ELU: return z <= 0.0f ? alpha * expm1f(z) : z;
    case GELU:
        z = z < -15.0f ? -15.0f : z; // below, the result is 0
        return z * normal(z);
    case EXP: return expf(alpha * z);
    }
    return z;
}

// g·f'(·) from y = f(z), of GELU from z.
__device__ __forceinline__ float sloped(int f, float g, float y, float alpha) {
    switch (f) {
    case RELU: return y <= 0.0f ? 0.0f : g;
    case LEAKY_RELU: return y <= 0.0f ? alpha * g : g;
    case TANH: return g * (1.0f - y * y);
    case SIGMOID: return g * (y * (1.0f - y));
    case ELU: return y > 0.0f ? g : g * (y + alpha);
    case GELU:
        y = y < -15.0f ? -15.0f : y > 15.0f ? 15.0f : y; // beyond, the slope is 0 or 1
        return g * (normal(y) + y * (0.39894228f * expf(-0.5f * y * y)));
    case EXP: return g * (alpha * y);
    }
    return g;
}

enum UpdateKind { NO_UPDATE, ADAM, SGD, MOMENTUM, ADAM_DECAY, SGD_DECAY, MOMENTUM_DECAY, RMSPROP, RMSPROP_MOMENTUM };

// Update is an optimizer with the numbers of this step.
struct Update {
    int kind;
    float rate, epsilon;  // Adam's alpha, or lr, or what a momentum goes along by; Adam's or RMSprop's epsilon
    float b1, c1, b2, c2; // Adam: β₁, 1−β₁, β₂, 1−β₂; RMSprop: smoothing and 1 less it in b2, c2; momentum in b1, beside it in c1 what a step goes by the gradient
    float keep, decay;    // what is left of a parameter, and its part in the gradient
};

// Reads the numbers of the step, in the order of optim.Spec.Scalars.
__device__ __forceinline__ Update update_of(const Step* step, int kind, const float* scalars, int stride) {
    Update u = {kind, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
    if (kind == NO_UPDATE) return u;
    const float* s = scalars + (size_t)step->index * stride;
    u.rate = s[0];
    switch (kind) {
    case ADAM: u.epsilon = s[1], u.b1 = s[2], u.c1 = s[3], u.b2 = s[4], u.c2 = s[5]; break;
    case ADAM_DECAY: u.epsilon = s[1], u.keep = s[2], u.b1 = s[3], u.c1 = s[4], u.b2 = s[5], u.c2 = s[6], u.decay = s[7]; break;
    case SGD_DECAY: u.keep = s[1]; break;
    case MOMENTUM: u.b1 = s[1]; break;
    case MOMENTUM_DECAY: u.c1 = s[0], u.rate = s[1], u.b1 = s[2], u.decay = s[3]; break;
    case RMSPROP_MOMENTUM: u.b1 = s[5]; // and what follows
    case RMSPROP: u.epsilon = s[1], u.b2 = s[2], u.c2 = s[3], u.decay = s[4]; break;
    }
    return u;
}

// Target is where a gradient goes: Target in launch.go.
struct Target {
    float *grad, *w, *s0, *s1;
};

// Parameter is a value of a parameter and of its slots.
struct Parameter {
    float w, s0, s1;
};

__device__ __forceinline__ Parameter held(const Update& u, const Target& t, int i) {
    Parameter p = {0.0f, 0.0f, 0.0f};
    if (u.kind == NO_UPDATE) return p;
    p.w = t.w[i];
    if (u.kind != SGD && u.kind != SGD_DECAY) p.s0 = t.s0[i];
    if (u.kind == ADAM || u.kind == ADAM_DECAY || u.kind == RMSPROP_MOMENTUM) p.s1 = t.s1[i];
    return p;
}

// b·s + c·g², the mean of squares.
__device__ __forceinline__ float squares(float b, float s, float c, float g) {
    return __fadd_rn(__fmul_rn(b, s), __fmul_rn(__fmul_rn(c, g), g));
}

// x / (√v + epsilon).
__device__ __forceinline__ float rooted(float x, float v, float epsilon) {
    return __fdiv_rn(x, __fadd_rn(__fsqrt_rn(v), epsilon));
}

// Writes a gradient, or applies it as optim.Spec.Update does, to the same
// bits: nothing is fused.
__device__ __forceinline__ void apply(const Update& u, const Target& t, int i, float g, Parameter p) {
    const float d = u.kind >= ADAM_DECAY ? __fadd_rn(g, __fmul_rn(u.decay, p.w)) : g;
    switch (u.kind) {
    case ADAM:
    case ADAM_DECAY: {
        const float m = __fadd_rn(__fmul_rn(u.b1, p.s0), __fmul_rn(u.c1, d)), v = squares(u.b2, p.s1, u.c2, d);
        t.s0[i] = m;
        t.s1[i] = v;
        const float w = u.kind == ADAM ? p.w : __fmul_rn(u.keep, p.w);
        t.w[i] = __fsub_rn(w, rooted(__fmul_rn(u.rate, m), v, u.epsilon));
        break;
    }
    case SGD: t.w[i] = __fsub_rn(p.w, __fmul_rn(u.rate, g)); break;
    case SGD_DECAY: t.w[i] = __fsub_rn(__fmul_rn(u.keep, p.w), __fmul_rn(u.rate, g)); break;
    case MOMENTUM: {
        const float m = __fadd_rn(__fmul_rn(u.b1, p.s0), g);
        t.s0[i] = m;
        t.w[i] = __fsub_rn(p.w, __fmul_rn(u.rate, m));
        break;
    }
    case MOMENTUM_DECAY: {
        const float m = __fadd_rn(__fmul_rn(u.b1, p.s0), d);
        t.s0[i] = m;
        t.w[i] = __fsub_rn(p.w, __fadd_rn(__fmul_rn(u.c1, d), __fmul_rn(u.rate, m)));
        break;
    }
    case RMSPROP: {
        const float v = squares(u.b2, p.s0, u.c2, d);
        t.s0[i] = v;
        t.w[i] = __fsub_rn(p.w, rooted(__fmul_rn(u.rate, d), v, u.epsilon));
        break;
    }
    case RMSPROP_MOMENTUM: {
        const float v = squares(u.b2, p.s0, u.c2, d), m = __fadd_rn(__fmul_rn(u.b1, p.s1), rooted(d, v, u.epsilon));
        t.s0[i] = v;
        t.s1[i] = m;
        t.w[i] = __fsub_rn(p.w, __fmul_rn(u.rate, m));
        break;
    }
    default: t.grad[i] = g;
    }
}

// Copies of 4 or 16 bytes to shared memory that run while the block computes.
// Of the bytes the first valid ones are read and the rest becomes zero: the
// edges of a matrix need no other code.
__device__ __forceinline__ void copy4(float* shared, const float* global, bool valid) {
    unsigned to = (unsigned)__cvta_generic_to_shared(shared);
    int bytes = valid ? 4 : 0;
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" :: "r"(to), "l"(global), "r"(bytes) : "memory");
}

__device__ __forceinline__ void copy16(float* shared, const float* global, int valid) {
    unsigned to = (unsigned)__cvta_generic_to_shared(shared);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(to), "l"(global), "r"(4 * valid) : "memory");
}

// Ends a group of copies.
__device__ __forceinline__ void copies_end() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most N groups of this thread are under way.
template <int N>
__device__ __forceinline__ void copies_wait() { asm volatile("cp.async.wait_group %0;" :: "n"(N) : "memory"); }

// Four floats of shared memory at once. Written out, since NVRTC splits and
// joins loads of float4 differently from run to run, and the PTX is committed.
__device__ __forceinline__ float4 shared4(const float* shared) {
    unsigned from = (unsigned)__cvta_generic_to_shared(shared);
    float4 v;
    asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "r"(from));
    return v;
}

// Sum over a warp: a tree, the same in every lane.
__device__ __forceinline__ float warp_sum(float v) {
#pragma unroll
    for (int d = 16; d > 0; d >>= 1) v += __shfl_xor_sync(0xffffffffu, v, d);
    return v;
}

// Sum over a block of 256 threads, complete in thread 0: warps by a tree, then
// their sums in order. part is 8 floats of shared memory that nobody uses.
__device__ __forceinline__ float block_sum(float v, float* part) {
    v = warp_sum(v);
    if ((threadIdx.x & 31) == 0) part[threadIdx.x >> 5] = v;
    __syncthreads();
    if (threadIdx.x == 0) {
        v = part[0];
#pragma unroll
        for (int i = 1; i < 8; i++) v += part[i];
    }
    return v;
}

#endif
