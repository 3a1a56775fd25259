// Correct kernels whose results the tests know.

typedef unsigned int u32;
typedef unsigned long long u64;

// C (M,N) = A (M,K) . B (K,N), a 64x64 tile a block of 256 threads, 4x4 a
// thread, two buffers of shared memory so that one barrier a tile is enough.
extern "C" __global__ void __launch_bounds__(256) gemm(const float* __restrict__ A, const float* __restrict__ B,
        float* __restrict__ C, int M, int N, int K) {
    __shared__ float As[2][16][64], Bs[2][16][64];
    const int t = threadIdx.x, tx = t % 16, ty = t / 16;
    const int row0 = blockIdx.y * 64, col0 = blockIdx.x * 64;
    float acc[4][4] = {};
    int buf = 0;
    for (int k0 = 0; k0 < K; k0 += 16, buf ^= 1) {
        for (int i = t; i < 1024; i += 256) {
            int r = i / 16, k = i % 16;
            As[buf][k][r] = (row0 + r < M && k0 + k < K) ? A[(row0 + r) * K + k0 + k] : 0.0f;
            int kk = i / 64, c = i % 64;
            Bs[buf][kk][c] = (col0 + c < N && k0 + kk < K) ? B[(k0 + kk) * N + col0 + c] : 0.0f;
        }
        __syncthreads();
        #pragma unroll
        for (int k = 0; k < 16; k++) {
            float4 a = *(const float4*)&As[buf][k][ty * 4], b = *(const float4*)&Bs[buf][k][tx * 4];
            float av[4] = {a.x, a.y, a.z, a.w}, bv[4] = {b.x, b.y, b.z, b.w};
            #pragma unroll
            for (int i = 0; i < 4; i++)
                #pragma unroll
                for (int j = 0; j < 4; j++) acc[i][j] += av[i] * bv[j];
        }
    }
    for (int i = 0; i < 4; i++) for (int j = 0; j < 4; j++) {
        int r = row0 + ty * 4 + i, c = col0 + tx * 4 + j;
        if (r < M && c < N) C[r * N + c] = acc[i][j];
    }
}

// out[block] = sum of the block's share of x, by warp shuffles.
extern "C" __global__ void reduce(const float* __restrict__ x, float* __restrict__ out, int n) {
    __shared__ float part[32];
    float s = 0.0f;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) s += x[i];
    for (int d = 16; d > 0; d >>= 1) s += __shfl_xor_sync(0xffffffffu, s, d);
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    if (lane == 0) part[warp] = s;
    __syncthreads();
    if (warp == 0) {
        s = lane < (int)(blockDim.x >> 5) ? part[lane] : 0.0f;
        for (int d = 16; d > 0; d >>= 1) s += __shfl_down_sync(0xffffffffu, s, d);
        if (lane == 0) out[blockIdx.x] = s;
    }
}

// The block's sum of x by halves in dynamic shared memory.
extern __shared__ float dynamic[];
extern "C" __global__ void tree(const float* __restrict__ x, float* __restrict__ out) {
    dynamic[threadIdx.x] = x[blockIdx.x * blockDim.x + threadIdx.x];
    for (u32 n = blockDim.x / 2; n > 0; n /= 2) {
        __syncthreads();
        if (threadIdx.x < n) dynamic[threadIdx.x] += dynamic[threadIdx.x + n];
    }
    if (threadIdx.x == 0) out[blockIdx.x] = dynamic[0];
}

// A value passed between lanes of a warp through shared memory.
extern "C" __global__ void warpswap(const float* x, float* out) {
    __shared__ float s[32];
    s[threadIdx.x] = x[threadIdx.x];
    __syncwarp();
    float v = s[31 - threadIdx.x];
    __syncwarp();
    s[threadIdx.x] = v + 1.0f;
    __syncwarp();
    out[threadIdx.x] = s[threadIdx.x ^ 1];
}

// Philox4x32-10 with counter (i,0,0,0).
extern "C" __global__ void philox(u32* __restrict__ out, int n, u64 seed) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if ((int)i >= n) return;
    u32 c0 = i, c1 = 0, c2 = 0, c3 = 0, k0 = (u32)seed, k1 = (u32)(seed >> 32);
    for (int r = 0; r < 10; r++) {
        u32 h0 = __umulhi(0xD2511F53u, c0), l0 = 0xD2511F53u * c0;
        u32 h1 = __umulhi(0xCD9E8D57u, c2), l1 = 0xCD9E8D57u * c2;
        c0 = h1 ^ c1 ^ k0; c1 = l1; c2 = h0 ^ c3 ^ k1; c3 = l0;
        k0 += 0x9E3779B9u; k1 += 0xBB67AE85u;
    }
    ((uint4*)out)[i] = make_uint4(c0, c1, c2, c3);
}

// Atomics on global and shared memory.
extern "C" __global__ void atomics(int* count, float* sum, u32* maxi, u64* big, const float* x, int n) {
    __shared__ int local;
    if (threadIdx.x == 0) local = 0;
    __syncthreads();
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        atomicAdd(&local, 1);
        atomicAdd(sum, x[i]);
        atomicMax(maxi, (u32)i);
        atomicCAS(big, (u64)i, (u64)(i + 1));
    }
    __syncthreads();
    if (threadIdx.x == 0) atomicAdd(count, local);
}

// The last block to arrive adds the partial sums of all, in order.
extern "C" __global__ void lastblock(const float* x, volatile float* part, u32* ticket, float* out) {
    __shared__ bool last;
    float s = x[blockIdx.x * blockDim.x + threadIdx.x];
    for (int d = 16; d > 0; d >>= 1) s += __shfl_xor_sync(0xffffffffu, s, d);
    if (threadIdx.x == 0) {
        part[blockIdx.x] = s;
        __threadfence();
        last = atomicInc(ticket, gridDim.x - 1) == gridDim.x - 1;
    }
    __syncthreads();
    if (last && threadIdx.x == 0) {
        float t = 0.0f;
        for (u32 b = 0; b < gridDim.x; b++) t += part[b];
        *out = t;
    }
}

__device__ __forceinline__ void copy16(void* dst, const void* src) {
    u32 d = (u32)__cvta_generic_to_shared(dst);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" :: "r"(d), "l"(src));
}

// out[i] = in[i] + in[j], j mirrored in the tile of 512, through cp.async with
// two stages of 512 floats.
extern "C" __global__ void async(const float* __restrict__ in, float* __restrict__ out, int tiles) {
    __shared__ float buf[2][512];
    const int t = threadIdx.x;
    copy16(&buf[0][4 * t], in + 4 * t);
    asm volatile("cp.async.commit_group;");
    for (int i = 0; i < tiles; i++) {
        if (i + 1 < tiles) copy16(&buf[(i + 1) & 1][4 * t], in + (i + 1) * 512 + 4 * t);
        asm volatile("cp.async.commit_group;");
        asm volatile("cp.async.wait_group 1;");
        __syncthreads();
        for (int j = t; j < 512; j += 128) out[i * 512 + j] = buf[i & 1][j] + buf[i & 1][511 - j];
        __syncthreads();
    }
}

__device__ __forceinline__ u32 tf32(float x) {
    u32 r;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(x));
    return r;
}

// C (16,8) = A (16,8) . B (8,8), one warp.
extern "C" __global__ void mmatf32(const float* A, const float* B, float* C) {
    const int lane = threadIdx.x, g = lane >> 2, q = lane & 3;
    float d[4] = {0, 0, 0, 0};
    u32 a[4] = {tf32(A[g * 8 + q]), tf32(A[(g + 8) * 8 + q]), tf32(A[g * 8 + q + 4]), tf32(A[(g + 8) * 8 + q + 4])};
    u32 b[2] = {tf32(B[q * 8 + g]), tf32(B[(q + 4) * 8 + g])};
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    C[g * 8 + 2 * q] = d[0]; C[g * 8 + 2 * q + 1] = d[1];
    C[(g + 8) * 8 + 2 * q] = d[2]; C[(g + 8) * 8 + 2 * q + 1] = d[3];
}

__device__ __forceinline__ u32 bf16x2(float lo, float hi) {
    u32 r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(hi), "f"(lo));
    return r;
}

// C (16,8) = A (16,16) . B (16,8) in bf16, with A's fragments by ldmatrix.
extern "C" __global__ void mmabf16(const float* A, const float* B, float* C) {
    __shared__ u32 s[16][8]; // A as pairs
    const int lane = threadIdx.x, g = lane >> 2, q = lane & 3;
    for (int i = lane; i < 128; i += 32) s[i / 8][i % 8] = bf16x2(A[2 * i], A[2 * i + 1]);
    __syncwarp();
    float d[4] = {0, 0, 0, 0};
    u32 a[4], b[2];
    u32 at = (u32)__cvta_generic_to_shared(&s[lane % 16][lane / 16 * 4]);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(a[0]), "=r"(a[1]), "=r"(a[2]), "=r"(a[3]) : "r"(at));
    for (int i = 0; i < 2; i++) b[i] = bf16x2(B[(2 * q + 8 * i) * 8 + g], B[(2 * q + 1 + 8 * i) * 8 + g]);
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    C[g * 8 + 2 * q] = d[0]; C[g * 8 + 2 * q + 1] = d[1];
    C[(g + 8) * 8 + 2 * q] = d[2]; C[(g + 8) * 8 + 2 * q + 1] = d[3];
}

// Bytes to floats and back, with stores of single bytes.
extern "C" __global__ void bytes(const unsigned char* in, float* f, unsigned char* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    f[i] = in[i] / 255.0f;
    out[i] = 255 - in[i];
}

// Lanes that part and meet again, in a loop whose length differs.
extern "C" __global__ void diverge(int* out) {
    int i = threadIdx.x, s = 0;
    for (int k = 0; k < i; k++) {
        if (k % 3 == 0) s += k; else if (k % 5 == 0) continue; else s -= 1;
        if (s > 100) break;
    }
    out[i] = s * 1000 + __popc(__activemask());
}

__device__ __noinline__ float poly(float x, int n) {
    float s = 0.0f;
    for (int i = 0; i < n; i++) s = s * x + 1.0f;
    return s;
}

__constant__ float table[4] = {1.0f, 2.0f, 4.0f, 8.0f};
__device__ int calls = 3;

// Functions that are called, constants, local arrays with a variable index.
extern "C" __global__ void call(float* out, int n) {
    float local[8];
    for (int i = 0; i < 8; i++) local[i] = poly((float)i, n);
    out[threadIdx.x] = local[threadIdx.x & 7] + table[threadIdx.x & 3] + calls;
}

// Two halves of a block, each with a barrier of its own; then both. A warp
// counts at barrier 3 without waiting there.
extern "C" __global__ void named(const float* x, float* out) {
    __shared__ float s[128];
    const int t = threadIdx.x, half = t / 64;
    s[t] = x[t];
    if (half == 0) asm volatile("bar.sync 1, 64;" ::: "memory"); else asm volatile("bar.sync 2, 64;" ::: "memory");
    float v = s[t ^ 63];
    __syncthreads();
    s[t] = v;
    if (half == 0) asm volatile("bar.arrive 3, 128;" ::: "memory"); else asm volatile("bar.sync 3, 128;" ::: "memory");
    out[t] = half == 0 ? v : s[t - 64];
}

// __syncthreads_count and its kin.
extern "C" __global__ void votes(int* out) {
    int t = threadIdx.x;
    int c = __syncthreads_count(t % 3 == 0), a = __syncthreads_and(t < 64), o = __syncthreads_or(t == 70);
    u32 b = __ballot_sync(0xffffffffu, t & 1);
    out[t] = c + 1000 * a + 10000 * o + 100000 * (b == 0xaaaaaaaau) + 1000000 * __any_sync(0xffffffffu, t == 5) + 10000000 * __all_sync(0xffffffffu, t < 64);
}

// Straight fused multiply-adds, for the simulator's speed.
extern "C" __global__ void flops(float* out, int n) {
    float a = threadIdx.x * 1e-3f, x0 = 1, x1 = 2, x2 = 3, x3 = 4;
    for (int i = 0; i < n; i++) {
        #pragma unroll
        for (int k = 0; k < 16; k++) {
            x0 = x0 * a + 0.5f; x1 = x1 * a + 0.25f; x2 = x2 * a + 0.125f; x3 = x3 * a + 0.0625f;
        }
    }
    out[blockIdx.x * blockDim.x + threadIdx.x] = x0 + x1 + x2 + x3;
}

// Adam on n parameters.
extern "C" __global__ void adam(float* __restrict__ w, const float* __restrict__ g, float* __restrict__ m, float* __restrict__ v,
        int n, float lr, float b1, float b2, float eps, float c1, float c2) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float gi = g[i];
    float mi = m[i] = b1 * m[i] + (1.0f - b1) * gi;
    float vi = v[i] = b2 * v[i] + (1.0f - b2) * gi * gi;
    w[i] -= lr * (mi * c1) / (sqrtf(vi * c2) + eps);
}

// Every thread's place in a grid of three dimensions.
extern "C" __global__ void dims(u32* out) {
    u32 block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    u32 thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    u32 lane, lt, ge;
    asm("mov.u32 %0, %%laneid;" : "=r"(lane));
    asm("mov.u32 %0, %%lanemask_lt;" : "=r"(lt));
    asm("mov.u32 %0, %%lanemask_ge;" : "=r"(ge));
    bool good = lane == thread % 32 && lt == (1u << lane) - 1 && ge == ~lt;
    out[block * blockDim.x * blockDim.y * blockDim.z + thread] = good ? threadIdx.x + 10 * threadIdx.y + 100 * threadIdx.z + 1000 * blockIdx.x + 10000 * blockIdx.y + 100000 * blockIdx.z : 0;
}

// Atomic operations of every kind: one lane each on x[i].
extern "C" __global__ void atomicops(int* x, double* d, int* old) {
    __shared__ int s[2];
    s[0] = 5; s[1] = 6;
    old[0] = atomicMin(&x[0], -3);
    old[1] = atomicAnd(&x[1], 6);
    old[2] = atomicOr(&x[2], 8);
    old[3] = atomicXor(&x[3], 5);
    old[4] = atomicInc((u32*)&x[4], 7);
    old[5] = atomicDec((u32*)&x[5], 7);
    old[6] = atomicExch(&x[6], 42);
    old[7] = atomicSub(&x[7], 1);
    atomicAdd(d, 0.5);
    old[8] = atomicCAS(&s[0], 5, 9) + s[0];
    old[9] = atomicMax(&s[1], -1) + s[1];
}

__device__ __noinline__ float second(const float* p) { return p[1]; }

// One function that reads shared, global and local memory.
extern "C" __global__ void generic(const float* x, float* out) {
    __shared__ float s[4];
    float l[4];
    for (int i = 0; i < 4; i++) { s[i] = 10.0f * x[i]; l[i] = 100.0f * x[i]; }
    out[0] = second(s);
    out[1] = second(x);
    out[2] = second(l);
    out[3] = __isShared(s + 1) * 1 + __isGlobal(x) * 10 + __isLocal(l) * 100 + __isShared(x) * 1000;
}
