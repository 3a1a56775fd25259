#!/usr/bin/env python3
"""Runs every part of gpu-check.sh without a GPU, on stand-ins, and plants faults. Wants go and python3 alone.

    python3 scripts/test_gpu_check.py

cuda.test is real and runs on the simulator, train is real in one test and runs on the CPU; the rest
is scripts that answer at once. Everything that is written says "stand_in".
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

import gpu_first
import gpu_part

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

COMMON = '''#!%s
import json, os, shutil, pathlib, sys, time
HERE = pathlib.Path(__file__).resolve().parent

def planted(*names):
    """Does what the test has planted for a call."""
    for name, what in json.loads(os.environ.get("PLANTED", "{}")).items():
        if name == " ".join(names):
            if what == "hang":
                (HERE / "pid").write_text(str(os.getpid()))
                time.sleep(600)
            if what == "crash":
                os.abort()
            return what
''' % sys.executable

TRAIN = """
import subprocess
def value(flag, default=None):
    return sys.argv[sys.argv.index(flag) + 1] if flag in sys.argv else default

real, args = HERE / "train.real", sys.argv[1:]
if "--doctor" in args:
    what = planted("doctor")
    print(json.dumps({"auto": "cuda", "why": "a stand-in", "gpus": []}) if "--json" in args else "a stand-in")
    sys.exit(3 if what == "fail" else 0)
device, model = value("--device"), value("--model", "fc12")
what = planted("train", device, model)
out = pathlib.Path(value("--out"))
if real.exists():
    shutil.rmtree(out, ignore_errors=True)  # a summary that was changed here is no run's
    small = ["--device", "cpu", "--limit", "128", "--epochs", "1", "--batch", "64", "--threads", "1"]
    subprocess.run([real, *args, *small, *(["--hidden", "8"] if "--hidden" in args else [])], check=True)
    summary = json.loads((out / "summary.json").read_text())
else:
    out.mkdir(parents=True, exist_ok=True)
    loss = 0.5 if what == "wrong" else 0.25
    summary = {"device": "none", "epoch_seconds": 0.5, "rows": 640, "batch": 64, "params": 1, "train_loss": loss, "test_loss": loss}
summary["vm"] = device
(out / "summary.json").write_text("{" if what == "garbage" else json.dumps(summary))
"""

KERNELS = """
if os.environ.get("CUDA_VISIBLE_DEVICES") == "-1":
    sys.exit(1)
what = planted("kernels")
print("--- PASS: TestLinear (0.00s)")
print("    --- %s: TestLinear/one (0.00s)" % {"fail": "FAIL", "skip": "SKIP"}.get(what, "PASS"))
sys.exit(what == "fail")
"""

VM = """
if "^TestGPU" in sys.argv:
    planted("golden")
    print("--- PASS: TestGPU (0.00s)")
    sys.exit()
name = [a for a in sys.argv if a.startswith("-test.run=")][0].split("^")[-1].rstrip("$")
what = planted("times", name)
real = HERE / "cuda.test.real"
if real.exists():
    os.execv(real, [str(real), *sys.argv[1:]])
if what != "nothing":
    pathlib.Path(os.environ["AEGIS_KERNEL_TIMES"], name + ".json").write_text('{"device": {"simulator": true}}')
"""

GORGONIA = """
print("--- PASS: TestGPUVM (0.00s)")
"""

TORCH = """
planted("torch")
print("a library says hello", flush=True)
print(json.dumps({"ready": True, "torch": "0.0 (stand-in)", "gpu": "none", "torch_cuda": None}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    argv = request["argv"]
    mode = argv[argv.index("--mode") + 1]
    print("planted", argv, file=sys.stderr, flush=True)
    answer = {"id": request["id"]}
    if planted("torch", argv[0], mode) == "error":
        answer["error"] = "RuntimeError: planted"
    else:
        answer["result"] = {"epoch_seconds": 1.0, "mode": mode, "tf32": "--tf32" in argv, "peer": "torch stand-in"}
    print(json.dumps(answer), flush=True)
"""


def make(folder: Path) -> None:
    """A folder as the archive unpacks, of stand-ins."""
    (folder / "ptx").mkdir(parents=True)
    (folder / "mnist").mkdir()
    for path in [HERE / "gpu-check.sh", *HERE.glob("gpu_*.py")]:
        shutil.copy(path, folder)
    shutil.copy(ROOT / "cuda" / "gorgoniavm" / "zz_graph.ptx", folder / "ptx")
    (folder / "build.json").write_text('{"commit": "none", "dirty": true, "go": "none"}')
    programs = {"train": TRAIN, "kernels.test": KERNELS, "cuda.test": VM, "gorgoniavm.test": GORGONIA, "torch_ae.py": TORCH}
    for name, text in programs.items():
        (folder / name).write_text(COMMON + text)
        (folder / name).chmod(0o755)


class Parts(unittest.TestCase):
    def setUp(self):
        self.dir = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.folder, self.out = self.dir / "check", self.dir / "out"
        make(self.folder)

    def start(self, part: str, scale: float, planted: dict) -> subprocess.Popen:
        env = {**os.environ, "PYTHON": sys.executable, "PLANTED": json.dumps(planted), "TMPDIR": str(self.dir)}
        env["GPU_CHECK_STAND_IN"] = json.dumps({"scale": scale})
        command = ["bash", self.folder / "gpu-check.sh", "run", part, self.out]
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run_part(self, part: str, planted: dict | None = None, scale: float = 1.0, failed: tuple = ()) -> dict:
        """Runs a part and checks all that holds for any run; returns its items."""
        process = self.start(part, scale, planted or {})
        text = process.communicate()[0]
        self.assertTrue((self.out / f"{part}.json").exists(), text)
        result = json.loads((self.out / f"{part}.json").read_text())
        self.assertEqual(sorted(result["failed"]), sorted(failed), json.dumps(result["items"], indent=1) + text)
        self.assertEqual(process.returncode, 1 if failed else 0, text)
        self.assertEqual(result["pass"], not failed)
        self.check(part, result)
        return result["items"]

    def check(self, part: str, result: dict) -> None:
        kinds = {
            "part": str, "stand_in": bool, "date": str, "gpu": str, "driver": str, "cuda": str, "compute_capability": str,
            "commit": str, "dirty": bool, "cpu": str, "cores": int, "limit_seconds": float, "seconds": float, "items": dict,
            "failed": list, "not_tried": list,
        }  # fmt: skip
        for key, kind in kinds.items():
            self.assertIsInstance(result[key], kind, key)
        self.assertIn("torch", result)
        self.assertIs(result["stand_in"], True)
        self.assertEqual(result["part"], part)
        for name, item in result["items"].items():
            self.assertIn(item["pass"], (True, False, None), name)
            self.assertIsInstance(item["seconds"], (int, float), name)
            if item["pass"] is not True:
                self.assertTrue(item["reason"], name)
        files = list(self.out.iterdir())
        self.assertLessEqual(len(files), 8)
        for f in files:
            self.assertRegex(f.name, r"^[A-Za-z0-9._-]+$")
            self.assertTrue(f.is_file())
            self.assertLess(f.stat().st_size, 16 << 20)
        self.assertFalse(list(self.dir.glob("gpu-check-*")), "the work folder is still there")

    def ended(self) -> None:
        """The process that hung is gone."""
        pid = int((self.folder / "pid").read_text())
        for _ in range(100):
            if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0]:
                return
            time.sleep(0.05)
        self.fail(f"process {pid} is still there")

    # Whole parts.

    def test_first(self):
        subprocess.run(["go", "build", "-o", self.folder / "train.real", "./cmd/train"], cwd=ROOT, check=True)
        items = self.run_part("first")
        trained = [f"training, {p}" for p in ("fc12", "conv", "fc64", "fc128", "fc3")]
        family = [f"training, {p}" for p in ("vae", "conv-vae", "cvae", "aae", "deep30")]
        self.assertEqual(list(items), ["doctor", "training, 640 images", "kernels", "golden", "gorgonia's graphs", *trained, "ptx", "gpu hidden", *family])
        self.assertEqual(items["kernels"]["tests"], 2)
        self.assertEqual(items["ptx"]["files"][0]["file"], "zz_graph.ptx")
        for name in trained:
            self.assertEqual(items[name]["relative"], 0)
            self.assertGreater(items[name]["cuda_test_loss"], 0)

    def test_kernels_tests_need_no_file(self):
        """The tests that run on a GPU pass where there is nothing beside them."""
        subprocess.run(["go", "test", "-c", "-o", self.dir / "kernels.test", "./cuda/kernels"], cwd=ROOT, check=True)
        (self.dir / "empty").mkdir()
        command = [self.dir / "kernels.test", "-test.skip", gpu_first.WITHOUT_FILES]
        done = subprocess.run(command, cwd=self.dir / "empty", capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_kernels(self):
        subprocess.run(["go", "test", "-c", "-o", self.folder / "cuda.test.real", "./cuda"], cwd=ROOT, check=True)
        items = self.run_part("kernels")
        self.assertEqual(list(items), ["bench", "fc12", "conv", "fc64", "fc128", "fc3", "vae", "conv-vae", "cvae", "aae", "deep30", "wide"])
        bench = items.pop("bench")["times"]
        self.assertEqual(bench["barrier"]["blocks"], 1)
        self.assertGreater(bench["barrier"]["median_us"], 0)
        self.assertGreater(bench["empty_node"]["median_us"], 0)
        for name, item in items.items():
            times = item["times"]
            self.assertIs(times["device"]["simulator"], True)
            self.assertGreater(times["step"]["median_us"], 0)
            self.assertGreater(len(times["operations"]), 6, name)
            for row in times["operations"]:
                self.assertGreater(row["bytes"], 0)
                self.assertGreaterEqual(row["flops"], 0)
                self.assertGreaterEqual(row["median_us"], row["min_us"])
                self.assertTrue(row["kernels"][0]["kernel"])

    def test_race(self):
        items = self.run_part("race")
        self.assertEqual(list(items)[:2], ["early_fc12", "early_conv"])
        names = [n for n in items if not n.startswith("early_")]
        wide, family = ["wide-1024", "wide-4096"], ["vae", "conv-vae", "aae", "deep30", "denoise"]
        want = ["torch", "fc12", "conv", "compile_fc12", "compile_conv", "fc64", "fc128", "fc3", *wide]
        self.assertEqual(names, want + [f"tf32_{n}" for n in ("fc12", "conv", *wide)] + ["autotune_fc12", "autotune_conv"] + family)
        self.assertEqual(items["fc12"]["eager_over_aegis"], 2)
        self.assertEqual(len(items["wide-4096"]["aegis_runs"]), 2)
        self.assertIs(items["wide-4096"]["torch_graph"]["tf32"], False)
        self.assertIs(items["tf32_conv"]["graph"]["tf32"], True)
        self.assertEqual(items["compile_conv"]["compile_over_aegis"], 2)

    # Faults.

    def test_faults_of_first(self):
        planted = {
            "doctor": "fail", "kernels": "skip", "train cuda conv": "crash", "train cpu fc64": "garbage", "train cuda fc3": "wrong",
        }  # fmt: skip
        failed = ("doctor", "kernels", "training, conv", "training, fc64", "training, fc3")
        items = self.run_part("first", planted, failed=failed)
        self.assertIn("exit 3", items["doctor"]["reason"])
        self.assertIn("signal 6", items["training, conv"]["reason"])
        self.assertIn("JSONDecodeError", items["training, fc64"]["reason"])
        self.assertTrue(items["training, fc128"]["pass"])

    def test_a_hang_ends_at_its_limit(self):
        items = self.run_part("first", {"golden": "hang"}, 0.15, ("golden",))
        self.assertIn("did not end in its time", items["golden"]["reason"])
        self.assertTrue(items["ptx"]["pass"])
        self.ended()

    def test_no_time_left(self):
        """Hangs use up the part's time: what is behind them is not tried, and the part ends."""
        before = time.monotonic()
        planted = {f"times {n}": "hang" for n in ("bench", "fc12", "conv", "fc64", "fc128", "fc3", "vae", "conv-vae", "cvae", "aae", "deep30", "wide")}
        process = self.start("kernels", 0.05, planted)
        process.communicate()
        result = json.loads((self.out / "kernels.json").read_text())
        self.check("kernels", result)
        self.assertIs(result["items"]["wide"]["pass"], None)
        self.assertIn("bench", result["failed"])
        self.assertLess(time.monotonic() - before, 60)

    def test_faults_of_kernels(self):
        items = self.run_part("kernels", {"times fc12": "crash", "times conv": "nothing"}, failed=("fc12", "conv"))
        self.assertIn("signal 6", items["fc12"]["reason"])
        self.assertTrue(items["wide"]["pass"])

    def test_torch_hangs_and_is_started_again(self):
        items = self.run_part("race", {"torch fc12 eager": "hang"}, 0.1, ("fc12",) + ("tf32_fc12",))
        self.assertIn("did not answer", items["fc12"]["torch_eager"]["error"])
        self.assertEqual(items["fc12"]["graph_over_aegis"], 2)
        self.assertTrue(items["conv"]["pass"])
        self.assertIn("not started again", items["autotune_fc12"]["reason"])
        self.ended()

    def test_torch_fails_and_crashes(self):
        planted = {"torch fc12 graph": "error", "torch conv compile": "crash", "train cuda conv": "garbage"}
        failed = ("early_conv", "fc12", "conv", "denoise", "tf32_fc12", "compile_conv", "autotune_conv")
        items = self.run_part("race", planted, failed=failed)
        self.assertEqual(items["conv"]["torch_eager"]["epoch_seconds"], 1)
        self.assertIn("planted", items["fc12"]["torch_graph"]["error"])
        self.assertIn("ended by signal 6", items["compile_conv"]["reason"])
        self.assertTrue(items["fc64"]["pass"])

    def test_no_torch(self):
        (self.folder / "torch_ae.py").write_text("import no_such_module\n")
        items = self.run_part("race")
        self.assertIn("no_such_module", items["torch"]["reason"])
        self.assertIs(items["fc12"]["pass"], None)
        self.assertGreater(items["fc12"]["aegis"], 0)

    def test_sigterm_writes_what_there_is(self):
        process = self.start("first", 1, {"golden": "hang"})
        for _ in range(600):
            if (self.folder / "pid").exists():
                break
            time.sleep(0.05)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        text = process.communicate(timeout=30)[0]
        result = json.loads((self.out / "first.json").read_text())
        self.check("first", result)
        self.assertEqual((process.returncode, result["stopped"], result["pass"]), (1, "SIGTERM", False), text)
        self.assertTrue(result["items"]["kernels"]["pass"])
        self.assertEqual(result["not_tried"], ["golden"])
        self.ended()

    def test_an_item_cannot_end_the_part(self):
        quiet = contextlib.redirect_stdout(io.StringIO())
        quiet.__enter__()
        self.addCleanup(quiet.__exit__, None, None, None)
        part = gpu_part.Part("first", 60, self.dir, self.dir, None)
        for e in (ValueError("x"), SystemExit(0), MemoryError(), KeyError("x")):
            self.assertIs(part.item(type(e).__name__, mock.Mock(side_effect=e))["pass"], False)
        part.item("numbers", lambda: {"pass": True, "x": [float("nan"), 1.5], "y": {1: Path("z")}})
        with self.assertRaises(gpu_part.Stopped):
            part.item("stopped", mock.Mock(side_effect=gpu_part.Stopped("SIGTERM")))

        def refuse(text: str):
            self.fail(f"{text} is no JSON")

        items = json.loads((self.dir / "first.json").read_text(), parse_constant=refuse)["items"]
        self.assertEqual((items["numbers"]["x"], items["numbers"]["y"]), (["nan", 1.5], {"1": "z"}))

    def test_the_end_of_the_part_is_no_failure(self):
        """A test that the part's own end stops was not tried to the end; one that takes longer than it may failed."""
        for limit, want in ((8, None), (60, False)):
            part = gpu_part.Part("first", limit, self.dir, self.dir, {"scale": 0.5})
            (self.folder / "slow.test").write_text("#!/bin/sh\nsleep 60\n")
            (self.folder / "slow.test").chmod(0o755)
            with mock.patch.object(gpu_first, "HERE", self.folder):
                got = gpu_first.tests(part, "slow.test", 9)
            self.assertIs(got["pass"], want)
            self.assertTrue(got["reason"])

    # The command.

    def test_usage_and_no_gpu(self):
        for args in ([], ["run"], ["run", "all", "x"], ["run", "first"], ["build", "x"]):
            done = subprocess.run(["bash", self.folder / "gpu-check.sh", *args], capture_output=True)
            self.assertEqual(done.returncode, 2, args)
        env = {**os.environ, "PYTHON": sys.executable, "CUDA_VISIBLE_DEVICES": "-1"}
        command = ["bash", self.folder / "gpu-check.sh", "run", "first", self.out]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^gpu-check: no GPU: .*\n$")


if __name__ == "__main__":
    unittest.main()
