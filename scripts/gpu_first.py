"""Part first: does everything run, and run right?"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from gpu_part import Failed, Part, ending, tail, timed_out

HERE = Path(__file__).resolve().parent

# Tests of files that do not travel.
WITHOUT_FILES = "^(TestSources|TestPTXIsFresh|TestFiguresOfEveryKernel|TestTilesFit|TestReadOnlyLoads)$"

# Test losses of two VMs after so much training, relative. Both sum in float32, each in its own
# order, and training carries a difference of rounding on from step to step: two sets of the CPU
# VM's own kernels, of avx512, avx2 and generic, end at most 2.0 % apart with conv, 0.2 % with fc3
# and aae, 0.03 % with conv-vae, 0.02 % with fc64 and vae, and less with the others. What computes
# something else fails the golden tests.
TRAINING = ["--epochs", "2", "--limit", "12800"]
TOLERANCE = {"fc12": 0.005, "conv": 0.06, "fc64": 0.005, "fc128": 0.005, "fc3": 0.02}
FAMILY = {"vae": 0.005, "conv-vae": 0.02, "cvae": 0.005, "aae": 0.02, "deep30": 0.005}  # last: they may run out of time


def items(part: Part) -> None:
    part.item("doctor", lambda: doctor(part))
    part.item("training, 640 images", lambda: short(part))
    part.item("kernels", lambda: tests(part, "kernels.test", 40, "-test.skip", WITHOUT_FILES))
    part.item("golden", lambda: tests(part, "cuda.test", 35, "-test.run", "^TestGPU"))
    part.item("gorgonia's graphs", lambda: tests(part, "gorgoniavm.test", 20, "-test.run", "^TestGPU"))
    trainings(part, TOLERANCE)
    part.item("ptx", lambda: ptx(part))
    part.item("gpu hidden", lambda: hidden(part))
    trainings(part, FAMILY)


def trainings(part: Part, tolerances: dict[str, float]) -> None:
    for preset, tolerance in tolerances.items():
        part.item(f"training, {preset}", lambda preset=preset, tolerance=tolerance: training(part, preset, tolerance))


def doctor(part: Part) -> dict:
    """What train itself says of the host."""
    code, text = part.command([HERE / "train", "--doctor"], 15)
    if code != 0:
        raise Failed(f"train --doctor: {ending(code)}: {tail(text, 3)}")
    code, found = part.command([HERE / "train", "--doctor", "--json"], 15)
    if code != 0:
        raise Failed(f"train --doctor --json: {ending(code)}: {tail(found, 3)}")
    report = json.loads(found)
    item = {"pass": report["auto"] == "cuda", "text": tail(text, 60), "report": report}
    if not item["pass"]:
        item["reason"] = f"train takes {report['auto']}: {report['why']}"
    return item


def short(part: Part) -> dict:
    got = part.train(HERE, "cuda", ["--epochs", "1", "--limit", "640"], 30)
    return {"pass": True, **{k: got[k] for k in ("device", "rows", "train_loss", "test_loss", "epoch_seconds")}}


def tests(part: Part, binary: str, limit: float, *args: str) -> dict:
    """A test binary on the GPU. What is skipped counts as failed."""
    shorter = part.shorter(limit)
    seconds = max(2.0, min(limit, part.left() - 1) - 2) * part.scale  # it then says where it hangs
    command = [HERE / binary, "-test.v", f"-test.timeout={seconds:.1f}s", *args]
    code, text = part.command(command, limit, AEGIS_TEST_GPU="1")
    passed, failed, skipped = (re.findall(rf"^\s*--- {verdict}: (\S+)", text, re.M) for verdict in ("PASS", "FAIL", "SKIP"))
    item = {"pass": code == 0 and bool(passed) and not failed and not skipped, "tests": len(passed)}
    if shorter and not failed and timed_out(code, text):
        item["pass"] = None
    if not item["pass"]:
        item.update(reason=f"{binary}: {ending(code)}", failed=failed[:100], skipped=skipped[:100], output=tail(text))
    return item


def training(part: Part, preset: str, tolerance: float) -> dict:
    """A preset on both VMs."""
    gpu, cpu = (part.train(HERE, device, ["--model", preset, *TRAINING], 25) for device in ("cuda", "cpu"))
    got, want = gpu["test_loss"], cpu["test_loss"]
    if not isinstance(got, float) or not isinstance(want, float):
        raise Failed(f"test loss {got} on the GPU, {want} on the CPU")
    off = abs(got / want - 1)
    item = {"pass": off <= tolerance, "cuda_test_loss": got, "cpu_test_loss": want}
    item.update(relative=round(off, 5), tolerance=tolerance, cuda_epoch_seconds=gpu["epoch_seconds"])
    if not item["pass"]:
        item["reason"] = f"test losses {got} and {want} are {off:.2%} apart, want at most {tolerance:.1%}"
    return item


def ptx(part: Part) -> dict:
    """Compiles the PTX with the driver's own compiler, past its cache."""
    code, text = part.command([sys.executable, HERE / "gpu_check.py", "ptx"], 40, CUDA_CACHE_DISABLE="1")
    if code != 0:
        raise Failed(f"loading the PTX: {ending(code)}: {tail(text, 3)}")
    files = json.loads(text.strip().splitlines()[-1])
    return {"pass": bool(files), "load_seconds": round(sum(f["seconds"] for f in files), 3), "files": files}


def hidden(part: Part) -> dict:
    """Without a GPU the kernels' tests must fail: else they ran on the simulator above."""
    command = [HERE / "kernels.test", "-test.run", "^TestAddScaleCopy$", "-test.timeout=15s"]
    code, _ = part.command(command, 15, AEGIS_TEST_GPU="1", CUDA_VISIBLE_DEVICES="-1")
    if code == 0:
        raise Failed("kernels.test passes with the GPU hidden: it runs on the simulator")
    return {"pass": True}
