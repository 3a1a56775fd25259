"""Talks to torch_ae.py --serve: one process that holds PyTorch for all of a part's runs."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

from gpu_part import Failed, Late, Part, end_of, ending, kill, tail

READY = 80.0  # seconds that starting may take


class Torch:
    """The server, started again once where it dies or hangs."""

    def __init__(self, part: Part, script: Path, log: Path):
        self.part, self.script, self.log = part, script, log
        self.process: subprocess.Popen | None = None
        self.lines: queue.Queue = queue.Queue()
        self.hello: dict | None = None
        self.starts, self.requests = 0, 0
        self.why_not = ""  # why there is no server, for good

    def start(self) -> None:
        self.starts += 1
        self.hello = None
        self.started = time.monotonic()
        self.lines = lines = queue.Queue()
        with open(self.log, "ab") as log:
            self.process = process = subprocess.Popen(
                [sys.executable, self.script, "--serve"],
                env={**self.part.env, "PYTHONUNBUFFERED": "1"},
                cwd=self.part.work,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

        def read() -> None:
            for line in process.stdout:
                lines.put(line)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()

    def importing(self) -> bool:
        """Whether the server may be at work on starting."""
        if self.process is None or self.hello is not None:
            return False
        try:
            self.greet(0)
        except (Late, Failed):
            return False
        return self.hello is None

    def ready(self) -> None:
        """Waits until the server has started; raises where there is none."""
        if self.process is None:
            if self.why_not:
                raise Late(f"no PyTorch: {self.why_not}")
            if self.starts > 1 or self.part.left() < 20:
                raise Late("PyTorch's process ended, and is not started again")
            self.start()
        if self.hello is None:
            self.greet(max(1.0, READY - (time.monotonic() - self.started) / self.part.scale))

    def greet(self, seconds: float) -> None:
        try:
            hello = self.receive(seconds)
        except queue.Empty:
            if seconds > 0:
                self.end("PyTorch did not start in its time")
                raise Late(f"no PyTorch: {self.why_not}") from None
            return
        if hello is None or not hello.get("ready"):
            code = self.end("")
            self.why_not = f"it did not start: {ending(code)}: {tail(end_of(self.log), 1)}"
            raise Late(f"no PyTorch: {self.why_not}")
        self.hello = hello
        self.part.result["torch"] = hello.get("torch")
        self.part.result["torch_cuda"] = hello.get("torch_cuda")
        self.part.result["torch_gpu"] = hello.get("gpu")
        self.part.result["torch_start_seconds"] = round(time.monotonic() - self.started, 1)
        if not hello.get("gpu"):
            self.end("PyTorch finds no GPU")
            raise Late(f"no PyTorch: {self.why_not}")

    def receive(self, seconds: float) -> dict | None:
        """The next answer; None where the process has ended; queue.Empty where it takes longer."""
        until = time.monotonic() + min(seconds, max(0.0, self.part.left() - 2)) * self.part.scale
        while True:
            line = self.lines.get(seconds > 0, max(0.01, until - time.monotonic()))
            if line is None:
                return None
            try:
                answer = json.loads(line)
            except ValueError:
                continue  # something else that was printed
            if isinstance(answer, dict):
                return answer

    def ask(self, argv: list, limit: float) -> dict:
        """A run's figures. A run that takes longer ends the process."""
        self.ready()
        limit = min(limit, self.part.left() - 3)
        if limit < 2:
            raise Late("no time left")
        self.requests += 1
        soft = max(1.0, limit - 4) * self.part.scale
        request = {"id": self.requests, "argv": [str(a) for a in argv], "seconds": soft}
        self.part.log(f"\ntorch: {' '.join(request['argv'])}\n")
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
            answer = self.receive(limit)
        except queue.Empty:
            self.end()
            raise Failed(f"PyTorch did not answer in {limit:.0f} s, and was ended") from None
        except OSError:
            answer = None
        if answer is None:
            code = self.end()
            raise Failed(f"PyTorch's process ended ({ending(code)}): {tail(end_of(self.log), 1)}")
        self.part.log(f"{json.dumps(answer)}\n")
        if answer.get("id") != self.requests:
            self.end()
            raise Failed(f"PyTorch answered request {answer.get('id')}, want {self.requests}")
        if "error" in answer:
            raise Failed(f"PyTorch: {answer['error']}")
        return answer["result"]

    def end(self, why_not: str = "") -> int | None:
        """Kills the process; with a reason, for good."""
        self.why_not = why_not or self.why_not
        if self.process is None:
            return None
        code = self.process.poll()
        if code is None and self.hello is not None:
            try:  # it may be about to end
                code = self.process.wait(0.2)
            except subprocess.TimeoutExpired:
                pass
        kill(self.process)
        self.process, self.hello = None, None
        return code
