"""The two kinds of failure that are not bugs; every other exception is a bug and is allowed to crash.

A `Rejected` says that the request, file or message is wrong; an `Unavailable` says "try later".
Codes are stable and translated; messages say what was wrong, where, why it matters and how to mend it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in one place: a JSON pointer of a request or a cell of a sheet."""

    code: str
    message: str
    pointer: str = ""
    row: int | None = None
    column: str | None = None
    value: str | None = None
    cure: str | None = None


class Rejected(Exception):
    """The request or message is wrong and stays wrong when it is repeated unchanged.

    `values` are the facts of the message by name, for whoever says it in another language.
    Shape: what ends in `_vnd` is đồng, `_on` a day, `period` a month.
    """

    def __init__(self, code: str, message: str, faults: Sequence[Fault] = (), **values: object) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.faults = tuple(faults)
        self.values = values


class Denied(Rejected):
    """The actor may not do this; the refusal itself is recorded in the trail."""


class NotFound(Rejected):
    """What was asked for does not exist or is not visible to the actor."""


class Conflict(Rejected):
    """The request contradicts what is already stored."""


class Stale(Rejected):
    """The caller saw an older version than the one that is stored."""


class Unavailable(Exception):
    """A part this work stands on does not answer; the same request may succeed later."""

    def __init__(self, message: str, retry_after_s: int = RETRY_AFTER_S) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s
