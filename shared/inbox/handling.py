"""Handlers that give many messages their effects at once, by one statement a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shared.db.unit_of_work import Work
from shared.journal.envelope import Envelope


class Caused(NamedTuple):
    """A received fact, and the work under the act that it causes."""

    work: Work
    item: Envelope


@dataclass(frozen=True, slots=True)
class Together:
    """A handler of many messages, which is one of a single message too.

    Its messages come in their order; all their work is one transaction, whose acts differ. Where it raises,
    nothing of the batch took effect, and its messages are handed to it again one by one.
    """

    many: Callable[[Sequence[Caused]], None]

    def __call__(self, work: Work, item: Envelope) -> None:
        """The effect of a single message."""
        self.many([Caused(work, item)])
