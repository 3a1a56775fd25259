// Kernels for any graph of Gorgonia's ops; launch.go launches them.
// Unlike those of package kernels they take any strides, and all values of a
// tensor are real.

// The functions of one or two values, as in launch.go.
enum Function {
    COPY, FILL,
    ABS, SIGN, CEIL, FLOOR, SIN, COS, EXP, LN, LOG2, NEG, SQUARE, SQRT, INV, INVSQRT, CUBE, TANH, SIGMOID, LOG1P, EXPM1, SOFTPLUS,
    ADD, SUB, MUL, DIV, POW, LT, GT, LTE, GTE, EQ, NE,
};

__device__ __forceinline__ float apply(int f, float a, float b, float value) {
    switch (f) {
    case FILL: return value;
    case ABS: return fabsf(a);
    case SIGN: return a > 0.0f ? 1.0f : a < 0.0f ? -1.0f : a;
    case CEIL: return ceilf(a);
    case FLOOR: return floorf(a);
    case SIN: return sinf(a);
    case COS: return cosf(a);
    case EXP: return expf(a);
    case LN: return logf(a);
    case LOG2: return log2f(a);
    case NEG: return -a;
    case SQUARE: return a * a;
    case SQRT: return sqrtf(a);
    case INV: return 1.0f / a;
    case INVSQRT: return 1.0f / sqrtf(a);
    case CUBE: return a * a * a;
    case TANH: return tanhf(a);
    case SIGMOID: return 1.0f / (1.0f + expf(-a));
    case LOG1P: return log1pf(a);
    case EXPM1: return expm1f(a);
    case SOFTPLUS: return a > 20.0f ? a : log1pf(expf(a));
    case ADD: return a + b;
    case SUB: return a - b;
    case MUL: return a * b;
    case DIV: return a / b;
    case POW: return powf(a, b);
    case LT: return a < b ? 1.0f : 0.0f;
    case GT: return a > b ? 1.0f : 0.0f;
    case LTE: return a <= b ? 1.0f : 0.0f;
    case GTE: return a >= b ? 1.0f : 0.0f;
    case EQ: return a == b ? 1.0f : 0.0f;
    case NE: return a != b ? 1.0f : 0.0f;
    }
    return a;
}

// y[i·ys] = f(a[i·as], b[i·bs]) for n indices i of six axes; the first axis
// has what is left of n.
extern "C" __global__ void map(float* y, const float* a, const float* b, int n, int f, float value,
        int d1, int d2, int d3, int d4, int d5,
        int y0, int y1, int y2, int y3, int y4, int y5,
        int a0, int a1, int a2, int a3, int a4, int a5,
        int b0, int b1, int b2, int b3, int b4, int b5) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        int r = i;
        int i5 = r % d5; r /= d5;
        int i4 = r % d4; r /= d4;
        int i3 = r % d3; r /= d3;
        int i2 = r % d2; r /= d2;
        int i1 = r % d1; r /= d1;
        float va = a ? a[r * a0 + i1 * a1 + i2 * a2 + i3 * a3 + i4 * a4 + i5 * a5] : 0.0f;
        float vb = b ? b[r * b0 + i1 * b1 + i2 * b2 + i3 * b3 + i4 * b4 + i5 * b5] : 0.0f;
        y[r * y0 + i1 * y1 + i2 * y2 + i3 * y3 + i4 * y4 + i5 * y5] = apply(f, va, vb, value);
    }
}

__device__ __forceinline__ float larger(float a, float b) { return b > a || b != b ? b : a; }

// y[i] = Σ or max over j of a[(i·m + j)·as], for n outputs and m values each,
// by six axes as in map. A block makes one output after the other.
extern "C" __global__ void __launch_bounds__(256) fold(float* y, const float* a, int n, int m, int most,
        int d1, int d2, int d3, int d4, int d5, int a0, int a1, int a2, int a3, int a4, int a5) {
    __shared__ float part[256];
    for (int i = blockIdx.x; i < n; i += gridDim.x) {
        float sum = most ? -__int_as_float(0x7f800000) : 0.0f;
        for (int j = threadIdx.x; j < m; j += 256) {
            int r = i * m + j;
            int i5 = r % d5; r /= d5;
            int i4 = r % d4; r /= d4;
            int i3 = r % d3; r /= d3;
            int i2 = r % d2; r /= d2;
            int i1 = r % d1; r /= d1;
            float v = a[r * a0 + i1 * a1 + i2 * a2 + i3 * a3 + i4 * a4 + i5 * a5];
            sum = most ? larger(sum, v) : sum + v;
        }
        part[threadIdx.x] = sum;
        __syncthreads();
        for (int k = 128; k > 0; k /= 2) {
            if (threadIdx.x < k) {
                float v = part[threadIdx.x + k];
                part[threadIdx.x] = most ? larger(part[threadIdx.x], v) : part[threadIdx.x] + v;
            }
            __syncthreads();
        }
        if (threadIdx.x == 0) y[i] = part[0];
        __syncthreads();
    }
}

// Patches of an image: x (B,C,H,W) → y (B,oH,oW,C·kH·kW), n values of y.
extern "C" __global__ void im2col(float* y, const float* x, int n, int C, int H, int W, int oH, int oW,
        int kH, int kW, int padH, int padW, int strideH, int strideW, int dilationH, int dilationW) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        int r = i;
        int kw = r % kW; r /= kW;
        int kh = r % kH; r /= kH;
        int c = r % C; r /= C;
        int ow = r % oW; r /= oW;
        int oh = r % oH; r /= oH;
        int h = oh * strideH + kh * dilationH - padH, w = ow * strideW + kw * dilationW - padW;
        y[i] = h >= 0 && h < H && w >= 0 && w < W ? x[((r * C + c) * H + h) * W + w] : 0.0f;
    }
}

// The transpose of im2col: y (B,oH,oW,C·kH·kW) → x (B,C,H,W), n values of x.
extern "C" __global__ void col2im(float* x, const float* y, int n, int C, int H, int W, int oH, int oW,
        int kH, int kW, int padH, int padW, int strideH, int strideW, int dilationH, int dilationW) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        int r = i;
        int w = r % W; r /= W;
        int h = r % H; r /= H;
        int c = r % C; r /= C;
        float sum = 0.0f;
        for (int kh = 0; kh < kH; kh++) {
            int oh = h + padH - kh * dilationH;
            if (oh < 0 || oh % strideH != 0 || oh / strideH >= oH) continue;
            for (int kw = 0; kw < kW; kw++) {
                int ow = w + padW - kw * dilationW;
                if (ow < 0 || ow % strideW != 0 || ow / strideW >= oW) continue;
                sum += y[((((r * oH + oh / strideH) * oW + ow / strideW) * C + c) * kH + kh) * kW + kw];
            }
        }
        x[i] = sum;
    }
}

// The place of the largest value in a window of one image, the first of equal
// ones; a NaN is larger than all.
__device__ __forceinline__ int largest(const float* x, int H, int W, int top, int left, int kH, int kW) {
    int at = -1;
    float best = 0.0f;
    for (int h = max(top, 0); h < min(top + kH, H); h++) {
        for (int w = max(left, 0); w < min(left + kW, W); w++) {
            float v = x[h * W + w];
            if (at < 0 || v > best || (v != v && best == best)) {
                at = h * W + w;
                best = v;
            }
        }
    }
    return at;
}

// x (B·C,H,W) → y (B·C,oH,oW), n values of y.
extern "C" __global__ void maxpool(float* y, const float* x, int n, int H, int W, int oH, int oW,
        int kH, int kW, int padH, int padW, int strideH, int strideW) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        int r = i;
        int ow = r % oW; r /= oW;
        int oh = r % oH; r /= oH;
        const float* image = x + r * H * W;
        int at = largest(image, H, W, oh * strideH - padH, ow * strideW - padW, kH, kW);
        y[i] = at < 0 ? -3.40282347e38f : image[at];
    }
}

// The gradient of maxpool: x (B·C,H,W), g (B·C,oH,oW) → dx (B·C,H,W), n values
// of dx. Each adds up the windows whose largest value it is.
extern "C" __global__ void maxpool_grad(float* dx, const float* x, const float* g, int n, int H, int W, int oH, int oW,
        int kH, int kW, int padH, int padW, int strideH, int strideW) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        int r = i;
        int w = r % W; r /= W;
        int h = r % H; r /= H;
        const float* image = x + r * H * W;
        int lastH = min((h + padH) / strideH, oH - 1), lastW = min((w + padW) / strideW, oW - 1);
        float sum = 0.0f;
        for (int oh = max(h + padH - kH, 0) / strideH; oh <= lastH; oh++) {
            for (int ow = max(w + padW - kW, 0) / strideW; ow <= lastW; ow++) {
                int top = oh * strideH - padH, left = ow * strideW - padW;
                if (h < top || h >= top + kH || w < left || w >= left + kW) continue;
                if (largest(image, H, W, top, left, kH, kW) == h * W + w) sum += g[(r * oH + oh) * oW + ow];
            }
        }
        dx[i] = sum;
    }
}

// Values at indices along an axis: x (outer,rows,inner), index (count), whole numbers
// within rows, → y (outer,count,inner), n values of y.
extern "C" __global__ void gather(float* y, const float* x, const float* index, int n, int rows, int count, int inner) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        int r = i;
        int j = r % inner; r /= inner;
        int k = r % count; r /= count;
        y[i] = x[(r * rows + (int)index[k]) * inner + j];
    }
}

// The gradient of gather by x: g (outer,count,inner) → dx (outer,rows,inner), n values
// of dx. Each adds up the indices that name it, in their order.
extern "C" __global__ void gather_grad(float* dx, const float* g, const float* index, int n, int rows, int count, int inner) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        int r = i;
        int j = r % inner; r /= inner;
        int row = r % rows; r /= rows;
        float sum = 0.0f;
        for (int k = 0; k < count; k++)
            if ((int)index[k] == row) sum += g[(r * count + k) * inner + j];
        dx[i] = sum;
    }
}

// Products of batches: y (n,M,N) = a (n,M,K) · b (n,K,N), of which am and ak are the
// distances of rows and columns, bk and bn those of b. A block makes one tile of 16×16
// after the other; tiles is how many there are.
extern "C" __global__ void __launch_bounds__(256) batched(float* y, const float* a, const float* b, int tiles, int M, int N, int K,
        int am, int ak, int bk, int bn) {
    __shared__ float ta[16][17], tb[16][17];
    int across = (N + 15) / 16, down = (M + 15) / 16;
    int tx = threadIdx.x % 16, ty = threadIdx.x / 16;
    for (int t = blockIdx.x; t < tiles; t += gridDim.x) {
        int r = t;
        int col = r % across * 16 + tx; r /= across;
        int row = r % down * 16 + ty; r /= down;
        const float* one = a + r * M * K;
        const float* two = b + r * K * N;
        float sum = 0.0f;
        for (int k0 = 0; k0 < K; k0 += 16) {
            ta[ty][tx] = row < M && k0 + tx < K ? one[row * am + (k0 + tx) * ak] : 0.0f;
            tb[ty][tx] = col < N && k0 + ty < K ? two[(k0 + ty) * bk + col * bn] : 0.0f;
            __syncthreads();
            for (int k = 0; k < 16; k++) sum += ta[ty][k] * tb[k][tx];
            __syncthreads();
        }
        if (row < M && col < N) y[(r * M + row) * N + col] = sum;
    }
}
