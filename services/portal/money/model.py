"""Money as it is shown: what a table adds up to, and which accounts stand behind a figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# A figure of a table and the roles of the accounts that it is made of, as allocation defines it.
BEHIND: Mapping[str, tuple[str, ...]] = {
    "undivided": ("envelope",),
    "allotted": ("allotment", "returned", "provider", "advance", "spent", "unmatched"),
    "held": ("allotment", "returned", "provider", "advance"),
    "spent": ("spent",),
    "left": ("allotment", "returned"),
}
FIGURES = tuple(BEHIND)
PROGRAMME = ("component", "source", "capital_kind")


@dataclass(frozen=True, slots=True)
class Bar:
    """The parts of a bar in per cent of its width, beginning on the left. Bounds: 0 to 100."""

    spent: float
    held: float
    left: float

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Bar:
        """The bar of a row; nothing where nothing was allotted."""
        parts = [max(int(row[f"{name}_vnd"]), 0) for name in ("spent", "held", "left")]
        whole = sum(parts)
        return cls(*(round(100 * part / whole, 1) if whole else 0.0 for part in parts))


def total(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """What the rows of a table add up to."""
    found = list(rows)
    return {f"{name}_vnd": sum(int(row[f"{name}_vnd"]) for row in found) for name in FIGURES}


def has_any(row: Mapping[str, Any]) -> bool:
    """Whether there is or was money in a row."""
    return any(row[f"{name}_vnd"] for name in (*FIGURES, "unmatched", "carried", "cancelled"))


def behind(accounts: Iterable[Mapping[str, Any]], figure: str) -> list[tuple[Mapping[str, Any], int]]:
    """The accounts behind a figure, each with what it adds to it; all where none is named."""
    found = [
        (one, _adds(one, figure)) for one in accounts if one["role"] in BEHIND.get(figure, (one["role"],))
    ]
    return [(one, amount) for one, amount in found if amount or not figure]


def trail(unit: str, units: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A unit with everything above it, the topmost first."""
    by_id = {str(one["id"]): one for one in units}
    found: list[Mapping[str, Any]] = []
    while unit in by_id and by_id[unit] not in found:
        found.insert(0, by_id[unit])
        unit = str(by_id[unit]["parent_id"])
    return found


def _adds(account: Mapping[str, Any], figure: str) -> int:
    posted = int(account["credits_posted"]) - int(account["debits_posted"])
    promised = int(account["debits_pending"])
    if account["role"] in BEHIND["left"]:
        return {"left": posted - promised, "held": promised}.get(figure, posted)
    return posted
