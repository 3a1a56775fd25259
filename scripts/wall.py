#!/usr/bin/env python3
"""Where the time of a whole run goes beside training.

    scripts/wall.py [--epochs N] [--rounds N] [--binary FILE] [--profile] [MODEL ...]   (default: fc12 conv wide)

For each model it trains on MNIST, with all test rows after each epoch, and
prints a line of JSON: the sum of the epochs' training clocks, the wall time from
the first step to the end of the last epoch's evaluation, and that of the whole
process, with their ratios to the clocks; the wall time before the first step and
behind the last epoch; and the processor time of all. Of several rounds it is the
one whose whole process took the least. With --profile, which needs Linux's perf,
it says too what share of the processor time each part of a run takes.
"""
import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
import time

OPTIONS = {"wide": "--model fc64 --hidden 4096,4096 --latent 64 --batch 1024 --limit 8192 --test-limit 1000".split()}

# The parts of a run by functions that are on the stack, the first that fits.
PARTS = {
    "training": ["cpu.(*exec).steps"],
    "evaluation": ["cpu.(*exec).forward"],
    "state": ["cpu.(*Machine).State", "cpu.(*Machine).SetState"],
    "files": ["run.(*Dir).", "run.EncodeTensors"],
    "pictures": ["aegis/internal/report", "session.(*trainer).drawEnd", "session.(*trainer).measureMean"],
    "start": ["aegis/data", "session.(*trainer).prepare", "runtime.doInit", "aegis/internal/cli.load"],
}


def run(command):
    """Runs a command; the wall seconds of its lines and of its end, those of its
    processors, and the lines."""
    start, lines = time.perf_counter(), []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        for line in child.stdout:
            lines.append((time.perf_counter() - start, line))
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command)}: exit {child.returncode}\n{''.join(text for _, text in lines)}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, lines


def measure(binary, model, epochs):
    """One run's times."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "run")
        whole, processors, lines = run([binary, *OPTIONS.get(model, ["--model", model]), "--device", "cpu", "--epochs", str(epochs), "--out", out])
        with open(os.path.join(out, "metrics.jsonl"), encoding="utf-8") as f:
            clocks = sum(json.loads(line)["seconds"] for line in f)
    first = next(at for at, text in lines if "training images" in text)
    last = max(at for at, text in lines if text.startswith("epoch"))
    return {
        "model": model, "epochs": epochs, "clocks_s": round(clocks, 3),
        "epochs_s": round(last - first, 3), "epochs_ratio": round((last - first) / clocks, 3),
        "whole_s": round(whole, 3), "whole_ratio": round(whole / clocks, 3),
        "start_s": round(first, 3), "end_s": round(whole - last, 3), "processors_s": round(processors, 3),
    }


def part(stack):
    """The part of a run that a stack belongs to."""
    for name, functions in PARTS.items():
        if any(function in line for function in functions for line in stack):
            return name
    return "other"


def profile(binary, model, epochs):
    """The share of each part in a run's processor time."""
    with tempfile.TemporaryDirectory() as folder:
        samples, out = os.path.join(folder, "perf.data"), os.path.join(folder, "run")
        run(["perf", "record", "-q", "-F", "499", "-g", "-o", samples, binary, *OPTIONS.get(model, ["--model", model]),
             "--device", "cpu", "--quiet", "--epochs", str(epochs), "--out", out])
        text = subprocess.run(["perf", "script", "-i", samples, "-F", "comm,ip,sym"], capture_output=True, text=True, check=True).stdout
    stacks = [stack.splitlines()[1:] for stack in text.split("\n\n") if stack.strip()]
    count = collections.Counter(part(stack) for stack in stacks)
    return {"model": model, "epochs": epochs, "percent": {name: round(100 * n / len(stacks), 2) for name, n in count.most_common()}}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("models", nargs="*", default=["fc12", "conv", "wide"])
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--binary", default="build/train", help="what trains; build/train is built first")
    p.add_argument("--profile", action="store_true")
    a = p.parse_args()
    if a.binary == "build/train":
        os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
        subprocess.run(["go", "build", "-o", a.binary, "./cmd/train"], check=True, env={**os.environ, "CGO_ENABLED": "0"})
    for model in a.models:
        runs = [measure(a.binary, model, a.epochs) for _ in range(a.rounds)]
        print(json.dumps(min(runs, key=lambda run: run["whole_s"])), flush=True)
        if a.profile:
            print(json.dumps(profile(a.binary, model, a.epochs)), flush=True)


main()
