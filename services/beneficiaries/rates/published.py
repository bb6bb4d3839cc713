"""Reading the published tables that lie beside this module."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

from services.beneficiaries.rates.model import WAR_INVALID, WAR_INVALID_CLASS_B, Rate
from shared.kernel.ids import id_of
from shared.kernel.periods import Period

CLASSES = {"thuong_binh": WAR_INVALID, "thuong_binh_B": WAR_INVALID_CLASS_B}


@dataclass(frozen=True, slots=True)
class _Decree:
    number: str
    column: str
    applies_from: Period
    known_from: date
    source: str


def published_rates() -> list[Rate]:
    """All 212 rows of the three decrees: 636 rates."""
    rates = []
    for decree in _decrees():
        for code, percent, label, amount in _rows(decree.column):
            rates.append(
                Rate(
                    id=id_of("rate", decree.number, code, percent),
                    decree=decree.number,
                    code=code,
                    injury_percent=percent,
                    label=label,
                    amount_vnd=amount,
                    applies_from=decree.applies_from,
                    known_from=decree.known_from,
                    source=decree.source,
                )
            )
    return rates


def _decrees() -> Iterator[_Decree]:
    for row in _read("decrees.csv"):
        yield _Decree(
            row["decree"],
            row["column"],
            Period.of(date.fromisoformat(row["applies_from"])),
            date.fromisoformat(row["known_from"]),
            row["source"],
        )


def _rows(column: str) -> Iterator[tuple[str, int | None, str, int]]:
    for row in _read("appendix_1.csv"):
        yield row["code_suggested"], None, row["label_en"], int(row[column])
    for row in _read("appendices_2_and_3.csv"):
        code, percent = CLASSES[row["class"]], int(row["injury_percent"])
        yield code, percent, f"{row['class'].replace('_', ' ')} {percent} %", int(row[column])


def _read(name: str) -> Iterator[dict[str, str]]:
    with files("services.beneficiaries.rates").joinpath("data", name).open(encoding="utf-8") as file:
        yield from csv.DictReader(file)
