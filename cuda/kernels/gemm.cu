// Products of matrices for fully-connected layers; see tile.cuh for how a
// tile is made. Tiles: 128×128 of 8×8 a thread, 64×64 of 4×4, 32×32 of 4×4 in
// four groups (tileFor in launch_gemm.go chooses).
#include "tile.cuh"

// C (M,N) = f(A·B + bias), or (A·B)·f'(y) where y is not null: A (M,K), y
// (M,N), bias a value for every channel columns or null. Of the M rows, the
// batch, step->n are real. B is (N,K) for B_ALONG, else (K,N).
struct Rows {
    struct Fetched {
        float y;
    };
    const float* y;
    float* c;
    float bias, alpha;
    int kind, ld;
    bool use;

    __device__ __forceinline__ Fetched fetch(int r) const {
        Fetched f = {y ? y[(size_t)r * ld] : 0.0f};
        return f;
    }
    __device__ __forceinline__ void store(int r, float v, const Fetched& f) const {
        c[(size_t)r * ld] = y ? sloped(kind, v, f.y, alpha) : activated(kind, v + bias, alpha);
    }
};

template <class T>
__device__ __forceinline__ void gemm(const float* __restrict__ a, const float* __restrict__ b,
        const float* __restrict__ bias, const float* __restrict__ y, float* __restrict__ c,
        int m, int n, int k, int channel, int kind, float alpha, const Step* __restrict__ step) {
    __shared__ __align__(16) float shared[T::SHARED];
    const int row0 = blockIdx.y * T::BM, col0 = blockIdx.x * T::BN;
    const int rows = min(m, step->n) - row0, cols = n - col0;
    if (rows <= 0) return;
    const float* at = a + (size_t)row0 * k;
    const float* bt = T::B_ALONG ? b + (size_t)col0 * k : b + col0;
    const bool wide_a = aligned(a, k), wide_b = aligned(b, T::B_ALONG ? k : n);

    T tile;
    tile.run(shared, (k + T::BK - 1) / T::BK, [&](int s, float* stage) {
        const int k0 = s * T::BK;
        copy_piece<T::BM, T::BK, T::LDA>(stage, at + k0, k, rows, k - k0, wide_a);
        if (T::B_ALONG) copy_piece<T::BN, T::BK, T::LDB>(stage + T::SIZE_A, bt + k0, k, cols, k - k0, wide_b);
        else copy_piece<T::BK, T::BN, T::LDB>(stage + T::SIZE_A, bt + (size_t)k0 * n, n, k - k0, cols, wide_b);
    }, Nothing());

    const int col = threadIdx.x % T::BN;
    const size_t first = (size_t)row0 * n + col0 + col;
    Rows out = {y ? y + first : 0, c + first, 0.0f, alpha, kind, n, col < cols};
    if (out.use && bias) out.bias = bias[(col0 + col) / channel];
    tile.finish(shared, rows, out);
}

// Two blocks of the largest tiles are to fit on a multiprocessor: while one
// waits at its barrier, the other computes. That is 128 registers a thread. Of
// the middle tiles of gradients, which need few registers, four fit with 64.
#define TWO_BLOCKS __launch_bounds__(THREADS, 2)
#define FOUR_BLOCKS __launch_bounds__(THREADS, 4)
#define ANY_BLOCKS __launch_bounds__(THREADS)

#define GEMM(NAME, BLOCKS, ...)                                                                                 \
    extern "C" __global__ void BLOCKS NAME(const float* a, const float* b, const float* bias, const float* y,   \
            float* c, int m, int n, int k, int channel, int kind, float alpha, const Step* step) {             \
        gemm<Tile<__VA_ARGS__>>(a, b, bias, y, c, m, n, k, channel, kind, alpha, step);                         \
    }

GEMM(gemm_nt_128, TWO_BLOCKS, 128, 128, 16, 8, 8, 1, 2, true, true)
GEMM(gemm_nt_64, ANY_BLOCKS, 64, 64, 16, 4, 4, 1, 3, true, true)
GEMM(gemm_nt_32, ANY_BLOCKS, 32, 32, 64, 4, 4, 4, 2, true, true)
GEMM(gemm_nn_128, TWO_BLOCKS, 128, 128, 16, 8, 8, 1, 2, true, false)
GEMM(gemm_nn_64, ANY_BLOCKS, 64, 64, 16, 4, 4, 1, 3, true, false)
GEMM(gemm_nn_32, ANY_BLOCKS, 32, 32, 64, 4, 4, 4, 2, true, false)

// Weights receives values of a gradient of weights.
struct Weights {
    typedef Parameter Fetched;
    Target t;
    Update u;
    int first, ld; // of this thread's column
    bool use;

    __device__ __forceinline__ Parameter fetch(int r) const { return held(u, t, first + r * ld); }
    __device__ __forceinline__ void store(int r, float v, const Parameter& p) const { apply(u, t, first + r * ld, v, p); }
};

// ColumnSums adds up columns of A on the way: thread t has every PARTS-th k of
// row t%BM of the tile.
template <class T>
struct ColumnSums {
    enum { PARTS = THREADS / T::BM };
    float& sum;
    bool use;

    __device__ __forceinline__ void operator()(const float* stage) const {
        if (!use) return;
        const int m = threadIdx.x % T::BM, part = threadIdx.x / T::BM;
#pragma unroll
        for (int k = 0; k < T::BK; k += PARTS) sum += stage[(k + part) * T::LDA + m];
    }
};

// dW (M,N) = Aᵀ·B and db (M) = the sums of A's columns, of A (K,M), B (K,N), K
// the batch, of which step->n rows are real. Block z has part rows of it from
// z·part on; with several parts the targets are scratch, a part after the
// other. b.grad and b.w both null: no db. The first blocks in x make db, from
// the pieces of A that they have anyway. The optimizer's numbers are read when
// the product is made: it needs the registers.
template <class T>
__device__ __forceinline__ void gemm_weights(const float* __restrict__ a, const float* __restrict__ b, int m, int n,
        int k, int part, const Step* step, Target tw, Target tb, int kind, const float* scalars, int stride) {
    __shared__ __align__(16) float shared[T::SHARED];
    const int row0 = blockIdx.y * T::BM, col0 = blockIdx.x * T::BN;
    const int from = blockIdx.z * part, count = max(min(min(part, k - from), step->n - from), 0);
    const int rows = m - row0, cols = n - col0;
    const float *at = a + (size_t)from * m + row0, *bt = b + (size_t)from * n + col0;
    const bool wide_a = aligned(a, m), wide_b = aligned(b, n);
    const bool biased = blockIdx.x == 0 && (tb.grad || tb.w);
    if (gridDim.z > 1) {
        const size_t size = (size_t)m * n + m;
        tw.grad += blockIdx.z * size;
        if (biased) tb.grad += blockIdx.z * size;
    }

    T tile;
    float sum = 0.0f;
    ColumnSums<T> sums = {sum, biased};
    tile.run(shared, (count + T::BK - 1) / T::BK, [&](int s, float* stage) {
        const int k0 = s * T::BK;
        copy_piece<T::BK, T::BM, T::LDA>(stage, at + (size_t)k0 * m, m, count - k0, rows, wide_a);
        copy_piece<T::BK, T::BN, T::LDB>(stage + T::SIZE_A, bt + (size_t)k0 * n, n, count - k0, cols, wide_b);
    }, sums);

    const Update u = update_of(step, kind, scalars, stride);
    if (biased) {
        shared[threadIdx.x] = sum;
        __syncthreads();
        if (threadIdx.x < T::BM && (int)threadIdx.x < rows) {
            Parameter p = held(u, tb, row0 + threadIdx.x);
#pragma unroll
            for (int i = 1; i < ColumnSums<T>::PARTS; i++) sum += shared[i * T::BM + threadIdx.x];
            apply(u, tb, row0 + threadIdx.x, sum, p);
        }
        __syncthreads();
    }
    const int col = threadIdx.x % T::BN;
    Weights out = {tw, u, row0 * n + col0 + col, n, col < cols};
    tile.finish(shared, rows, out);
}

#define GEMM_WEIGHTS(NAME, BLOCKS, ...)                                                                            \
    extern "C" __global__ void BLOCKS NAME(const float* a, const float* b, int m, int n, int k, int part,          \
            const Step* step, float* dw, float* w, float* w0, float* w1, float* db, float* bias, float* b0,        \
            float* b1, int kind, const float* scalars, int stride) {                                               \
        if (step->n == 0) return;                                                                                  \
        Target tw = {dw, w, w0, w1}, tb = {db, bias, b0, b1};                                                      \
        gemm_weights<Tile<__VA_ARGS__>>(a, b, m, n, k, part, step, tw, tb, kind, scalars, stride);                 \
    }

GEMM_WEIGHTS(gemm_tn_128, TWO_BLOCKS, 128, 128, 16, 8, 8, 1, 2, false, false)
GEMM_WEIGHTS(gemm_tn_64, FOUR_BLOCKS, 64, 64, 16, 4, 4, 1, 3, false, false)
GEMM_WEIGHTS(gemm_tn_32, ANY_BLOCKS, 32, 32, 64, 4, 4, 4, 2, false, false)
