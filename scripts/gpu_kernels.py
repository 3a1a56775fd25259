"""Part kernels: how long each kernel takes, beside the least that its bytes and FLOPs take."""

from __future__ import annotations

import json
from pathlib import Path

from gpu_part import Failed, Part, ending, tail, timed_out

HERE = Path(__file__).resolve().parent
PRESETS = ["bench", "fc12", "conv", "fc64", "fc128", "fc3", "vae", "conv-vae", "cvae", "aae", "deep30", "wide"]

HOW = (
    "Each operation of a training step: copies of it, one after the other, captured in one CUDA graph; GPU events "
    "around some replays that take about 2 ms, behind one more that keeps the GPU busy while they are launched, over replays and "
    "copies; the median and the least of several such samples. step and barrier are one replay a sample. Operands "
    "stay in the L2 cache where they fit, as some do in training. empty_node is such a graph of an empty kernel of one "
    "block; barrier is a kernel of one block for each multiprocessor with 1000 grid-wide barriers by an atomic counter, "
    "less the same kernel with none, over 1000. step is a step in the graph that training replays. "
    "bytes: every operand read or written once (parameters and optimizer slots that an update changes: both). flops: two "
    "for each product that is summed in a matrix product or convolution, products with padding left out, nothing else. "
    "bytes_floor_us: bytes over 2 x memory clock x bus width; flops_floor_us: flops over multiprocessors x clock x 128 "
    "lanes x 2, in float32 without tensor cores; both from the device's attributes, null where it has none. The wide "
    "network is fc64 --hidden 4096,4096 --latent 64 at batch 1024."
)


def items(part: Part) -> None:
    part.result["how"] = HOW
    for preset in PRESETS:
        part.item(preset, lambda preset=preset: times(part, preset), need=4)


def times(part: Part, preset: str) -> dict:
    """A process of its own for each preset: a fault of the GPU ends no other's."""
    limit = 40 if preset == "wide" else 20
    env = {"AEGIS_KERNEL_TIMES": str(part.work)}
    if not part.result["stand_in"]:
        env["AEGIS_TEST_GPU"] = "1"
    path = part.work / f"{preset}.json"
    path.unlink(missing_ok=True)
    shorter = part.shorter(limit)
    seconds = max(2.0, min(limit, part.left() - 1) - 2) * part.scale
    command = [HERE / "cuda.test", "-test.v", f"-test.run=^TestKernelTimes$/^{preset}$", f"-test.timeout={seconds:.1f}s"]
    code, text = part.command(command, limit, **env)
    try:
        measured = json.loads(path.read_text())
    except (OSError, ValueError):
        measured = None
    item = {"pass": code == 0 and measured is not None, "times": measured}
    if code != 0:
        item["reason"] = f"cuda.test: {ending(code)}: {tail(text, 20)}"
        if shorter and timed_out(code, text):
            item["pass"] = None
    elif measured is None:
        raise Failed(f"cuda.test wrote no {path.name}: {tail(text, 5)}")
    elif measured["device"]["simulator"] and not part.result["stand_in"]:
        item.update({"pass": False, "reason": "it ran on the simulator"})
    return item
