"""Attempts that changed nothing but are facts all the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class AttemptRefused:
    """Somebody tried an act and was refused, for lack of a right or because law or money forbade it."""

    TYPE: ClassVar[str] = "vn.fundtrail.access.attempt_refused.v1"
    TOPIC: ClassVar[str] = "trail"
    KEY: ClassVar[str] = "actor_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("actor_id",)

    actor_id: str
    permission: str
    method: str
    path: str
    denied: bool
    code: str
    message: str
