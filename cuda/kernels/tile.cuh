// A tile of a product of matrices, C = A·B: what gemm.cu and conv.cu share.
//
// A block of 256 threads makes BM×BN values of C, each thread TM×TN of them
// in registers. It walks along K in steps of BK: while it multiplies the
// pieces of A and B of one step from shared memory, cp.async brings those of
// the next STAGES-1. One barrier a step. The shared memory of 128×128 is read
// 1/8 + 1/8 float a multiply-add, in 16 bytes: it keeps up with the
// multipliers; global memory is read 1/128 + 1/128 float a multiply-add.
//
// With G > 1 groups of threads each group makes the whole tile over its part
// of each step's K. Their sums are added in group order at the end. So a
// small C of a long sum still has 256 busy threads, and the step to wait for
// is four times as long.
//
// Pieces keep the order that they have in global memory, so that copies are
// of 16 bytes where sizes allow it:
//   along K:   [rows][BK+4]  a thread reads 4 k of a row at once; with 4 floats
//              of padding the 8 rows that a warp reads are in different banks
//   across K:  [BK][rows]    a thread reads 4 rows of one k at once
//
// C is handed on through shared memory, so that a thread meets values of one
// column and a warp a row: global memory is touched in whole lines, and the
// code behind the sum exists once and not for each register.
#ifndef AEGIS_TILE_CUH
#define AEGIS_TILE_CUH
#include "common.cuh"

enum { THREADS = 256 };

template <int BM_, int BN_, int BK_, int TM_, int TN_, int G_, int STAGES_, bool A_ALONG_, bool B_ALONG_>
struct Tile {
    enum {
        BM = BM_, BN = BN_, BK = BK_, TM = TM_, TN = TN_, G = G_, STAGES = STAGES_,
        GROUP = THREADS / G,                     // threads of a group
        KG = BK / G,                             // k of a group in a step
        LDA = A_ALONG_ ? BK + 4 : BM,            // floats from row to row
        LDB = B_ALONG_ ? BK + 4 : BN,
        SIZE_A = A_ALONG_ ? BM * LDA : BK * LDA, // floats of a piece
        SIZE_B = B_ALONG_ ? BN * LDB : BK * LDB,
        STAGE = SIZE_A + SIZE_B,
        PASSES = BM * BN * G > 8192 ? 2 : 1,     // in which C goes through shared memory
        STAGED = BM * BN * G / PASSES,
        SHARED = STAGES * STAGE > STAGED ? STAGES * STAGE : STAGED,
        XT = BN / TN, YT = BM / TM               // threads along N and M
    };
    static const bool A_ALONG = A_ALONG_, B_ALONG = B_ALONG_;
    static_assert(XT * YT * G == THREADS && KG % 4 == 0 && SHARED <= 12288, "tile");
    static_assert((A_ALONG || TM % 4 == 0) && (B_ALONG || TN % 4 == 0) && TM % PASSES == 0, "tile");
    static_assert(A_ALONG || !B_ALONG, "tile");

    float acc[TM][TN];
    int group, tx, ty;

    __device__ __forceinline__ Tile() {
        // A warp is 4×8 threads: it reads few different rows and columns.
        int t = threadIdx.x % GROUP, warp = t / 32, lane = t % 32;
        group = threadIdx.x / GROUP;
        tx = warp % (XT / 8) * 8 + lane % 8;
        ty = warp / (XT / 8) * 4 + lane / 8;
#pragma unroll
        for (int i = 0; i < TM; i++)
#pragma unroll
            for (int j = 0; j < TN; j++) acc[i][j] = 0.0f;
    }

    // The row and the column of acc[i][j] in the tile.
    __device__ __forceinline__ int row(int i) const {
        return A_ALONG ? ty + i * YT : ty * 4 + i % 4 + i / 4 * 4 * YT;
    }
    __device__ __forceinline__ int column(int j) const {
        return B_ALONG ? tx + j * XT : tx * 4 + j % 4 + j / 4 * 4 * XT;
    }

    // Adds the products of one step, in the order of k. Values are read shortly
    // before their use: 8×8 sums leave few registers.
    __device__ __forceinline__ void multiply(const float* stage) {
        const float *a = stage, *b = stage + SIZE_A;
#pragma unroll
        for (int k0 = 0; k0 < KG; k0 += 4) {
            const int k = group * KG + k0;
            float fa[4][TM];
            if (A_ALONG) {
#pragma unroll
                for (int i = 0; i < TM; i++) {
                    const float4 v = shared4(a + row(i) * LDA + k);
                    fa[0][i] = v.x, fa[1][i] = v.y, fa[2][i] = v.z, fa[3][i] = v.w;
                }
            }
            if (B_ALONG) {
#pragma unroll
                for (int j = 0; j < TN; j++) {
                    const float4 v = shared4(b + column(j) * LDB + k);
#pragma unroll
                    for (int i = 0; i < TM; i++) {
                        acc[i][j] += fa[0][i] * v.x;
                        acc[i][j] += fa[1][i] * v.y;
                        acc[i][j] += fa[2][i] * v.z;
                        acc[i][j] += fa[3][i] * v.w;
                    }
                }
            } else {
#pragma unroll
                for (int q = 0; q < 4; q++) {
                    float fb[TN];
                    if (!A_ALONG) across<TM, YT>(fa[q], a + (k + q) * LDA + ty * 4);
                    across<TN, XT>(fb, b + (k + q) * LDB + tx * 4);
#pragma unroll
                    for (int i = 0; i < TM; i++)
#pragma unroll
                        for (int j = 0; j < TN; j++) acc[i][j] += fa[q][i] * fb[j];
                }
            }
        }
    }

    // Reads T values of one k, four at a time, 4·COUNT apart.
    template <int T, int COUNT>
    __device__ __forceinline__ void across(float (&f)[T], const float* piece) const {
#pragma unroll
        for (int i = 0; i + 3 < T; i += 4) {
            const float4 v = shared4(piece + i * COUNT);
            f[i] = v.x, f[i + 1] = v.y, f[i + 2] = v.z, f[i + 3] = v.w;
        }
    }

    // Multiplies over steps 0 to steps-1. load(step, stage) starts the copies
    // of a step; see(stage) may look at a step's pieces. Steps below 0 only
    // load, so that all of it is in the code once.
    template <class Load, class See>
    __device__ __forceinline__ void run(float* shared, int steps, Load load, See see) {
        int now = 0, next = 0;
#pragma unroll 1
        for (int s = 1 - STAGES; s < steps; s++) {
            if (s >= 0) {
                copies_wait<STAGES - 2>();
                __syncthreads(); // the step's pieces are there, and those of the step before are done with
            }
            if (s + STAGES - 1 < steps) load(s + STAGES - 1, shared + next * STAGE);
            copies_end();
            next = next + 1 == STAGES ? 0 : next + 1;
            if (s < 0) continue;
            multiply(shared + now * STAGE);
            see(shared + now * STAGE);
            now = now + 1 == STAGES ? 0 : now + 1;
        }
        copies_wait<0>();
        __syncthreads();
    }

    // Hands on C: for each of its values that this thread gets, which lie in
    // one column, out.fetch(row) and then out.store(row, value, fetched). Rows
    // at or behind the limit are left out. out.use says whether the column counts.
    template <class Out>
    __device__ __forceinline__ void finish(float* shared, int rows, const Out& out) {
        enum { STEP = THREADS / BN, COUNT = BM / PASSES / STEP, AHEAD = COUNT < 4 ? COUNT : 4 };
        const int col = threadIdx.x % BN, first = threadIdx.x / BN;
#pragma unroll 1
        for (int pass = 0; pass < PASSES; pass++) {
            const int base = pass * (BM / PASSES);
            if (pass > 0) __syncthreads();
#pragma unroll
            for (int i = 0; i < TM; i++)
                if (i / (TM / PASSES) == pass)
#pragma unroll
                    for (int j = 0; j < TN; j++)
                        shared[(group * (BM / PASSES) + row(i) - base) * BN + column(j)] = acc[i][j];
            __syncthreads();
            if (!out.use) continue;
#pragma unroll 1
            for (int r = first; r < BM / PASSES && base + r < rows; r += AHEAD * STEP) {
                typename Out::Fetched f[AHEAD];
                float v[AHEAD];
#pragma unroll
                for (int u = 0; u < AHEAD; u++)
                    f[u] = out.fetch(base + (base + r + u * STEP < rows ? r + u * STEP : r));
#pragma unroll
                for (int u = 0; u < AHEAD; u++) {
                    v[u] = shared[(r + u * STEP) * BN + col];
#pragma unroll
                    for (int g = 1; g < G; g++) v[u] += shared[(g * (BM / PASSES) + r + u * STEP) * BN + col];
                }
#pragma unroll
                for (int u = 0; u < AHEAD; u++)
                    if (base + r + u * STEP < rows) out.store(base + r + u * STEP, v[u], f[u]);
            }
        }
    }
};

// Whether rows of a matrix start at multiples of 16 bytes.
__device__ __forceinline__ bool aligned(const float* p, int ld) { return (((size_t)p | (size_t)ld * 4) & 15) == 0; }

// Starts the copy of a piece: values at from + i·ld + j, i in [0,OUTER), j in
// [0,INNER), to shared + i·LD + j; zeros where i ≥ outer or j ≥ inner.
template <int OUTER, int INNER, int LD>
__device__ __forceinline__ void copy_piece(float* shared, const float* from, size_t ld, int outer, int inner, bool wide) {
    if (wide) {
#pragma unroll
        for (int c0 = 0; c0 < OUTER * INNER / 4; c0 += THREADS) {
            int c = c0 + threadIdx.x, i = c / (INNER / 4), j = c % (INNER / 4) * 4;
            if (OUTER * INNER / 4 % THREADS != 0 && i >= OUTER) break;
            int valid = i < outer ? min(max(inner - j, 0), 4) : 0;
            copy16(shared + i * LD + j, valid > 0 ? from + i * ld + j : from, valid);
        }
        return;
    }
#pragma unroll
    for (int c0 = 0; c0 < OUTER * INNER; c0 += THREADS) {
        int c = c0 + threadIdx.x, i = c / INNER, j = c % INNER;
        if (OUTER * INNER % THREADS != 0 && i >= OUTER) break;
        bool valid = i < outer && j < inner;
        copy4(shared + i * LD + j, valid ? from + i * ld + j : from, valid);
    }
}

struct Nothing {
    __device__ __forceinline__ void operator()(const float*) const {}
};

#endif
