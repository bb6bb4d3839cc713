"""How amounts, dates and names are written and sorted on pages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from operator import itemgetter
from typing import Any

from babel.numbers import format_decimal
from flask import g

from services.portal.look.language import current, words
from shared.kernel.clock import VIETNAM

# What an amount is divided by, and how many places are shown behind the comma.
SCALES: Mapping[str, tuple[int, int]] = {"dong": (0, 0), "nghin": (3, 3), "trieu": (6, 3), "ty": (9, 3)}
ALPHABET = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
TONES = "\u0300\u0309\u0303\u0301\u0323"  # huyền, hỏi, ngã, sắc, nặng: the order of Vietnamese dictionaries
DAY_TYPED = re.compile(r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})", re.ASCII)
NOTHING = "–"
SMALL_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Scale:
    """The unit in which a visitor wants to read amounts."""

    name: str

    @property
    def label(self) -> str:
        """The unit as it stands beside an amount or in the head of a column."""
        return words(f"look.scale_{self.name}")

    def amount(self, vnd: int | None) -> str:
        """The amount in this unit, without its name. Rounding: half up in the last place shown."""
        if vnd is None:
            return NOTHING
        digits, places = SCALES[self.name]
        value = Decimal(vnd).scaleb(-digits).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        return format_decimal(value.normalize() if places else value, "#,##0.###", locale=current())


def scale() -> Scale:
    """The unit that the visitor of this request chose; đồng without any choice."""
    chosen = getattr(g, "scale", "dong")
    return Scale(chosen if chosen in SCALES else "dong")


def money(vnd: int | None) -> str:
    """An amount with its unit, in the visitor's scale."""
    chosen = scale()
    return NOTHING if vnd is None else f"{chosen.amount(vnd)}\N{NO-BREAK SPACE}{chosen.label}"


def dong(vnd: int | None) -> str:
    """An amount in đồng, whatever scale was chosen: on paper, and where one is decided on."""
    return NOTHING if vnd is None else f"{whole(vnd)}\N{NO-BREAK SPACE}{words('look.scale_dong')}"


def whole(number: int | None) -> str:
    """A whole number with its groups of three."""
    return NOTHING if number is None else format_decimal(number, "#,##0", locale=current())


def megabytes(count: int) -> str:
    """The size of a file in MB, of a small one in KB. Units: bytes. Rounding: half even in the last place."""
    digits, unit, pattern = (6, "MB", "#,##0.#") if count >= SMALL_BYTES else (3, "KB", "#,##0")
    size = format_decimal(Decimal(count).scaleb(-digits), pattern, locale=current())
    return f"{size}\N{NO-BREAK SPACE}{unit}"


def day(value: str | date | None) -> str:
    """A date as dd/mm/yyyy; of an instant, that of Vietnam."""
    if not value:
        return NOTHING
    found = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    return f"{found:%d/%m/%Y}"


def iso_day(typed: str) -> str:
    """A day typed as dd/mm/yyyy, as the services write it; other texts as they are, to be refused there."""
    found = DAY_TYPED.fullmatch(typed.strip())
    return f"{found['year']}-{found['month']:0>2}-{found['day']:0>2}" if found else typed.strip()


def typed_day(value: str | date | None) -> str:
    """A day as people type it; a text that is no day as it is."""
    try:
        return day(value) if value else ""
    except ValueError:
        return str(value)


def moment(value: str | datetime | None) -> str:
    """An instant as dd/mm/yyyy hh:mm:ss in Vietnam."""
    if not value:
        return NOTHING
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{found.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}"


def month(period: str | None) -> str:
    """A period `2024-08` as 08/2024."""
    return f"{period[5:7]}/{period[:4]}" if period else NOTHING


def in_order(rows: Iterable[Mapping[str, Any]], name: str = "name") -> list[Mapping[str, Any]]:
    """Rows in the order of a Vietnamese dictionary by one of their values."""
    return [row for _, row in sorted(((order_of(str(row[name])), row) for row in rows), key=itemgetter(0))]


def order_of(text: str) -> tuple[tuple[int, ...], tuple[int, ...], str]:
    """Where a text stands in a Vietnamese dictionary: letters first, tones where the letters are the same.

    Source: TCVN 5712 gives the letters; ă, â, đ, ê, ô, ơ, ư are letters of their own.
    """
    letters: list[int] = []
    tones: list[int] = []
    for sign in unicodedata.normalize("NFC", text).lower():
        parts = unicodedata.normalize("NFD", sign)
        tone = next((part for part in parts[1:] if part in TONES), "")
        base = unicodedata.normalize("NFC", "".join(part for part in parts if part not in TONES))
        place = ALPHABET.find(base)
        letters.append(place + 1_000 if place >= 0 else min(ord(base[0]), 999))
        tones.append(TONES.find(tone) + 1 if tone else 0)
    return tuple(letters), tuple(tones), text
