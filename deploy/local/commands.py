"""Commands that run against an instance while the launcher keeps it up."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

from deploy.local.spawn import death_wish, stop

STOP_TIMEOUT_S = 10.0
CHUNK_BYTES = 65_536
INTERRUPTED = 130
RESULT = "{"


class Relay:
    """Passes a command's lines on as they come, but keeps its result, a line of JSON, until the very end.

    So the last line of everything printed is the command's own, although the launcher speaks after it.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._rest = b""
        self._result: str | None = None

    def feed(self, data: bytes) -> None:
        """Take what the command wrote."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line.decode(errors="replace"))

    def finish(self) -> None:
        """Print the result that was kept back."""
        if self._rest:
            self.feed(b"\n")
        if self._result is not None:
            self._print(self._result)
        self._result = None

    def _take(self, line: str) -> None:
        if not line.startswith(RESULT):
            self._print(line)
            return
        if self._result is not None:
            self._print(self._result)
        self._result = line

    def _print(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()


def run_command(
    argv: Sequence[str], environment: Mapping[str, str], relay: Relay, tick: Callable[[], bool]
) -> int:
    """The command's exit status; `tick` is called several times a second and says whether to go on."""
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,
        preexec_fn=death_wish(signal.SIGTERM),  # noqa: PLW1509 - as in spawn
    )
    if process.stdout is None:
        raise RuntimeError("the pipe that was asked for is missing")
    with process.stdout as output:
        os.set_blocking(output.fileno(), False)
        while process.poll() is None:
            _drain(output.fileno(), relay)
            if not tick():
                stop(process, signal.SIGTERM, STOP_TIMEOUT_S)
                return INTERRUPTED
        _drain(output.fileno(), relay)
    return process.returncode


def split_commands(words: Sequence[str]) -> list[list[str]]:
    """`a b -- c` as two commands; empty ones fall away."""
    commands: list[list[str]] = [[]]
    for word in words:
        if word == "--":
            commands.append([])
        else:
            commands[-1].append(word)
    return [command for command in commands if command]


def _drain(descriptor: int, relay: Relay) -> None:
    while True:
        try:
            data = os.read(descriptor, CHUNK_BYTES)
        except BlockingIOError:
            return
        if not data:
            return
        relay.feed(data)
