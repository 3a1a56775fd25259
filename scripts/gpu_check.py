#!/usr/bin/env python3
"""What gpu-check.sh runs: parts on a GPU, each with its verdicts in one JSON file.

    gpu_check.py pack DIR FILE         makes the archive that travels
    gpu_check.py run PART OUT          beside an unpacked archive's files
    gpu_check.py describe              prints the GPU as JSON
    gpu_check.py ptx                   loads every PTX file, and prints JSON

Tests set GPU_CHECK_STAND_IN to a JSON object: then there is no driver, clocks run by its "scale",
and the results say "stand_in".
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import gpu_driver
import gpu_first
import gpu_kernels
import gpu_race
from gpu_part import Part

HERE = Path(__file__).resolve().parent
ARCHIVE_LIMIT = 40 << 20  # bytes

# Seconds that a part may take, from its first command to the written file, and what is in it.
PARTS = {"first": (95, gpu_first.items), "kernels": (75, gpu_kernels.items), "race": (165, gpu_race.items)}


def stand_in() -> dict | None:
    text = os.environ.get("GPU_CHECK_STAND_IN")
    return json.loads(text) if text else None


def driver():
    return gpu_driver.CUDA() if stand_in() is None else gpu_driver.StandIn()


def pack(folder: Path, out: Path) -> None:
    """Packs a folder's files. The dictionary spans them all: several binaries hold the same images."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 128 << 20}]
    with lzma.open(out, "wb", filters=filters) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name)
    size = out.stat().st_size
    if size > ARCHIVE_LIMIT:
        sys.exit(f"gpu-check: {out}: {size / 2**20:.1f} MiB, want at most {ARCHIVE_LIMIT >> 20}")
    print(f"gpu-check: {out}: {size / 2**20:.1f} MiB")


def describe() -> dict:
    """The GPU, asked for in a process of its own: a driver that hangs or crashes is its end."""
    try:
        done = subprocess.run(
            [sys.executable, __file__, "describe"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30
        )
    except subprocess.TimeoutExpired:
        raise gpu_driver.NoGPU("the driver does not answer") from None
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode != 0:
        raise gpu_driver.NoGPU(lines[-1].removeprefix("gpu-check: no GPU: ") if lines else f"exit {done.returncode}")
    return json.loads(lines[-1])


def run(name: str, out: Path) -> bool:
    gpu = describe()
    limit, items = PARTS[name]
    out.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="gpu-check-"))
    try:
        part = Part(name, limit, out.resolve(), work, stand_in())
        part.result.update(gpu)
        part.result.update(json.loads((HERE / "build.json").read_text()))
        passed = part.run(items)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"gpu-check: {name}: {'passed' if passed else 'FAILED'} in {part.result['seconds']} s: {out / name}.json")
    return passed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="make the archive")
    packing.add_argument("folder", type=Path)
    packing.add_argument("out", type=Path)
    running = commands.add_parser("run", help="run a part")
    running.add_argument("part", choices=PARTS)
    running.add_argument("out", type=Path)
    running.add_argument("--remove", action="store_true", help="remove this program's folder at the end")
    commands.add_parser("describe", help="describe the GPU")
    commands.add_parser("ptx", help="load every PTX file")
    args = parser.parse_args()
    try:
        if args.command == "pack":
            pack(args.folder, args.out)
        elif args.command == "describe":
            print(json.dumps(driver().describe()))
        elif args.command == "ptx":
            print(json.dumps(driver().load_all(HERE / "ptx")))
        else:
            sys.exit(0 if run(args.part, args.out) else 1)
    except gpu_driver.NoGPU as e:
        sys.exit(f"gpu-check: no GPU: {e}")
    finally:
        if args.command == "run" and args.remove:
            shutil.rmtree(HERE, ignore_errors=True)


if __name__ == "__main__":
    main()
