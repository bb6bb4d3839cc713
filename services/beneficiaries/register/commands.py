"""What officers ask of the register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ImportPersons:
    """Take in a register file; a dry run stores nothing and tells every fault."""

    document: str
    dry_run: bool


@dataclass(frozen=True, slots=True)
class RequestChange:
    """Report that something about a person is different."""

    change_id: UUID
    person_number: str
    kind: str
    details: dict[str, Any]
    evidence: str


@dataclass(frozen=True, slots=True)
class DecideChange:
    """Confirm or refuse a reported change."""

    change_id: UUID
    approve: bool
