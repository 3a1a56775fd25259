#!/usr/bin/env python3
"""Our CPU VM beside PyTorch, by turns, as ratios: what compare-torch.sh runs.

A time is the wall time of a whole process that trains three epochs less that
of one that trains one, so that nothing an epoch does is left out and nothing
that happens once is counted. PyTorch runs at the best of its thread settings,
found first by a short trial of each. A ratio is PyTorch's time over ours, of
neighbours in time; its median over the rounds is what counts. The wide network
(784-4096-4096-64 and back, batch 1024) trains on 8192 images and is tested on
1000 after each epoch. There is a second ratio there, of both sides' own clocks
around an epoch's steps, since PyTorch's side tests nothing between epochs and
saves no 40 million parameters; it is given as GFLOPS too.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

PRESETS = ["fc12", "fc64", "fc128", "fc3", "conv", "vae", "conv-vae", "aae", "denoise", "wide"]
WIDE = ["--model", "fc64", "--hidden", "4096,4096", "--latent", "64", "--batch", "1024"]
WIDE_WEIGHTS = 2 * (784 * 4096 + 4096 * 4096 + 4096 * 64)
WIDE_ROWS = 8192
OPTIONS = {"wide": [*WIDE, "--limit", str(WIDE_ROWS), "--test-limit", "1000"], "denoise": ["--model", "conv", "--corrupt", "gaussian:0.5"]}
DATA = "data/mnist"


def cores():
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def run(command, env=None):
    """Wall seconds of a command, and what it printed."""
    start = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **(env or {})}, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return seconds, done.stdout


def ours(preset, epochs, threads):
    """Wall seconds of a run, and the seconds of an epoch by its summary."""
    with tempfile.TemporaryDirectory() as out:
        command = ["build/train", "--device", "cpu", "--quiet", "--epochs", str(epochs), "--out", out]
        command += OPTIONS.get(preset, ["--model", preset])
        seconds = run(command + (["--threads", str(threads)] if threads else []))[0]
        with open(os.path.join(out, "summary.json"), encoding="utf-8") as f:
            return seconds, json.load(f)["epoch_seconds"]


def torch(preset, epochs, setting, *more):
    threads, blas = setting
    command = [sys.executable, "scripts/torch_ae.py", preset, str(epochs), "--data", DATA, "--threads", str(threads), *more]
    if preset == "wide":
        command += ["--batch", "1024"] + (["--limit", str(WIDE_ROWS)] if "--limit" not in more else [])
    seconds, text = run(command, {"OPENBLAS_NUM_THREADS": str(blas), "OMP_NUM_THREADS": str(threads)})
    return seconds, json.loads(text.splitlines()[-1])


def best_setting(preset, threads):
    """The thread counts of PyTorch and of its BLAS that train fastest."""
    if threads == 1:
        return 1, 1
    n = cores()
    trials = {}
    for setting in [(1, 1), (n, 1), (1, n), (n, n)]:
        more = ["--limit", "2048" if preset == "wide" else "12800"]
        trials[setting] = torch(preset, 2, setting, *more)[1]["epoch_seconds"]
    return min(trials, key=trials.get)


def compare(preset, rounds, threads):
    """Prints one row of the table."""
    setting = best_setting(preset, threads)
    mine, theirs, clocks = [], [], []
    for _ in range(rounds):
        long, clock = ours(preset, 3, threads)
        mine.append((long - ours(preset, 1, threads)[0]) / 2)
        long, printed = torch(preset, 3, setting)
        theirs.append((long - torch(preset, 1, setting)[0]) / 2)
        clocks.append((clock, printed["epoch_seconds"]))
    ratio = statistics.median(t / m for m, t in zip(mine, theirs))
    row = {
        "preset": preset, "threads": threads or cores(), "torch_threads": setting[0], "torch_blas_threads": setting[1],
        "ours_s": round(statistics.median(mine), 3), "torch_s": round(statistics.median(theirs), 3), "ratio": round(ratio, 2),
    }
    if preset == "wide":  # forward, and two products back but for the first layer's
        flops = (6 * WIDE_WEIGHTS - 2 * 784 * 4096) * WIDE_ROWS
        row["steps_ratio"] = round(statistics.median(t / m for m, t in clocks), 2)
        row["ours_gflops"], row["torch_gflops"] = (round(flops / statistics.median(side) / 1e9) for side in zip(*clocks))
    print(json.dumps(row), flush=True)


def machine():
    """The processor's name."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
            return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("presets", nargs="*", default=PRESETS)
    p.add_argument("--rounds", type=int, default=5)
    a = p.parse_args()
    import torch as library
    version = run(["build/train", "--version"])[1].strip()
    print(json.dumps({"machine": machine(), "cores": cores(), "torch": library.__version__, "aegis": version}), flush=True)
    for preset in a.presets:
        compare(preset, a.rounds, 0)
        if preset in ("fc12", "conv"):
            compare(preset, a.rounds, 1)


main()
