"""What a check reports: which database, which rule, which place, what it says there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where something does not hold."""

    database: str
    rule: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.database}: {self.rule}: {self.place}: {self.message}"
