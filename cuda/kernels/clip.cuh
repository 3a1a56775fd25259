// What the norm of gradients and the updates that clip them share.
#ifndef AEGIS_CLIP_CUH
#define AEGIS_CLIP_CUH

// A value of a gradient within ±limit; a NaN comes through.
__device__ __forceinline__ float bounded(float g, float limit) { return g > limit ? limit : g < -limit ? -limit : g; }

#endif
