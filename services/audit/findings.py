"""What checks report: a place in this service's database that contradicts another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that is not what it was."""

    code: str
    place: str
    message: str
