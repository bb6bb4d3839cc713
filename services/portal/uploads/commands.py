"""What browsers ask for a file."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class BeginUpload:
    """A file is about to come. Units: `length` bytes; `modified` as the browser tells it, ms since 1970."""

    upload_id: UUID
    person: str
    form: str
    name: str
    length: int
    modified: int = 0


@dataclass(frozen=True, slots=True)
class AppendPiece:
    """The bytes of a file from `offset` on."""

    upload_id: UUID
    person: str
    offset: int
    content: bytes
