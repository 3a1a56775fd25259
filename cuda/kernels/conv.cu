// Convolutions as products of matrices whose second operand is never written:
// a block gathers its pieces from the images (implicit GEMM). See tile.cuh for
// how a tile is made, Windows in launch_conv.go for the geometry.
//
// A gathered value costs some 15 instructions, for 8 to 64 multiply-adds that
// it is used in; positions are decoded once, K on the way, by multiplications.
#include "tile.cuh"

// Div divides 0 ≤ n < 2^31 by a number: (n·mul/2^32 + n) >> shift, of Granlund
// and Montgomery, "Division by Invariant Integers using Multiplication" (1994).
struct Div {
    unsigned d, mul, shift;

    __device__ __forceinline__ explicit Div(int by) {
        d = by > 1 ? by : 1;
        shift = d > 1 ? 32 - __clz(d - 1) : 0;
        mul = (unsigned)(((1ull << 32) * ((1ull << shift) - d)) / d) + 1;
    }
    __device__ __forceinline__ int of(int n) const { return (__umulhi(n, mul) + (unsigned)n) >> shift; }
};

struct Windows {
    int c, h, w, o, oh, ow, kh, kw, sh, sw, ph, pw;
};

// Channels receives values of images: a column is a position, rows are
// channels, area apart.
struct Channels {
    struct Fetched {
        float y, bias;
    };
    const float *y, *bias;
    float* out;
    float alpha;
    int kind, area;
    bool use;

    __device__ __forceinline__ Fetched fetch(int r) const {
        Fetched f = {y ? y[(size_t)r * area] : 0.0f, bias ? bias[r] : 0.0f};
        return f;
    }
    __device__ __forceinline__ void store(int r, float v, const Fetched& f) const {
        v += f.bias;
        out[(size_t)r * area] = y ? sloped(kind, v, f.y, alpha) : activated(kind, v, alpha);
    }
};

// image → windows: C (O, positions) = W (O, C·kH·kW) · patches. The bias and f
// follow, or f'(y).
template <class T>
__device__ __forceinline__ void conv(const float* __restrict__ x, const float* __restrict__ weights,
        const float* __restrict__ bias, const float* __restrict__ y, float* __restrict__ out, const Windows g, int kind,
        float alpha, const Step* __restrict__ step) {
    __shared__ __align__(16) float shared[T::SHARED];
    const int area = g.oh * g.ow, k = g.c * g.kh * g.kw;
    const int row0 = blockIdx.y * T::BM, col = blockIdx.x * T::BN + threadIdx.x % T::BN;
    if ((int)blockIdx.x * T::BN >= step->n * area) return;
    const bool use = col < step->n * area;
    const int image = use ? col / area : 0, place = use ? col % area : 0;
    const int top = place / g.ow * g.sh - g.ph, left = place % g.ow * g.sw - g.pw;
    const float* xt = x + (size_t)image * g.c * g.h * g.w;
    const Div window(g.kh * g.kw), line(g.kw);
    const bool wide = aligned(weights, k);

    T tile;
    tile.run(shared, (k + T::BK - 1) / T::BK, [&](int s, float* stage) {
        const int k0 = s * T::BK;
        copy_piece<T::BM, T::BK, T::LDA>(stage, weights + (size_t)row0 * k + k0, k, g.o - row0, k - k0, wide);
#pragma unroll
        for (int r = threadIdx.x / T::BN; r < T::BK; r += THREADS / T::BN) {
            const int channel = window.of(k0 + r), rest = k0 + r - channel * (int)window.d;
            const int u = line.of(rest), iy = top + u, ix = left + rest - u * g.kw;
            const bool valid = use && k0 + r < k && (unsigned)iy < (unsigned)g.h && (unsigned)ix < (unsigned)g.w;
            copy4(stage + T::SIZE_A + r * T::LDB + threadIdx.x % T::BN, valid ? xt + (channel * g.h + iy) * g.w + ix : x, valid);
        }
    }, Nothing());

    const size_t first = ((size_t)image * g.o + row0) * area + place;
    Channels c = {y ? y + first : 0, bias ? bias + row0 : 0, out + first, alpha, kind, area, use};
    tile.finish(shared, g.o - row0, c);
}

// windows → image. Places (Y,X) of the image with equal (Y+padding) mod stride
// meet the same kernel positions u = rest + stride·t; so each of
// stride×stride classes, block z, is a dense product
// C (C, positions) = W (C, O·tH·tW) · windows, where a kernel position t reads
// the window t before the place's last one.
template <class T>
__device__ __forceinline__ void conv_transpose(const float* __restrict__ x, const float* __restrict__ weights,
        const float* __restrict__ bias, const float* __restrict__ y, float* __restrict__ out, const Windows g, int kind,
        float alpha, const Step* __restrict__ step) {
    __shared__ __align__(16) float shared[T::SHARED];
    const int resty = blockIdx.z / g.sw, restx = blockIdx.z % g.sw;
    const int tall = max((g.kh - resty + g.sh - 1) / g.sh, 0), wide = max((g.kw - restx + g.sw - 1) / g.sw, 0);
    const int firsty = ((resty - g.ph) % g.sh + g.sh) % g.sh, firstx = ((restx - g.pw) % g.sw + g.sw) % g.sw;
    const int lines = max((g.h - firsty + g.sh - 1) / g.sh, 0), columns = max((g.w - firstx + g.sw - 1) / g.sw, 0);
    const int places = lines * columns, area = g.h * g.w, k = g.o * tall * wide;
    const int row0 = blockIdx.y * T::BM, col = blockIdx.x * T::BN + threadIdx.x % T::BN;
    if ((int)blockIdx.x * T::BN >= step->n * places) return;
    const bool use = col < step->n * places;
    const int image = use ? col / places : 0, place = use ? col % places : 0;
    const int py = place / columns, px = place % columns;
    const int lasty = py + (firsty + g.ph - resty) / g.sh, lastx = px + (firstx + g.pw - restx) / g.sw;
    const float* xt = x + (size_t)image * g.o * g.oh * g.ow;
    const Div window(tall * wide), line(wide);

    T tile;
    tile.run(shared, (k + T::BK - 1) / T::BK, [&](int s, float* stage) {
        const int k0 = s * T::BK;
        {
            const int at = k0 + threadIdx.x % T::BK;
            const int channel = window.of(at), rest = at - channel * (int)window.d, t = line.of(rest);
            const int u = resty + g.sh * t, v = restx + g.sw * (rest - t * wide);
            const float* wt = weights + ((size_t)channel * g.c + row0) * g.kh * g.kw + u * g.kw + v;
#pragma unroll
            for (int r = threadIdx.x / T::BK; r < T::BM; r += THREADS / T::BK) {
                const bool valid = at < k && row0 + r < g.c;
                copy4(stage + r * T::LDA + threadIdx.x % T::BK, valid ? wt + r * g.kh * g.kw : weights, valid);
            }
        }
#pragma unroll
        for (int r = threadIdx.x / T::BN; r < T::BK; r += THREADS / T::BN) {
            const int channel = window.of(k0 + r), rest = k0 + r - channel * (int)window.d, t = line.of(rest);
            const int iy = lasty - t, ix = lastx - (rest - t * wide);
            const bool valid = use && k0 + r < k && (unsigned)iy < (unsigned)g.oh && (unsigned)ix < (unsigned)g.ow;
            copy4(stage + T::SIZE_A + r * T::LDB + threadIdx.x % T::BN, valid ? xt + (channel * g.oh + iy) * g.ow + ix : x, valid);
        }
    }, Nothing());

    const size_t first = ((size_t)image * g.c + row0) * area + (firsty + py * g.sh) * g.w + firstx + px * g.sw;
    Channels c = {y ? y + first : 0, bias ? bias + row0 : 0, out + first, alpha, kind, area, use};
    tile.finish(shared, g.c - row0, c);
}

#define CONV(NAME, FUNCTION, ...)                                                                                    \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME(const float* x, const float* weights, const float* bias, \
            const float* y, float* out, int c, int h, int w, int o, int oh, int ow, int kh, int kw, int sh, int sw,  \
            int ph, int pw, int kind, float alpha, const Step* step) {                                               \
        const Windows g = {c, h, w, o, oh, ow, kh, kw, sh, sw, ph, pw};                                              \
        FUNCTION<Tile<__VA_ARGS__>>(x, weights, bias, y, out, g, kind, alpha, step);                                 \
    }

CONV(conv_64, conv, 64, 64, 16, 4, 4, 1, 3, true, false)
CONV(conv_32, conv, 32, 32, 64, 4, 4, 4, 2, true, false)
CONV(conv_narrow, conv, 8, 128, 32, 2, 4, 2, 2, true, false)
CONV(conv_transpose_64, conv_transpose, 64, 64, 16, 4, 4, 1, 3, true, false)
CONV(conv_transpose_32, conv_transpose, 32, 32, 64, 4, 4, 4, 2, true, false)
CONV(conv_transpose_narrow, conv_transpose, 8, 128, 32, 2, 4, 2, 2, true, false)

// Part receives values of one part of a gradient of weights.
struct Part {
    struct Fetched {};
    float* out;
    int ld;
    bool use;

    __device__ __forceinline__ Fetched fetch(int) const { return Fetched(); }
    __device__ __forceinline__ void store(int r, float v, const Fetched&) const { out[(size_t)r * ld] = v; }
};

// The sums by channel of x (B,channels,area) over count rows.
__device__ __forceinline__ void channel_parts(float* shared, const float* __restrict__ x, float* __restrict__ out,
        int channels, int area, int count) {
    const Div by(area);
    for (int c = blockIdx.y; c < channels; c += gridDim.y) {
        float sum = 0.0f;
        for (int i = threadIdx.x; i < count * area; i += THREADS) {
            const int b = by.of(i);
            sum += x[((size_t)b * channels + c) * area + i - b * area];
        }
        sum = block_sum(sum, shared);
        if (threadIdx.x == 0) out[c] = sum;
        __syncthreads();
    }
}

typedef Tile<32, 32, 64, 4, 4, 4, 2, true, true> Small;

// dw (O, C·kH·kW) = windows · patches, summed over the places of part rows of
// the batch from z·part on, and the sums by channel of the windows or, of the
// image, for the bias: part z of parts is dw and then the bias's. K, the
// places, is what makes these products large: many parts, small tiles.
extern "C" __global__ void __launch_bounds__(THREADS) conv_dw_32(const float* __restrict__ windows,
        const float* __restrict__ image, float* __restrict__ parts, int c, int h, int w, int o, int oh, int ow, int kh,
        int kw, int sh, int sw, int ph, int pw, int part, int image_bias, const Step* __restrict__ step) {
    __shared__ __align__(16) float shared[Small::SHARED];
    enum { LOADS = Small::BN / (THREADS / Small::BK) };
    if (step->n == 0) return;
    const int area = oh * ow, columns = c * kh * kw;
    const int from = blockIdx.z * part, count = max(min(part, step->n - from), 0);
    const int row0 = blockIdx.y * Small::BM, col0 = blockIdx.x * Small::BN;
    const float *small = windows + (size_t)from * o * area, *large = image + (size_t)from * c * h * w;
    float* out = parts + (size_t)blockIdx.z * (o * columns + (image_bias ? c : o));
    if (blockIdx.x == gridDim.x - 1) {
        if (image_bias) channel_parts(shared, large, out + o * columns, c, h * w, count);
        else channel_parts(shared, small, out + o * columns, o, area, count);
        return;
    }
    // This thread's columns: where they are in a patch.
    int us[LOADS], vs[LOADS], offsets[LOADS];
#pragma unroll
    for (int i = 0; i < LOADS; i++) {
        const int n = col0 + threadIdx.x / Small::BK + i * (THREADS / Small::BK);
        const int channel = n / (kh * kw), rest = n % (kh * kw);
        us[i] = n < columns ? rest / kw : -(1 << 30); // outside of every image
        vs[i] = rest % kw;
        offsets[i] = channel * h * w;
    }
    const int k = count * area;
    const Div place(area), line(ow);

    Small tile;
    tile.run(shared, (k + Small::BK - 1) / Small::BK, [&](int s, float* stage) {
        const int lane = threadIdx.x % Small::BK, at = s * Small::BK + lane;
        const int b = place.of(at), rest = at - b * area, oy = line.of(rest), ox = rest - oy * ow;
        const float* st = small + ((size_t)b * o + row0) * area + rest;
        const float* lt = large + (size_t)b * c * h * w;
        const int top = oy * sh - ph, left = ox * sw - pw;
#pragma unroll
        for (int i = 0; i < LOADS; i++) {
            const int r = threadIdx.x / Small::BK + i * (THREADS / Small::BK);
            const bool valid = at < k && row0 + r < o;
            copy4(stage + r * Small::LDA + lane, valid ? st + r * area : windows, valid);
        }
#pragma unroll
        for (int i = 0; i < LOADS; i++) {
            const int r = threadIdx.x / Small::BK + i * (THREADS / Small::BK), iy = top + us[i], ix = left + vs[i];
            const bool valid = at < k && (unsigned)iy < (unsigned)h && (unsigned)ix < (unsigned)w;
            copy4(stage + Small::SIZE_A + r * Small::LDB + lane, valid ? lt + offsets[i] + iy * w + ix : image, valid);
        }
    }, Nothing());

    const int col = col0 + threadIdx.x % Small::BN;
    Part p = {out + (size_t)row0 * columns + col, columns, col < columns};
    tile.finish(shared, o - row0, p);
}
