"""Twenty thousand invented persons, made from a seed; nobody in it exists.

Identity numbers begin with 000, which belongs to no province, and account numbers with 9999. Categories,
percents and years of birth are in plausible shares, which are ours and no statistics.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SEED = 20240801
PERSONS = 20_000
COLUMNS = (
    "number",
    "full_name",
    "birth_year",
    "identity_number",
    "commune_code",
    "benefits",
    "provider",
    "bank_code",
    "account_number",
)
SURNAMES = (
    *("Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng", "Bùi"),
    *("Đỗ", "Hồ", "Ngô", "Dương", "Lý", "Trương", "Đinh", "Mai", "Đoàn", "Lương"),
)
MIDDLE = (
    *("Văn", "Thị", "Đức", "Hữu", "Ngọc", "Thanh", "Minh", "Xuân"),
    *("Công", "Quang", "Thu", "Kim", "Hồng", "Bá", "Tấn", "Đình"),
)
GIVEN = (
    *("An", "Bình", "Cường", "Dũng", "Đông", "Giang", "Hà", "Hải", "Hạnh", "Hòa", "Hùng", "Hương", "Khánh"),
    *("Lan", "Linh", "Long", "Mai", "Minh", "Nam", "Nga", "Nhung", "Phúc", "Phương", "Quý", "Sơn", "Tâm"),
    *("Thảo", "Thắng", "Thủy", "Tiến", "Toàn", "Trung", "Tuấn", "Tuyết", "Vân", "Vinh", "Xuân", "Yến"),
)
# Category, weight, years of birth: a share of the invented register, in thousandths.
CATEGORIES: tuple[tuple[str, int, int, int], ...] = (
    ("TB", 330, 1932, 1962),
    ("TBB", 40, 1945, 1968),
    ("BB_41_50", 20, 1938, 1960),
    ("BB_61_70", 70, 1935, 1958),
    ("BB_71_80", 25, 1935, 1955),
    ("CDHH_21_40", 30, 1940, 1958),
    ("CDHH_41_60", 60, 1940, 1957),
    ("CDHH_61_80", 40, 1938, 1956),
    ("TN_LS_1", 260, 1925, 1960),
    ("TN_LS_2", 20, 1922, 1950),
    ("TUDAY", 55, 1928, 1955),
    ("GDCM_HCKC", 20, 1925, 1948),
    ("BMVNAH", 8, 1915, 1938),
    ("TRUOC45_KTL", 2, 1915, 1927),
    ("TN_TB61_TUAT", 20, 1935, 1965),
)
WITH_PERCENT = frozenset({"TB", "TBB"})
SEVERE_PERCENT = 81
BANK_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Invented:
    """One invented person. `benefits` holds category and injury percent, where the category has one."""

    number: str
    full_name: str
    birth_year: int
    identity_number: str
    commune_code: str
    district_code: str
    benefits: tuple[tuple[str, int | None], ...]
    since: str
    provider: str
    bank_code: str
    account_number: str

    def row(self) -> tuple[str, ...]:
        """The person's row in a register file."""
        written = ";".join(
            f"{code}:{'' if percent is None else percent}:{self.since}" for code, percent in self.benefits
        )
        return (
            self.number,
            self.full_name,
            str(self.birth_year),
            self.identity_number,
            self.commune_code,
            written,
            self.provider,
            self.bank_code,
            self.account_number,
        )


def invent(
    communes: Sequence[Mapping[str, Any]], district_of: Mapping[str, str], count: int = PERSONS
) -> list[Invented]:
    """The same persons for the same communes, whenever and wherever it runs."""
    chance = random.Random(SEED)
    codes = [commune["code"] for commune in communes]
    names = [category for category, *_ in CATEGORIES]
    weights = [weight for _, weight, *_ in CATEGORIES]
    spans = {category: (first, last) for category, _, first, last in CATEGORIES}
    people = []
    for number in range(1, count + 1):
        category = chance.choices(names, weights)[0]
        commune = codes[number % len(codes)] if number <= len(codes) else chance.choice(codes)
        people.append(_person(chance, number, category, spans[category], commune, district_of[commune]))
    return people


def register_file(people: Sequence[Invented]) -> bytes:
    """The persons as a register file."""
    return table(COLUMNS, (person.row() for person in people))


def table(columns: Sequence[str], rows: Any) -> bytes:  # noqa: ANN401 - any iterable of rows
    """A CSV file in UTF-8."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue().encode()


def _person(
    chance: random.Random, number: int, category: str, years: tuple[int, int], commune: str, district: str
) -> Invented:
    percent = min(100, max(21, int(chance.gauss(42, 18)))) if category in WITH_PERCENT else None
    benefits: tuple[tuple[str, int | None], ...] = ((category, percent),)
    if category == "TB" and percent is not None and percent >= SEVERE_PERCENT:
        benefits += (("TB81_PC", None), ("PV_TB81", None))
    if category == "BMVNAH":
        benefits += (("BMVNAH_PC", None),)
    by_bank = chance.random() < BANK_SHARE
    birth_year = chance.randint(*years)
    name = f"{chance.choice(SURNAMES)} {chance.choice(MIDDLE)} {chance.choice(GIVEN)}"
    return Invented(
        number=f"MH/{district}/{number:06d}",
        full_name=name,
        birth_year=birth_year,
        identity_number=f"000{chance.randint(0, 1)}{birth_year % 100:02d}{number:06d}",
        commune_code=commune,
        district_code=district,
        benefits=benefits,
        since=f"{chance.randint(1996, 2020)}-{chance.randint(1, 12):02d}",
        provider="BANK-QNA" if by_bank else "POST-QNA",
        bank_code=chance.choice(("970436", "970416")) if by_bank else "",
        account_number=f"9999{number:09d}" if by_bank else "",
    )
