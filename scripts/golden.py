#!/usr/bin/env python3
"""Writes the golden files to which the Go tests hold the trainer, computed by PyTorch in float64.

    internal/vm/vmtest/golden/<preset>.safetensors   gradients and ten losses of a preset
                                                  (of variational ones see golden_vae.py)
    internal/vm/vmtest/golden/everything.safetensors   a program with every input; see golden_program.py
    internal/vm/vmtest/golden/batchnorm-<family>.safetensors   batch norm over steps; see golden_norm.py
    internal/vm/vmtest/golden/ema-<family>.safetensors   averages of parameters; see golden_ema.py
    internal/vm/vmtest/golden/clip.safetensors    networks with clipped gradients over steps; see golden_clip.py
    internal/infer/testdata/likelihood.json       estimates of log-likelihoods; see golden_likelihood.py
    internal/vm/vmtest/golden/aae*.safetensors    adversarial networks over steps; see golden_aae.py
    internal/vm/vmtest/golden/regular.safetensors   regularised networks over steps; see golden_runs.py
    internal/vm/vmtest/golden/optim.safetensors, model/optim/testdata/optim.json   optimizers and schedules
                                                  over fifty steps; see golden_optim.py
    testdata/pytorch/*                            state dicts and what they rebuild; see golden_import.py
    model/op/testdata/ops.json                    results and gradients of every op; see golden_ops.py

A preset's file is made from the parameters of seed 1 and MNIST's training images in the order of
the file: step s, counted from 0, trains on rows s*B to (s+1)*B - 1. All its tensors are F32:

    grad.<parameter>   gradient of the first batch's loss, before any update; of deep30's and table's
                       largest weights every 61st value
    losses (10)        loss of each of ten steps of training, each before its update; a schedule of
                       the learning rate goes over these

Metadata: preset, seed, batch, torch (the version).

On one machine and version of PyTorch the files are the same to the byte from run to run. Others
may sum in another order, which can move the last bit of a float32.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when PyTorch is loaded: sums in one order

import argparse
import json
from pathlib import Path

import numpy as np
import torch

import golden_aae
import golden_clip
import golden_ema
import golden_import
import golden_likelihood
import golden_norm
import golden_ops
import golden_optim
import golden_program
import golden_runs
import golden_vae
import presets

SEED = 1
STEPS = 10
SAMPLED, STRIDE = {"deep30", "table"}, 61  # presets of which not every gradient is written
BATCHES = {"deep30": 32, "table": 32}  # where the preset's own takes a simulated GPU long


def train(config: dict, data: Path) -> dict[str, np.ndarray]:
    """Ten steps of a preset in float64: the tensors of its golden file."""
    batch = config["batch"]
    images = presets.load_images(data, "train", config, limit=STEPS * batch).double()
    net = presets.build(config).double()
    presets.start(net, config["init"], SEED)
    loss_of = presets.LOSSES[config["loss"]]
    optimizer = torch.optim.Adam(net.parameters(), lr=config["lr"])
    schedule = presets.SCHEDULES[config["schedule"]](optimizer, STEPS)
    tensors, losses = {}, []
    for x in images.split(batch):
        optimizer.zero_grad()
        loss = loss_of(net(x), x)
        loss.backward()
        if not losses:
            tensors = {f"grad.{name}": p.grad.numpy().astype(np.float32) for name, p in net.named_parameters()}
        losses.append(loss.item())
        optimizer.step()
        schedule.step()
    if config["model"] in SAMPLED:
        tensors = {name: g.reshape(-1)[::STRIDE] if g.size > 1000 else g for name, g in tensors.items()}
    tensors["losses"] = np.array(losses, np.float32)
    return tensors


def encode_safetensors(tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> bytes:
    """A safetensors file: the header's size as uint64, the header as JSON padded with spaces to a
    multiple of 8 bytes, the values; little-endian, tensors sorted by name."""
    header: dict[str, dict] = {"__metadata__": dict(sorted(metadata.items()))}
    values, end = [], 0
    for name, tensor in sorted(tensors.items()):
        raw = tensor.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [end, end + len(raw)]}
        values.append(raw)
        end += len(raw)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *values])


def encode_cases(cases: list[dict]) -> bytes:
    """A JSON list, a case a line."""
    lines = (json.dumps(case, separators=(",", ":"), allow_nan=False) for case in cases)
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode()


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    print(f"{path}: {len(content)} bytes")


def write_optim(root: Path) -> None:
    metadata = {"cases": json.dumps(golden_optim.networks()), "seed": str(golden_optim.SEED), "torch": torch.__version__}
    content = encode_safetensors(golden_optim.all_networks(), metadata)
    write(root / "internal/vm/vmtest/golden/optim.safetensors", content)
    lists = golden_optim.cases()
    text = ",\n".join(f'"{name}": {encode_cases(lists[name]).decode().strip()}' for name in sorted(lists))
    write(root / "model/optim/testdata/optim.json", ("{\n" + text + "\n}\n").encode())


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the golden files of the Go tests.")
    parser.add_argument("--data", type=Path, default=presets.DEFAULT_DATA, help="folder of MNIST's idx files")
    parser.add_argument(
        "--root", type=Path, default=Path(__file__).resolve().parent.parent, help="folder to write them under"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    write(args.root / "model/op/testdata/ops.json", encode_cases(golden_ops.cases()))
    write(args.root / "internal/infer/testdata/likelihood.json", encode_cases(golden_likelihood.cases()))
    for name, content in golden_import.files().items():
        write(args.root / "testdata/pytorch" / name, content)
    write(
        args.root / "internal/vm/vmtest/golden/everything.safetensors",
        encode_safetensors(golden_program.train(), {"seed": str(golden_program.SEED), "torch": torch.__version__}),
    )
    configs = {name: {**config, "batch": BATCHES.get(name, config["batch"])} for name, config in presets.PRESETS.items()}
    files = {name: (train(config, args.data), config["batch"]) for name, config in configs.items()}
    files |= {name: (golden_vae.train(name, args.data), golden_vae.BATCH) for name in golden_vae.NETWORKS}
    whole = {name: golden_norm.train(name) for name in golden_norm.CONFIGS}
    whole |= {name: golden_aae.train(name) for name in golden_aae.CONFIGS}
    whole |= {name: golden_ema.train(name) for name in golden_ema.CONFIGS}
    for name, tensors in whole.items():
        content = encode_safetensors(tensors, {"seed": str(SEED), "torch": torch.__version__})
        write(args.root / f"internal/vm/vmtest/golden/{name}.safetensors", content)
    for name, networks in ("regular", golden_runs), ("clip", golden_clip):
        content = encode_safetensors(networks.all_networks(), {"seed": str(networks.SEED), "torch": torch.__version__})
        write(args.root / f"internal/vm/vmtest/golden/{name}.safetensors", content)
    write_optim(args.root)
    for name, (tensors, batch) in files.items():
        metadata = {
            "preset": name,
            "seed": str(SEED),
            "batch": str(batch),
            "torch": torch.__version__,
        }
        write(args.root / f"internal/vm/vmtest/golden/{name}.safetensors", encode_safetensors(tensors, metadata))
        print("  losses " + " ".join(f"{v:.6f}" for v in tensors["losses"]))


if __name__ == "__main__":
    main()
