"""Looking into the log is itself a fact: who asked for what, and what they were shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class SearchPerformed:
    """Somebody searched the log or followed the chain of a payment."""

    TYPE: ClassVar[str] = "vn.fundtrail.search.performed.v1"
    TOPIC: ClassVar[str] = "trail"
    KEY: ClassVar[str] = "actor_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("actor_id", "person_id", "payment_id")

    actor_id: str
    kind: str
    filters: Mapping[str, str]
    found: int
    person_id: str | None = None
    payment_id: str | None = None


@dataclass(frozen=True, slots=True)
class ProofExported:
    """Somebody took a proof of one entry, or of one item of it, out of the system."""

    TYPE: ClassVar[str] = "vn.fundtrail.search.proof_exported.v1"
    TOPIC: ClassVar[str] = "trail"
    KEY: ClassVar[str] = "actor_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("actor_id", "payment_id")

    actor_id: str
    entry_index: int
    item: int | None
    payment_id: str | None = None
