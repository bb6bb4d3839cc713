"""A signal may come at any moment, also while an event is being waited for, and more than once."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAMS = {
    "outside": """
from deploy.outside.folders import stop_event
stop = stop_event()
print("up", flush=True)
while not stop.wait(0.00001):
    pass
""",
    "a worker": """
from deploy.local.keeper import free_port
from shared.process import run_loops
def loop(stop, beat):
    beat()
    print("up", flush=True)
    while not stop.wait(0.00001):
        beat()
raise SystemExit(run_loops({"loop": loop}, "127.0.0.1", free_port()))
""",
}
SIGNALS = 200


@pytest.mark.parametrize("program", list(PROGRAMS))
def test_a_storm_of_signals_ends_a_process_and_never_hangs_it(program: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", PROGRAMS[program]], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as said:
        assert said.readline() == b"up\n"
        for _ in range(SIGNALS):
            process.send_signal(signal.SIGTERM)
    try:
        assert process.wait(30) in {0, -signal.SIGTERM}, "the handler is gone only when the interpreter ends"
    finally:
        process.kill()
