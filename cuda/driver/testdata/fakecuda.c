// A libcuda that only notes its calls, for purego_linux_test.go.
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char notes[1 << 16];
static size_t used;
static char failing[64];
static int code;

const char* fake_notes(void) { return notes; }
void fake_clear(void) { used = 0; notes[0] = 0; }
void fake_fail(const char* name, int result) { snprintf(failing, sizeof failing, "%s", name); code = result; }

static int note(const char* name, const char* format, ...) {
    va_list a;
    va_start(a, format);
    used += snprintf(notes + used, sizeof notes - used, "%s ", name);
    used += vsnprintf(notes + used, sizeof notes - used, format, a);
    used += snprintf(notes + used, sizeof notes - used, "\n");
    va_end(a);
    return strcmp(name, failing) ? 0 : code;
}
#define NOTE(...) note(__func__, __VA_ARGS__)
typedef uintptr_t H;
typedef uint64_t P;
typedef unsigned U;
#define HEX "%llx"
#define X(v) (unsigned long long)(v)

// Devices are of compute capability 9.0, and open, unless a define says otherwise.
#ifndef FAKE_MAJOR
#define FAKE_MAJOR 9
#endif
#ifndef FAKE_RETAIN
#define FAKE_RETAIN 0
#endif
#ifdef FAKE_INIT
int cuInit(U flags) { return FAKE_INIT; }
#else
int cuInit(U flags) { return NOTE("%u", flags); }
#endif
int cuDriverGetVersion(int* v) { *v = 12040; return NOTE(""); }
int cuDeviceGetCount(int* n) { *n = 2; return NOTE(""); }
int cuDeviceGet(int* d, int i) { *d = 10 + i; return NOTE("%d", i); }
int cuDeviceGetName(char* b, int n, int d) { snprintf(b, n, "Fake GPU %d", d); return NOTE("%d", d); }
int cuDeviceTotalMem_v2(size_t* b, int d) { *b = 1ull << 37; return NOTE("%d", d); }
int cuDeviceGetAttribute(int* v, int a, int d) { *v = a == 75 ? FAKE_MAJOR : a == 76 ? 0 : 1000 + a; return NOTE("%d %d", a, d); }
int cuDevicePrimaryCtxRetain(H* c, int d) { *c = 0xc0ffee; NOTE("%d", d); return FAKE_RETAIN; }
#ifndef FAKE_OLD
int cuDevicePrimaryCtxRelease_v2(int d) { return NOTE("%d", d); }
#endif
int cuCtxSetCurrent(H c) { return NOTE(HEX, X(c)); }
int cuCtxSynchronize(void) { return NOTE(""); }
int cuModuleLoadDataEx(H* m, const char* image, U n, const int* o, void** v) {
    *m = 0x30d;
    for (U i = 0; i < n; i++) if (o[i] == 5 && code) snprintf(v[i], (size_t)v[i + 1], "ptxas: line 3 is wrong");
    return NOTE("%s %u", image, n);
}
int cuModuleUnload(H m) { return NOTE(HEX, X(m)); }
int cuModuleGetFunction(H* f, H m, const char* name) { *f = 0xf0; return NOTE(HEX " %s", X(m), name); }
int cuMemGetInfo_v2(size_t* f, size_t* t) { *f = 1ull << 36; *t = 1ull << 37; return NOTE(""); }
int cuMemAlloc_v2(P* p, size_t n) { *p = 0x7f1234567800; return NOTE("%zu", n); }
int cuMemFree_v2(P p) { return NOTE(HEX, X(p)); }
int cuMemcpyHtoD_v2(P d, const char* s, size_t n) { return NOTE(HEX " %.*s", X(d), (int)n, s); }
int cuMemcpyDtoH_v2(char* d, P s, size_t n) { memset(d, 'x', n); return NOTE(HEX " %zu", X(s), n); }
int cuMemsetD32Async(P d, U v, size_t n, H st) { return NOTE(HEX " %u %zu " HEX, X(d), v, n, X(st)); }
int cuStreamCreate(H* s, U flags) { *s = 0x57; return NOTE("%u", flags); }
int cuStreamDestroy_v2(H s) { return NOTE(HEX, X(s)); }
int cuStreamSynchronize(H s) { return NOTE(HEX, X(s)); }
int cuEventCreate(H* e, U flags) { *e = 0xe0 + flags; return NOTE("%u", flags); }
int cuEventDestroy_v2(H e) { return NOTE(HEX, X(e)); }
int cuEventRecord(H e, H s) { return NOTE(HEX " " HEX, X(e), X(s)); }
int cuEventSynchronize(H e) { return NOTE(HEX, X(e)); }
// The kernel's parameters are taken to be float*, int, float, double.
int cuLaunchKernel(H f, U gx, U gy, U gz, U bx, U by, U bz, U shared, H s, void** p, void** extra) {
    return NOTE(HEX " %u,%u,%u %u,%u,%u %u " HEX " | " HEX " %d %g %g %d", X(f), gx, gy, gz, bx, by, bz, shared, X(s),
        X(*(P*)p[0]), *(int*)p[1], *(float*)p[2], *(double*)p[3], extra != NULL);
}
// What a VM trains without.
#ifndef FAKE_BARE
int cuGetErrorName(int r, const char** s) { *s = r == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : r == 100 ? "CUDA_ERROR_NO_DEVICE" : r == 777 ? "CUDA_ERROR_FROM_THE_FUTURE" : NULL; return *s ? 0 : 1; }
int cuGetErrorString(int r, const char** s) { *s = r == 2 ? "out of memory" : r == 777 ? "not yet known" : NULL; return *s ? 0 : 1; }
int cuFuncGetAttribute(int* v, int a, H f) { *v = 50 + a; return NOTE("%d " HEX, a, X(f)); }
int cuFuncSetAttribute(H f, int a, int v) { return NOTE(HEX " %d %d", X(f), a, v); }
int cuMemAllocHost_v2(void** p, size_t n) { *p = calloc(1, n); return NOTE("%zu", n); }
int cuMemFreeHost(void* p) { free(p); return NOTE(""); }
int cuMemcpyHtoDAsync_v2(P d, const char* s, size_t n, H st) { return NOTE(HEX " %.*s " HEX, X(d), (int)n, s, X(st)); }
int cuMemcpyDtoHAsync_v2(char* d, P s, size_t n, H st) { memset(d, 'y', n); return NOTE(HEX " %zu " HEX, X(s), n, X(st)); }
int cuMemcpyDtoDAsync_v2(P d, P s, size_t n, H st) { return NOTE(HEX " " HEX " %zu " HEX, X(d), X(s), n, X(st)); }
int cuMemsetD8Async(P d, unsigned char v, size_t n, H st) { return NOTE(HEX " %u %zu " HEX, X(d), v, n, X(st)); }
int cuStreamWaitEvent(H s, H e, U flags) { return NOTE(HEX " " HEX " %u", X(s), X(e), flags); }
int cuEventQuery(H e) { return NOTE(HEX, X(e)); }
int cuEventElapsedTime(float* ms, H a, H b) { *ms = 1.5f; return NOTE(HEX " " HEX, X(a), X(b)); }
int cuStreamBeginCapture_v2(H s, int mode) { return NOTE(HEX " %d", X(s), mode); }
int cuStreamEndCapture(H s, H* g) { *g = 0x9a; return NOTE(HEX, X(s)); }
int cuGraphInstantiateWithFlags(H* x, H g, unsigned long long flags) { *x = 0xe8ec; return NOTE(HEX " %llu", X(g), flags); }
int cuGraphLaunch(H x, H s) { return NOTE(HEX " " HEX, X(x), X(s)); }
int cuGraphDestroy(H g) { return NOTE(HEX, X(g)); }
int cuGraphExecDestroy(H x) { return NOTE(HEX, X(x)); }
#endif
