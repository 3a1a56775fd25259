#!/usr/bin/env python3
"""Trains a preset in PyTorch as a good PyTorch user would: the peer of `train` in comparisons.

    torch_ae.py fc12 5 --data DIR --threads 2
    torch_ae.py wide 3 --data DIR --device cuda --mode graph
    torch_ae.py --serve            one process for many runs, since importing PyTorch takes long

All pixels are in the device's memory as floats before the first step, losses are summed on the
device, and the host waits for it once an epoch. Parameters start as the Go trainer's do under the
same seed; rows are shuffled by PyTorch.

It prints one line of JSON. epoch_seconds is the median epoch, the first one left out where there
are several (it warms up caches, and compiles in mode compile); wall_seconds is the whole loop over
epochs. Reading data, capturing a graph and testing are in neither.

With --serve it first prints {"ready": true, ...}, then reads a request a line on standard input,
{"id": 1, "argv": ["fc12", "5", "--device", "cuda"], "seconds": 30}, and answers each with a line:
{"id": 1, "result": {...}} or {"id": 1, "error": "..."}. A request that takes longer than its
seconds is given up where Python gets to see the alarm. Anything else goes to standard error.

On a CPU with few cores compare --threads 1 and more, and set OPENBLAS_NUM_THREADS to the same
number where PyTorch uses OpenBLAS (Debian): more threads are not always faster.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import signal
import statistics
import sys
import time
import traceback
from pathlib import Path

import torch
from torch import nn

import presets
import torch_family

# Bound by arithmetic, where the presets on a GPU are bound by launches. On our side it is fc64 with
# --hidden 4096,4096 --latent 64 --batch 1024.
WIDE = {**presets.PRESETS["fc64"], "model": "wide", "hidden": [4096, 4096], "latent": 64, "batch": 1024}
CONFIGS = {**presets.PRESETS, **torch_family.CONFIGS, "wide": WIDE}


def adam(params, **options) -> torch.optim.Optimizer:
    """Adam with its fastest implementation."""
    try:
        return torch.optim.Adam(params, fused=True, **options)
    except RuntimeError:  # PyTorch before 2.4 has it for CUDA only
        return torch.optim.Adam(params, **options)


class Trainer:
    """A network with its data, ready to run epochs."""

    def __init__(self, config: dict, images: torch.Tensor, batch: int, mode: str, seed: int, compile_mode: str = "max-autotune"):
        self.images, self.batch = images, batch
        self.task = torch_family.task(config, seed)
        self.net = self.task.net.to(images.device)
        self.objective = self.forward
        self.compiled = torch.compile(self.forward, mode=compile_mode, dynamic=False) if mode == "compile" else None
        capturable = mode == "graph"
        if hasattr(self.task, "optimizers"):
            self.optimizers = self.task.optimizers(lambda params, **o: adam(params, capturable=capturable, **o))
        else:
            self.optimizers = [adam(list(self.net.parameters()), lr=config["lr"], capturable=capturable)]
        self.total = torch.zeros((), device=images.device)  # loss summed over the rows of an epoch
        if mode == "graph" and len(images) >= batch:
            self.capture()
        else:
            self.run = self.run_eager

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.task.objective(x)

    def step(self, x: torch.Tensor) -> None:
        phases = self.task.phases(x) if hasattr(self.task, "phases") else [lambda: self.objective(x)]
        for i, (optimizer, phase) in enumerate(zip(self.optimizers, phases)):
            optimizer.zero_grad(set_to_none=True)
            loss = phase()
            loss.backward()
            optimizer.step()
            if i == 0:
                self.total.add_(loss.detach(), alpha=len(x))

    def run_eager(self, rows: torch.Tensor) -> None:
        """A step; a smaller last batch is not worth compiling a second time."""
        whole = self.compiled is not None and len(rows) == self.batch
        if whole and hasattr(torch, "compiler") and hasattr(torch.compiler, "cudagraph_mark_step_begin"):
            torch.compiler.cudagraph_mark_step_begin()
        self.objective = self.compiled if whole else self.forward
        self.step(self.images.index_select(0, rows))

    def capture(self) -> None:
        """Records a whole step on a full batch as a CUDA graph; a smaller last batch runs eagerly."""
        x = self.images[: self.batch].clone()
        params = [p.detach().clone() for p in self.net.parameters()]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # a few steps first: libraries and optimizer set themselves up
            for _ in range(3):
                self.step(x)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        self.net.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            self.step(x)
        with torch.no_grad():  # as if nothing had been trained yet
            for p, saved in zip(self.net.parameters(), params):
                p.copy_(saved)
            for optimizer in self.optimizers:
                for state in optimizer.state.values():
                    for value in state.values():
                        value.zero_()

        def run(rows: torch.Tensor) -> None:
            if len(rows) < self.batch:
                self.run_eager(rows)
                return
            torch.index_select(self.images, 0, rows, out=x)
            graph.replay()

        self.run = run

    def epoch(self) -> float:
        """One pass over the images in a new order; returns the mean loss, for which it waits."""
        self.net.train()
        self.total.zero_()
        for rows in torch.randperm(len(self.images), device=self.images.device).split(self.batch):
            self.run(rows)
        return self.total.item() / len(self.images)


class Refused(Exception):
    """Arguments that this PyTorch cannot run."""


class Parser(argparse.ArgumentParser):
    """A parser that raises what it has to say."""

    def error(self, message: str):
        raise Refused(message)


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = Parser(description="Train a preset in PyTorch and print one line of JSON.")
    parser.add_argument("preset", choices=CONFIGS)
    parser.add_argument("epochs", type=int)
    parser.add_argument("--data", type=Path, default=presets.DEFAULT_DATA, help="folder of MNIST's idx files")
    parser.add_argument("--threads", type=int, help="of the CPU; default: PyTorch's choice")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument(
        "--mode",
        choices=["eager", "graph", "compile"],
        default="eager",
        help="graph: a step is one CUDA graph; compile: torch.compile (PyTorch 2)",
    )
    parser.add_argument("--compile-mode", default="max-autotune", help="mode of torch.compile")
    parser.add_argument("--batch", type=int, help="default: the preset's")
    parser.add_argument("--limit", type=int, help="train on the first so many images only")
    parser.add_argument("--tf32", action="store_true", help="let CUDA round products' factors to TF32")
    args = parser.parse_args(argv)
    for name in ("epochs", "threads", "batch", "limit"):
        value = getattr(args, name)
        if value is not None and value < 1:
            parser.error(f"{name} {value}; want at least 1")
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: this PyTorch finds no GPU; use --device cpu")
    if args.mode == "graph" and args.device != "cuda":
        parser.error("--mode graph: CUDA graphs need --device cuda")
    if args.mode == "compile" and not hasattr(torch, "compile"):
        parser.error(f"--mode compile: PyTorch {torch.__version__} has no torch.compile; want 2.0 or newer")
    return args


class Images:
    """Sets of images, each read once: reading takes longer than an epoch."""

    def __init__(self):
        self.kept = {}

    def get(self, args: argparse.Namespace, name: str, config: dict, limit: int | None) -> torch.Tensor:
        key = (args.data, args.device, name, presets.pixel_range(config), config["family"], limit)
        if key not in self.kept:
            self.kept[key] = presets.load_images(args.data, name, config, limit).to(args.device)
        return self.kept[key]


def train(args: argparse.Namespace, sets: Images) -> dict:
    torch.manual_seed(args.seed)
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.set_float32_matmul_precision("high" if args.tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = args.tf32  # PyTorch's default is True
    torch.backends.cudnn.benchmark = True

    config = CONFIGS[args.preset]
    batch = args.batch or config["batch"]
    images = sets.get(args, "train", config, args.limit)
    test = sets.get(args, "t10k", config, None)
    trainer = Trainer(config, images, batch, args.mode, args.seed, args.compile_mode)

    seconds, train_loss = [], 0.0
    if args.device == "cuda":
        torch.cuda.synchronize()
    for _ in range(args.epochs):
        before = time.perf_counter()
        train_loss = trainer.epoch()
        seconds.append(time.perf_counter() - before)

    return {
        "peer": "torch " + torch.__version__,
        "preset": args.preset,
        "device": args.device,
        "mode": args.mode,
        "tf32": args.tf32,
        "batch": batch,
        "rows": len(images),
        "epochs": args.epochs,
        "seed": args.seed,
        "threads": torch.get_num_threads(),
        "epoch_seconds": statistics.median(seconds[1:] or seconds),
        "first_epoch_seconds": seconds[0],
        "wall_seconds": sum(seconds),
        "train_loss": train_loss,
        "test_loss": presets.mean_loss(trainer.net, trainer.task.evaluate, test),
        "params": sum(p.numel() for p in trainer.net.parameters()),
    }


def late(*_) -> None:
    raise TimeoutError("took longer than its seconds")


def serve() -> None:
    """Answers requests until standard input ends. What libraries print does not get into answers."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    signal.signal(signal.SIGALRM, late)
    sets = Images()

    def answer(value: dict) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    answer({"ready": True, "torch": torch.__version__, "gpu": gpu, "torch_cuda": torch.version.cuda})
    for line in sys.stdin:
        number = None
        try:
            request = json.loads(line)
            number = request["id"]
            args = arguments([str(a) for a in request["argv"]])
            try:
                signal.setitimer(signal.ITIMER_REAL, float(request.get("seconds", 0)))
                result = train(args, sets)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            answer({"id": number, "result": result})
        except Exception as e:  # the next request may fare better
            traceback.print_exc()
            answer({"id": number, "error": f"{type(e).__name__}: {e}"[:2000]})
        clean()


def clean() -> None:
    """Forgets what a request left behind. A GPU that is no longer usable ends the process here."""
    if hasattr(torch, "_dynamo"):
        torch._dynamo.reset()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        torch.cuda.empty_cache()


def main() -> None:
    if sys.argv[1:] == ["--serve"]:
        serve()
        return
    try:
        print(json.dumps(train(arguments(sys.argv[1:]), Images())))
    except Refused as e:
        sys.exit(f"torch_ae.py: {e}")


if __name__ == "__main__":
    main()
