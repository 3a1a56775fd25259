// Kernels with one error each. The comment BUG stands on the line that the
// simulator must name.

typedef unsigned int u32;

extern "C" __global__ void past_end(float* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i <= n) x[i] = 1.0f; // BUG
}

extern "C" __global__ void before_start(float* x, float* y) {
    y[threadIdx.x] = x[(int)threadIdx.x - 1]; // BUG
}

extern "C" __global__ void wild(float** x, float* y) {
    y[threadIdx.x] = *x[0]; // BUG
}

extern "C" __global__ void shared_past_end(float* y) {
    __shared__ float a[32];
    __shared__ float b[32];
    a[threadIdx.x] = 1.0f;
    b[threadIdx.x] = 2.0f;
    __syncthreads();
    y[threadIdx.x] = a[threadIdx.x + 1] + b[threadIdx.x]; // BUG
}

extern __shared__ float dynamic[];
extern "C" __global__ void dynamic_past_end(float* y) {
    dynamic[threadIdx.x + 1] = 1.0f; // BUG
    __syncthreads();
    y[threadIdx.x] = dynamic[threadIdx.x];
}

extern "C" __global__ void uninit_global(const float* x, float* y) {
    y[threadIdx.x] = x[threadIdx.x]; // BUG
}

extern "C" __global__ void uninit_shared(float* y) {
    __shared__ float s[64];
    s[threadIdx.x] = 1.0f;
    __syncthreads();
    y[threadIdx.x] = s[2 * threadIdx.x]; // BUG
}

extern "C" __global__ void uninit_local(float* y, int n) {
    float a[8];
    for (int i = 0; i < n; i++) a[i] = i;
    y[threadIdx.x] = a[threadIdx.x & 7]; // BUG
}

extern "C" __global__ void race_shared(float* y) {
    __shared__ float s[64];
    s[threadIdx.x] = 0.0f;
    __syncthreads();
    s[threadIdx.x] = threadIdx.x; // BUG
    y[threadIdx.x] = s[63 - threadIdx.x];
}

extern "C" __global__ void race_rewrite(float* y, int n) {
    __shared__ float s[64];
    float t = 0.0f;
    for (int i = 0; i < n; i++) {
        s[threadIdx.x] = threadIdx.x + i; // BUG
        __syncthreads();
        t += s[(threadIdx.x + 1) % 64];
    }
    y[threadIdx.x] = t;
}

extern "C" __global__ void race_warp(float* y) {
    __shared__ float s[32];
    s[threadIdx.x] = threadIdx.x;
    y[threadIdx.x] = s[threadIdx.x ^ 1]; // BUG
}

extern "C" __global__ void race_blocks(float* y) {
    y[threadIdx.x] = blockIdx.x; // BUG
}

extern "C" __global__ void race_read(float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float v = i + 1 < n ? y[i + 1] : 0.0f;
    y[i] = v; // BUG
}

extern "C" __global__ void race_sum(float* y) {
    *y += 1.0f; // BUG
}

extern "C" __global__ void cached_then_written(const float* __restrict__ x, float* __restrict__ y) {
    y[threadIdx.x] = x[threadIdx.x] + 1.0f; // BUG
}

extern "C" __global__ void written_then_cached(const float* __restrict__ x, float* y) {
    float v;
    y[threadIdx.x] = 1.0f;
    asm volatile("ld.global.nc.f32 %0, [%1];" : "=f"(v) : "l"(x + threadIdx.x)); // BUG
    y[threadIdx.x] = v;
}

extern "C" __global__ void misaligned(char* x) {
    *(float*)(x + 4 * threadIdx.x + 2) = 1.0f; // BUG
}

extern "C" __global__ void misaligned_vector(const float* x, float* y) {
    float4 v = *(const float4*)(x + 1); // BUG
    y[threadIdx.x] = v.x + v.y + v.z + v.w;
}

extern "C" __global__ void divergent_lanes(float* y) {
    __shared__ float s;
    if (threadIdx.x < 16) {
        s = 1.0f;
        asm volatile("bar.sync 0;"); // BUG
        y[threadIdx.x] = s;
    }
}

extern "C" __global__ void divergent_warps(float* y) {
    y[threadIdx.x] = 0.0f;
    if (threadIdx.x >= 32) return;
    __syncthreads(); // BUG
    y[threadIdx.x] = 1.0f;
}

extern "C" __global__ void shuffle_half(float* y) {
    float v = threadIdx.x;
    if (threadIdx.x < 16) v += __shfl_xor_sync(0xffffffffu, v, 1); // BUG
    y[threadIdx.x] = v;
}

extern "C" __global__ void async_no_wait(const float* x, float* y) {
    __shared__ float s[128];
    u32 d = (u32)__cvta_generic_to_shared(&s[4 * threadIdx.x]);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" :: "r"(d), "l"(x + 4 * threadIdx.x));
    asm volatile("cp.async.commit_group;");
    y[threadIdx.x] = s[4 * threadIdx.x]; // BUG
}

extern "C" __global__ void async_no_barrier(const float* x, float* y) {
    __shared__ float s[256];
    u32 d = (u32)__cvta_generic_to_shared(&s[4 * threadIdx.x]);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" :: "r"(d), "l"(x + 4 * threadIdx.x));
    asm volatile("cp.async.wait_all;" ::: "memory");
    y[threadIdx.x] = s[4 * threadIdx.x ^ 4]; // BUG
}

extern "C" __global__ void trap() {
    __trap(); // BUG
}

__constant__ float table[4] = {1, 2, 3, 4};
extern "C" __global__ void write_constant() {
    unsigned long long a;
    asm volatile("mov.u64 %0, %1;" : "=l"(a) : "l"(&table[threadIdx.x & 3]));
    *(float*)a = 0.0f; // BUG
}

extern "C" __global__ void endless(volatile u32* flag) {
    while (*flag == 0) {} // BUG
}
