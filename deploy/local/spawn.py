"""Starting and stopping one operating-system process so that nothing outlives whoever started it."""

from __future__ import annotations

import ctypes
import functools
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
KILLED_AFTER_S = 5.0
WATCH_S = 0.02
UNPRIVILEGED = "nobody"

Say = Callable[[str], None]


class CannotStart(Exception):
    """Something that the start needs is missing; the text says what to do about it."""


@dataclass(frozen=True, slots=True)
class Account:
    """The account a program runs as when we ourselves are root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and where; its output goes to a file of its own."""

    argv: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] | None = None
    account: Account | None = None
    folder: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM


def unprivileged_account() -> Account | None:
    """The account for programs that refuse to be root, or None where we are not root."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(UNPRIVILEGED)
    return Account(entry.pw_uid, entry.pw_gid)


def as_account(account: Account | None) -> dict[str, Any]:
    """Options of `subprocess` that run a child as the account."""
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def spawn(program: Program) -> subprocess.Popen[bytes]:
    """The running program, in a process group of its own; the kernel stops it when this process dies."""
    with program.log.open("ab") as log:
        return subprocess.Popen(
            program.argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=program.environment,
            cwd=program.folder,
            start_new_session=True,
            # Safe here: we start programs from one thread, and the function only makes a system call.
            preexec_fn=death_wish(program.stop_signal),  # noqa: PLW1509
            **as_account(program.account),
        )


def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals, timeout_s: float) -> bool:
    """The process and its group have ended; whether the process went by itself when it was asked.

    It is killed after `timeout_s`.
    """
    if process.poll() is None:
        process.send_signal(stop_signal)
    return wait_for_end(process, timeout_s)


def wait_for_end(process: subprocess.Popen[bytes], timeout_s: float) -> bool:
    """As `stop`, for a process that was asked already."""
    willing = True
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        willing = False
        process.kill()
        process.wait(KILLED_AFTER_S)
    kill_group(process.pid)
    return willing


def kill_group(pid: int) -> None:
    """Nothing of the process group that `pid` led is left."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Whether the condition came true within the time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(WATCH_S)
    return True


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, for a message about a program that did not start."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def death_wish(number: signal.Signals) -> Callable[[], None] | None:
    """What a child does before it becomes its program: ask for this signal when we die (Linux only)."""
    if sys.platform != "linux":
        return None
    prctl = _c_library().prctl

    def wish() -> None:
        prctl(PR_SET_PDEATHSIG, int(number))

    return wish


@functools.cache
def _c_library() -> ctypes.CDLL:
    return ctypes.CDLL(None)
