"""Whole instances, one at a time on a machine."""

from __future__ import annotations

import contextlib
import fcntl
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.instance import Instance, fresh_instance, given_instance

ONE_AT_A_TIME = Path(tempfile.gettempdir()) / "fundtrail-e2e.lock"


@pytest.fixture
def start_instance() -> Iterator[Callable[[], Instance]]:
    """`start_instance()` brings a fresh instance up; one at a time on a machine, and nothing stays behind.

    Where whoever runs the tests keeps one up for them, it gives that one.
    """
    given = given_instance()
    if given is not None:
        yield lambda: given
        return
    with contextlib.ExitStack() as stack:
        lock = stack.enter_context(ONE_AT_A_TIME.open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lambda: stack.enter_context(fresh_instance())
