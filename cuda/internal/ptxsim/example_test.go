package ptxsim_test

import (
	"fmt"

	"aegis/cuda/driver"
	"aegis/cuda/internal/ptxsim"
)

// A kernel that writes one float past its memory.
func Example() {
	const ptx = `
.version 7.8
.target sm_80
.address_size 64
.visible .entry ones(.param .u64 out)
{
	.reg .b32 %r<2>;
	.reg .b64 %rd<3>;
	ld.param.u64 %rd1, [out];
	mov.u32 %r1, %tid.x;
	mad.wide.u32 %rd2, %r1, 4, %rd1;
	st.global.f32 [%rd2], 0f3F800000;
	ret;
}`
	c, err := ptxsim.Open(ptxsim.Options{}).Context(0)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = driver.Do(c, func() error {
		m, err := c.LoadModule([]byte(ptx))
		if err != nil {
			return err
		}
		f, err := c.Function(m, "ones")
		if err != nil {
			return err
		}
		p, err := c.Alloc(4 * 31)
		if err != nil {
			return err
		}
		cfg := driver.LaunchConfig{Grid: driver.Dim3{X: 1, Y: 1, Z: 1}, Block: driver.Dim3{X: 32, Y: 1, Z: 1}}
		if err := c.Launch(f, cfg, driver.Ptr(p)); err != nil {
			return err
		}
		return c.Synchronize()
	})
	fmt.Println(err)
	// Output:
	// cuda: cuCtxSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered): ptxsim: access out of bounds: kernel ones at PTX line 12, block (0,0,0) thread (31,0,0): write of 4 bytes at 0x7f000000007c: 0 bytes past the end of an allocation of 124 bytes
}
