"""Codes of an authenticator, each handed out once, whoever of the tests asks: at a screen or at an API."""

from __future__ import annotations

import time
from pathlib import Path

from deploy.demo.client import TOTP_STEP_S, totp
from tests.browser.turns import in_turn

WATCH_S = 0.2
LEFT_S = 12  # as long as whoever asked may take to show a code


def next_code(home: Path, username: str, secret: str) -> str:
    """Six digits that the account takes now and nobody has used; waits where the last ones were just used.

    A code is good for its half minute and the one after, and for one use: a file of the instance remembers
    the last one. That of the half minute in which anybody asked first counts as used, for the demonstration
    may have done so.
    """
    with in_turn(home, "codes") as file:
        file.write_text(first := file.read_text() or str(step_now()))
    with in_turn(home, f"codes-{username}") as file:
        last = int(file.read_text() or first)
        while (step := good_step(last, time.time())) is None:
            time.sleep(WATCH_S)
        file.write_text(str(step))
    return totp(secret, step * TOTP_STEP_S)


def good_step(last: int, now: float) -> int | None:
    """The first half minute after `last` whose code is good now and for a little longer, if there is one."""
    step, gone = divmod(now, TOTP_STEP_S)
    first = step - 1 if TOTP_STEP_S - gone >= LEFT_S else step
    found = int(max(last + 1, first))
    return found if found <= step else None


def step_now() -> int:
    """The half minute of now."""
    return int(time.time()) // TOTP_STEP_S
