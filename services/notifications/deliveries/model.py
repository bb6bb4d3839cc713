"""Delivery states by rank: a late or repeated receipt never takes a delivery back."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class State(StrEnum):
    """Where a delivery stands."""

    QUEUED = "queued"
    SENT = "sent"  # the gateway or server took it
    DELIVERED = "delivered"  # the person has it
    FAILED = "failed"  # every attempt was used up


RANK = {State.QUEUED: 0, State.SENT: 1, State.FAILED: 2, State.DELIVERED: 3}
ATTEMPTS_MAX = 8
BACK_OFF_FIRST = timedelta(seconds=2)
BACK_OFF_MAX = timedelta(minutes=10)


def back_off(attempts: int) -> timedelta:
    """How long to wait after the given number of attempts: twice as long each time, up to ten minutes."""
    doublings: int = max(attempts - 1, 0)
    return min(BACK_OFF_FIRST * (1 << doublings), BACK_OFF_MAX)
