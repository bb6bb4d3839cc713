"""What the navigation offers: each room with its address and the permission that opens it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """One entry. `words` names its text in the catalogues."""

    path: str
    words: str
    permission: str
