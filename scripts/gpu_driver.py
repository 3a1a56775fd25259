"""The few calls of libcuda.so.1 that gpu_check.py needs itself, and what the host is."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import subprocess
import time
from pathlib import Path


class NoGPU(Exception):
    """There is no GPU to check."""


class CUDA:
    """The driver and its first device."""

    def __init__(self):
        try:
            self.lib = ctypes.CDLL("libcuda.so.1")
        except OSError:
            raise NoGPU("libcuda.so.1 not found: install the NVIDIA driver") from None
        self.call("cuInit", 0)
        if self.number("cuDeviceGetCount") == 0:
            raise NoGPU("the driver finds no GPU: check nvidia-smi and CUDA_VISIBLE_DEVICES")
        self.device = self.number("cuDeviceGet", 0)

    def call(self, name: str, *args) -> None:
        status = getattr(self.lib, name)(*args)
        if status:
            text = ctypes.c_char_p()
            self.lib.cuGetErrorName(status, ctypes.byref(text))
            raise NoGPU(f"{name}: {(text.value or b'error').decode()} ({status})")

    def number(self, name: str, *args) -> int:
        value = ctypes.c_int()
        self.call(name, ctypes.byref(value), *args)
        return value.value

    def describe(self) -> dict:
        name = ctypes.create_string_buffer(256)
        self.call("cuDeviceGetName", name, len(name), self.device)
        memory = ctypes.c_size_t()
        self.call("cuDeviceTotalMem_v2", ctypes.byref(memory), self.device)
        version = self.number("cuDriverGetVersion")
        major, minor = (self.number("cuDeviceGetAttribute", a, self.device) for a in (75, 76))
        return {
            "gpu": name.value.decode(errors="replace"),
            "memory_bytes": memory.value,
            "compute_capability": f"{major}.{minor}",
            "multiprocessors": self.number("cuDeviceGetAttribute", 16, self.device),
            "driver": driver_version(),
            "cuda": f"{version // 1000}.{version % 1000 // 10}",
        }

    def load(self, path: Path) -> dict:
        """Compiles a PTX file; returns the time, and the kernels that keep values in local memory."""
        text = path.read_bytes()
        module, before = ctypes.c_void_p(), time.perf_counter()
        self.call("cuModuleLoadData", ctypes.byref(module), text + b"\0")
        seconds = time.perf_counter() - before
        names = re.findall(rb"\.visible \.entry (\w+)\(", text)
        spills = {}
        for name in names:
            kernel = ctypes.c_void_p()
            self.call("cuModuleGetFunction", ctypes.byref(kernel), module, name)
            if local := self.number("cuFuncGetAttribute", 3, kernel):
                spills[name.decode()] = local
        return {"file": path.name, "kernels": len(names), "seconds": round(seconds, 3), "local_bytes": spills}

    def load_all(self, folder: Path) -> list[dict]:
        """Every PTX file of a folder, in one context."""
        context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), self.device)
        self.call("cuCtxSetCurrent", context)
        return [self.load(path) for path in sorted(folder.glob("*.ptx"))]


class StandIn:
    """What tests have in place of a driver; gpu_check.py says so in everything it writes."""

    def describe(self) -> dict:
        return {
            "gpu": "stand-in (not a GPU)",
            "memory_bytes": 1 << 30,
            "compute_capability": "0.0",
            "multiprocessors": 1,
            "driver": "none",
            "cuda": "0.0",
        }

    def load_all(self, folder: Path) -> list[dict]:
        return [{"file": p.name, "kernels": 0, "seconds": 0.0, "local_bytes": {}} for p in sorted(folder.glob("*.ptx"))]


def driver_version() -> str:
    """The kernel driver's version, such as 550.54.14."""
    try:
        text = Path("/proc/driver/nvidia/version").read_text(errors="replace")
    except OSError:
        text = ""
    if match := re.search(r"\s(\d+\.\d+(?:\.\d+)?)\s", text):
        return match[1]
    try:
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        done = subprocess.run(query, capture_output=True, text=True, errors="replace", timeout=8)
        return done.stdout.split("\n")[0].strip() or "unknown"
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"


def processor() -> dict:
    """The CPU's name and how many cores this process may use."""
    name = platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
            name = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), name)
    except OSError:
        pass
    return {"cpu": name, "cores": len(os.sched_getaffinity(0))}
