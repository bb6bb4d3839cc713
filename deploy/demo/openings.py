"""What was paid the old way: May, June and July 2024 at the rates of Decree 55/2023/NĐ-CP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deploy.demo.late_news import News
from deploy.demo.population import Invented, table

DECREE = "55/2023/NĐ-CP"
COLUMNS = ("person_number", "code", "amount_vnd")

Rates = Mapping[tuple[str, int | None], int]


def rates_of(published: Iterable[Mapping[str, Any]], decree: str) -> Rates:
    """The amounts of one decree by category and injury percent, in đồng a month."""
    return {
        (rate["code"], rate["injury_percent"]): rate["amount_vnd"]
        for rate in published
        if rate["decree"] == decree
    }


def opening_file(period: str, people: Sequence[Invented], rates: Rates, news: Sequence[News]) -> bytes:
    """The file of one month: who was paid, for which category, how much."""
    left_out = {one.person.number for one in news if period in one.left_out}
    paid_twice = {one.person.number for one in news if period in one.paid_twice}
    rows = [
        (person.number, code, rates[code, percent] * (2 if person.number in paid_twice else 1))
        for person in people
        if person.number not in left_out
        for code, percent in person.benefits
    ]
    return table(COLUMNS, rows)
