"""What the log itself has to tell others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class RepublishRequested:
    """A row of a journal did not arrive for too long; its relay is asked to send from there again."""

    TYPE: ClassVar[str] = "vn.fundtrail.log.republish_requested.v1"
    KEY: ClassVar[str] = "source"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    source: str
    epoch: int
    position: int
