package gpu

import (
	"unsafe"

	"aegis/cuda/driver"
)

// defaultStream is where the driver puts copies that wait.
const defaultStream driver.Stream = 0

// word is what kernels read and write.
type word interface {
	int32 | uint32 | float32 | byte
}

// Upload copies values to the device after all queued work, and before all
// that is queued next: a copy from memory that is not page-locked may return
// before the data has arrived, and the stream would not wait for it.
func Upload[T word](c *Context, dst driver.DevicePtr, src []T) error {
	if len(src) == 0 {
		return nil
	}
	if err := c.SyncStream(c.Stream); err != nil {
		return err
	}
	if err := c.CopyToDevice(dst, bytesOf(src)); err != nil {
		return err
	}
	return c.SyncStream(defaultStream)
}

// Download copies values from the device after all queued work.
func Download[T word](c *Context, dst []T, src driver.DevicePtr) error {
	if len(dst) == 0 {
		return nil
	}
	if err := c.SyncStream(c.Stream); err != nil {
		return err
	}
	return c.CopyToHost(bytesOf(dst), src)
}

// bytesOf returns the memory of values, in the host's order of bytes: little
// endian wherever CUDA runs.
func bytesOf[T word](x []T) []byte {
	var v T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(v)))
}
