#!/usr/bin/env python3
"""Shows that PyTorch loads a model that `train` wrote: builds the network that the file's
metadata describes, loads the parameters strictly by name, and prints the loss over MNIST's test
images as a line of JSON.

    torch_load.py runs/fc12/model.safetensors --expect 0.0682

It reads the file with the safetensors package where that is installed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

import presets
import torch_family

try:
    from safetensors.torch import load_file
except ImportError:
    load_file = None

TOLERANCE = 1e-4  # of --expect: float32 sums in another order differ by far less


def read_header(path: Path) -> tuple[dict, int]:
    """The header of a safetensors file, and where its data starts."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > path.stat().st_size - 8:
            raise ValueError(f"torch_load: {path}: not a safetensors file")
        return json.loads(file.read(size)), 8 + size


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file of float32 values, by name."""
    header, start = read_header(path)
    data = path.read_bytes()[start:]
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "F32":
            raise ValueError(f"torch_load: {path}: {name} has dtype {entry['dtype']}; want F32")
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[begin:end], "<f4").astype(np.float32)
        tensors[name] = torch.from_numpy(values).reshape(entry["shape"])
    return tensors


def read_config(path: Path) -> dict:
    """The description of the network in the file's metadata."""
    metadata = read_header(path)[0].get("__metadata__", {})
    if "config" not in metadata:
        raise ValueError(f'torch_load: {path}: no "config" in the metadata; want a model that `train` wrote')
    return json.loads(metadata["config"])


def load(path: Path) -> tuple[torch_family.Task, dict]:
    """The model in a file with its loss, and its config."""
    config = read_config(path)
    task = torch_family.task(config, 1)
    task.net.load_state_dict(load_file(str(path)) if load_file else read_tensors(path), strict=True)
    return task, config


def main() -> None:
    parser = argparse.ArgumentParser(description="Load a model into PyTorch and test it.")
    parser.add_argument("model", type=Path, metavar="MODEL.safetensors")
    parser.add_argument("--data", type=Path, default=presets.DEFAULT_DATA, help="folder of MNIST's idx files")
    parser.add_argument("--expect", type=float, metavar="LOSS", help=f"fail unless within {TOLERANCE:g} of it")
    args = parser.parse_args()
    try:
        task, config = load(args.model)
        images = presets.load_images(args.data, "t10k", config)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: load_state_dict's
        sys.exit(str(error))
    loss = presets.mean_loss(task.net, task.evaluate, images)
    print(json.dumps({"params": sum(p.numel() for p in task.net.parameters()), "test_loss": loss}))
    if args.expect is not None and not abs(loss - args.expect) <= TOLERANCE:
        sys.exit(f"torch_load: {args.model}: test loss {loss:.6f}; want {args.expect:.6f} within {TOLERANCE:g}")


if __name__ == "__main__":
    main()
