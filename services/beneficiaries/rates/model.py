"""Monthly rates are dated law: published amounts, never computed, known only from the day the decree is.

Source: Decrees 75/2021/NĐ-CP, 55/2023/NĐ-CP and 77/2024/NĐ-CP, Appendices I to III (see data/SOURCES.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from shared.kernel.periods import Period

WAR_INVALID = "TB"
WAR_INVALID_CLASS_B = "TBB"


@dataclass(frozen=True, slots=True)
class Rate:
    """One published amount: so much a month for a category, for one injury percent where it counts.

    Units: amount_vnd in đồng a month. `known_from` is the day the decree came into force.
    """

    id: UUID
    decree: str
    code: str
    injury_percent: int | None
    label: str
    amount_vnd: int
    applies_from: Period
    known_from: date
    source: str


class RateBook:
    """All rates, to be asked for what applied in a month as known on a day."""

    def __init__(self, rates: Iterable[Rate]) -> None:
        found: dict[tuple[str, int | None], list[Rate]] = defaultdict(list)
        for rate in rates:
            found[rate.code, rate.injury_percent].append(rate)
        self._rates = {key: sorted(some, key=_newest_first) for key, some in found.items()}

    def rate(self, code: str, injury_percent: int | None, period: Period, known_on: date) -> Rate | None:
        """The newest rate that applies to the month and was known on the day, or None."""
        for rate in self._rates.get((code, injury_percent), ()):
            if rate.applies_from <= period and rate.known_from <= known_on:
                return rate
        return None

    def knows(self, code: str, injury_percent: int | None) -> bool:
        """Whether any decree has an amount for this category and percent."""
        return (code, injury_percent) in self._rates


def _newest_first(rate: Rate) -> tuple[int, int]:
    return (-rate.applies_from.year * 12 - rate.applies_from.month, -rate.known_from.toordinal())
