"""What operators do to messages that could not be taken: facts for the trail, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class QuarantineSettled:
    """A message left the quarantine: its effect took place after all, or never will."""

    TYPE: ClassVar[str] = "vn.fundtrail.quarantine.settled.v1"
    KEY: ClassVar[str] = "event_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("event_id",)

    event_id: str
    consumer: str
    number: int
    topic: str
    message_key: str
    code: str
    outcome: str
