"""How fast this machine is just now, for work like ours on all of its cores at once.

A shared machine is not the same from hour to hour, and a core by itself may be as fast as ever while two at
once are not: figures without a limit beside them, taken at another pace, do not compare.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "tests.bench.pace"]
SECONDS = 0.7
STEPS_AT_ONCE = 200


def pace() -> float:
    """Steps a second that all cores do together, a process on each."""
    processes = [
        subprocess.Popen(COMMAND, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(os.cpu_count() or 1)
    ]
    return sum(float(process.communicate()[0]) for process in processes)


def measured() -> float:
    """Steps a second of this process: an object is built, written, hashed, and kept under its hash."""
    began, steps = time.perf_counter(), 0
    kept: dict[str, dict[str, object]] = {}
    while time.perf_counter() - began < SECONDS:
        for number in range(steps, steps + STEPS_AT_ONCE):
            step = {"number": number, "text": f"step {number}", "amounts": [number, 2 * number]}
            kept[hashlib.sha256(json.dumps(step).encode()).hexdigest()] = step
        steps += STEPS_AT_ONCE
    return steps / (time.perf_counter() - began)


if __name__ == "__main__":
    sys.stdout.write(f"{measured()}\n")
