"""A part of gpu_check.py: items one after the other, each with a verdict, in one JSON file.

An item's "pass" is true, false, or null where it was not tried or did not get its time ("reason"
says why). Whatever goes wrong in an item ends that item alone; the file is written after each.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import signal
import subprocess
import time
import traceback
from pathlib import Path
from typing import Callable

import gpu_driver

LOG_BYTES = 12 << 20  # of all commands of a part
OUTPUT_BYTES = 1 << 20  # of one command, its end


class Late(Exception):
    """No time is left."""


class Failed(Exception):
    """An item failed for a reason that needs no traceback."""


class Stopped(BaseException):
    """The part was asked to end. No item catches it."""


class Part:
    """One part's clock, commands and results."""

    def __init__(self, name: str, limit: float, out: Path, work: Path, stand_in: dict | None):
        self.name, self.limit, self.out, self.work = name, float(limit), out, work
        self.start = time.monotonic()
        self.stand_in = stand_in or {}
        self.scale = self.stand_in.get("scale", 1.0)
        self.running: subprocess.Popen | None = None
        self.logged = 0
        self.log_path = out / f"{name}.log"
        self.log_path.write_bytes(b"")
        self.items: dict[str, dict] = {}
        self.result: dict = {
            "part": name,
            "pass": None,
            "stand_in": stand_in is not None,
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            **gpu_driver.processor(),
            "torch": torch_version(),
            "limit_seconds": round(self.limit * self.scale, 1),
            "stopped": None,
        }
        self.env = {**os.environ, "CUDA_CACHE_PATH": str(work / "cache"), "CUDA_CACHE_DISABLE": "0"}
        self.env["TORCHINDUCTOR_CACHE_DIR"] = str(work / "inductor")
        self.env["TRITON_CACHE_DIR"] = str(work / "triton")
        if "HOME" not in self.env:
            self.env["HOME"] = str(work)

    def left(self) -> float:
        """Seconds that are left, at a scale of one."""
        return self.limit - (time.monotonic() - self.start) / self.scale

    # Commands.

    def command(self, args: list, limit: float, **env: str) -> tuple[int | None, str]:
        """Exit status and output of a command that may take so many seconds; None: it took longer.

        It is a process group of its own, which is gone when this returns.
        """
        limit = min(limit, self.left() - 1)
        if limit < 1:
            raise Late(f"no time left of the part's {self.limit:.0f} s")
        args = [str(a) for a in args]
        self.log(f"\n$ {' '.join(args)}\n")
        before, code = time.monotonic(), None
        path = self.work / "output"
        with open(path, "wb") as output:
            try:
                self.running = subprocess.Popen(
                    args,
                    env={**self.env, **env},
                    cwd=self.work,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as e:
                self.log(f"{e}\n")
                return 127, str(e)
            try:
                code = self.running.wait(limit * self.scale)
            except subprocess.TimeoutExpired:
                pass
            finally:
                kill(self.running)
                self.running = None
        text = end_of(path)
        if code is None:
            text += f"\nstopped after {limit:.0f} s\n"
        self.log(f"{text}[exit {code}, {time.monotonic() - before:.1f} s]\n")
        return code, text

    def log(self, text: str) -> None:
        data = text.encode(errors="replace")
        if self.logged + len(data) > LOG_BYTES:
            data = b"\n[left out: the log is full]\n" if self.logged < LOG_BYTES else b""
            self.logged = LOG_BYTES
        self.logged += len(data)
        with open(self.log_path, "ab") as f:
            f.write(data)

    # Items.

    def item(self, name: str, run: Callable[[], dict], need: float = 3) -> dict:
        """Runs an item where so many seconds are left, and writes the file."""
        before = time.monotonic()
        item: dict = {"pass": None, "reason": "stopped before its end", "started": round(before - self.start, 1), "seconds": 0.0}
        self.items[name] = item
        try:
            if self.left() < need:
                raise Late(f"not tried: {max(0.0, self.left()):.0f} s of {self.limit:.0f} left, wants {need:.0f}")
            got = run()
            del item["reason"]
            item.update(got)
        except Late as e:
            item.update({"pass": None, "reason": str(e)})
        except Failed as e:
            item.update({"pass": False, "reason": str(e)})
        except Exception as e:  # whatever it is, it is this item's
            self.log(traceback.format_exc())
            item.update({"pass": False, "reason": f"{type(e).__name__}: {e}"})
        item["seconds"] = round(time.monotonic() - before, 1)
        self.write()
        words = {True: "pass", False: "FAIL", None: "not tried"}
        reason = " ".join(str(item.get("reason", "")).split())[:300]
        print(f"gpu-check: {self.name}: {name}: {words[item['pass']]} ({item['seconds']} s) {reason}".rstrip(), flush=True)
        return item

    def verdict(self) -> bool:
        """Whether nothing failed, and something passed."""
        verdicts = [i["pass"] for i in self.items.values()]
        return False not in verdicts and True in verdicts

    def write(self) -> None:
        """Writes the file so that a reader sees the old one or the new one."""
        self.result["seconds"] = round(time.monotonic() - self.start, 1)
        self.result["failed"] = [n for n, i in self.items.items() if i["pass"] is False]
        self.result["not_tried"] = [n for n, i in self.items.items() if i["pass"] is None]
        text = json.dumps({**self.result, "items": self.items}, indent=1) + "\n"
        temporary = self.work / "result"
        temporary.write_text(text)
        target = self.out / f"{self.name}.json"
        try:
            temporary.replace(target)
        except OSError:  # another file system
            target.write_text(text)

    def run(self, items: Callable[[Part], None]) -> bool:
        """Runs the part's items; returns whether it passed."""

        def stop(number: int, _) -> None:
            raise Stopped(signal.Signals(number).name)

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, stop)
        try:
            items(self)
        except Stopped as e:
            self.result["stopped"] = str(e)
        except Exception as e:
            self.log(traceback.format_exc())
            self.items["part"] = {"pass": False, "reason": f"{type(e).__name__}: {e}", "seconds": 0, "started": 0}
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if self.running:
            kill(self.running)
        passed = self.verdict() and not self.result["stopped"]
        self.result["pass"] = passed
        self.write()
        return passed

    # What several parts do.

    def train(self, here: Path, device: str, args: list, limit: float) -> dict:
        """Trains and returns the run's summary."""
        out = self.work / "run"
        command = [here / "train", "--device", device, "--seed", 1, "--quiet", "--force", "--out", out, *args]
        code, text = self.command(command, limit)
        what = f"train --device {device} {' '.join(map(str, args))}"
        if code != 0:
            raise Failed(f"{what}: {ending(code)}: {tail(text, 3)}")
        summary = json.loads((out / "summary.json").read_text())
        if summary["vm"] != device:
            raise Failed(f"{what}: ran on {summary['vm']}, {summary['device']}")
        return summary


def kill(process: subprocess.Popen) -> None:
    """Ends a process and its whole group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        pass
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        pass  # it hangs in the kernel, and nobody waits for it


def ending(code: int | None) -> str:
    if code is None:
        return "did not end in its time"
    return f"exit {code}" if code >= 0 else f"ended by signal {-code}"


def end_of(path: Path) -> str:
    with open(path, "rb") as f:
        size = f.seek(0, os.SEEK_END)
        f.seek(max(0, size - OUTPUT_BYTES))
        return f.read().decode(errors="replace")


def tail(text: str, lines: int = 40) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])[-4000:]


def torch_version() -> str | None:
    """The installed PyTorch's version, without importing it."""
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return None
