// Activations, losses and the like: bound by memory, a thread takes one value
// after the other, a warp a line of memory at a time.
#include "common.cuh"

#define EACH(i, n) for (int i = blockIdx.x * 256 + threadIdx.x, end = n; i < end; i += gridDim.x * 256)

// y = f(z)
extern "C" __global__ void __launch_bounds__(256) activate(const float* z, float* y, int width, int kind, float alpha,
        const Step* __restrict__ step) {
    EACH(i, extent(step, width)) y[i] = activated(kind, z[i], alpha);
}

// dz = g·f'(y)
extern "C" __global__ void __launch_bounds__(256) slope(const float* g, const float* y, float* dz, int width, int kind,
        float alpha, const Step* __restrict__ step) {
    EACH(i, extent(step, width)) dz[i] = sloped(kind, g[i], y[i], alpha);
}

// c = a + b
extern "C" __global__ void __launch_bounds__(256) add(const float* a, const float* b, float* c, int width,
        int whole, const Step* __restrict__ step) {
    EACH(i, extent(step, width, whole)) c[i] = a[i] + b[i];
}

// c = a·b
extern "C" __global__ void __launch_bounds__(256) mul(const float* a, const float* b, float* c, int width,
        const Step* __restrict__ step) {
    EACH(i, extent(step, width)) c[i] = a[i] * b[i];
}

// factor, or where there is a scalar factor·scalar.
__device__ __forceinline__ float scaled(float factor, const float* scalar) { return scalar ? factor * *scalar : factor; }

// c = a + factor·(b − a), three roundings, or with factor·scalar; c may be b.
extern "C" __global__ void __launch_bounds__(256) lerp(const float* a, const float* b, const float* scalar, float* c,
        float factor, int width, const Step* __restrict__ step) {
    if (step->n == 0) return;
    factor = scaled(factor, scalar);
    EACH(i, extent(step, width, 1)) c[i] = __fadd_rn(a[i], __fmul_rn(factor, __fsub_rn(b[i], a[i])));
}

// y = factor·x, or factor·scalar·x
extern "C" __global__ void __launch_bounds__(256) scale(const float* x, const float* scalar, float* y, float factor,
        int width, int whole, const Step* __restrict__ step) {
    if (step->n == 0) return;
    factor = scaled(factor, scalar);
    EACH(i, extent(step, width, whole)) y[i] = factor * x[i];
}

// y = x
extern "C" __global__ void __launch_bounds__(256) copy(const float* x, float* y, int width, int whole,
        const Step* __restrict__ step) {
    EACH(i, extent(step, width, whole)) y[i] = x[i];
}

// losses[index·stride] = x
extern "C" __global__ void __launch_bounds__(32) collect(const float* x, float* losses, int stride,
        const Step* __restrict__ step) {
    if (step->n > 0) losses[(size_t)step->index * stride] = *x;
}

enum LossKind { MSE, MAE, HUBER, BCE, BCE_LOGITS, GAUSSIAN, KL };

// A loss and its derivative by the prediction.
struct Point {
    float value, slope;
};

// See model/op: mse.go and its neighbours. PyTorch's BCE: logarithms not below
// −100, the derivative's denominator not below 1e-12.
__device__ __forceinline__ Point loss_at(int kind, float y, float t, float delta) {
    const float d = y - t;
    Point p = {d * d, 2.0f * d};
    switch (kind) {
    case MAE:
        p.value = fabsf(d);
        p.slope = d > 0.0f ? 1.0f : d < 0.0f ? -1.0f : d; // 0, or NaN
        break;
    case HUBER: {
        const float c = d > delta ? delta : d < -delta ? -delta : d;
        p.value = c * (d - 0.5f * c);
        p.slope = c;
        break;
    }
    case BCE: {
        const float a = logf(y), b = log1pf(-y), v = y * (1.0f - y);
        p.value = -(t * (a < -100.0f ? -100.0f : a) + (1.0f - t) * (b < -100.0f ? -100.0f : b));
        p.slope = d / (v < 1e-12f ? 1e-12f : v);
        break;
    }
    case BCE_LOGITS:
        p.value = (y < 0.0f ? 0.0f : y) - y * t + log1pf(expf(-fabsf(y)));
        p.slope = sigmoid(y) - t;
        break;
    case GAUSSIAN: {
        const float e = d / delta;
        p.value = 0.5f * e * e + (logf(delta) + 0.91893853f);
        p.slope = e / delta;
        break;
    }
    case KL:
        p.value = 0.5f * (y * y + (expm1f(t) - t));
        p.slope = y;
    }
    return p;
}

// value = Σ l/(D·n), grad = upstream·l'/(D·n)·f'(y), with a scalar also times
// that. Each block adds up its part; the last to finish adds the parts in their
// order, whichever block that is, and sets the counter back. No second launch
// waits for the sum.
extern "C" __global__ void __launch_bounds__(256) loss(const float* pred, const float* target, const float* scalar,
        const float* y, float* grad, float* value, volatile float* parts, unsigned* counter, int width, int divisor,
        int stride, int kind, int function, float upstream, float delta, float alpha, const Step* __restrict__ step) {
    __shared__ float part[8];
    __shared__ bool last;
    const int n = step->n;
    if (n == 0) return;
    const float factor = 1.0f / ((float)n * (float)divisor), down = factor * scaled(upstream, scalar);
    float sum = 0.0f;
    EACH(i, n * width) {
        const Point p = loss_at(kind, pred[i], target[i], delta);
        sum += p.value;
        if (grad) grad[i] = function ? sloped(function, p.slope * down, y[i], alpha) : p.slope * down;
    }
    sum = block_sum(sum, part);
    if (threadIdx.x == 0) {
        parts[blockIdx.x] = sum;
        __threadfence();
        last = atomicAdd(counter, 1u) == gridDim.x - 1;
        __threadfence();
    }
    __syncthreads();
    if (!last) return;
    sum = 0.0f;
    for (int i = threadIdx.x; i < gridDim.x; i += 256) sum += parts[i];
    sum = block_sum(sum, part);
    if (threadIdx.x == 0) {
        value[(size_t)step->index * stride] = sum * factor;
        *counter = 0;
    }
}
