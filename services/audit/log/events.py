"""What the log itself has to tell others."""

from __future__ import annotations

from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True)
class KeysRotated:
    """A key of the log was begun or ended; every key that the log ever had is told, the newest last."""

    TYPE: ClassVar[str] = "vn.fundtrail.log.keys_rotated.v1"
    TOPIC: ClassVar[str] = "trail"
    KEY: ClassVar[str] = "kind"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    kind: str
    items: tuple[Mapping[str, str | int | None], ...]
