"""Computing what each unit gets: fixed amounts by class, or a total shared by counts; the parts always tie.

Criteria, amounts and the rounding unit are data of the instrument that sets them. The arithmetic is kept
beside the result, so that a page can show how each amount came about.
Shapes known from practice: two classes of communes (Núi Thành 2022); "only the highest class counts"
(Decision 16/2026/QĐ-TTg).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.kernel.errors import Rejected
from shared.kernel.money import DONG, Money, share_out, total

NOTHING = Money(0)


@dataclass(frozen=True, slots=True)
class ByClass:
    """A fixed amount for each class; a unit of several classes gets the highest amount only."""

    instrument: str
    amounts: Mapping[str, Money]


@dataclass(frozen=True, slots=True)
class ByCount:
    """A total shared in proportion to counts, in whole rounding units, largest remainders first."""

    instrument: str
    total: Money
    rounding: Money = DONG
    minimum: Money = NOTHING


@dataclass(frozen=True, slots=True)
class Share:
    """One unit's inputs: the classes it is in, or its count (for example of poor households)."""

    unit_id: UUID
    classes: tuple[str, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """What one unit gets, and how: the figures that a person can calculate again."""

    unit_id: UUID
    amount: Money
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Computed:
    """All parts, in the order of the shares; they add up to the total exactly."""

    instrument: str
    total: Money
    parts: tuple[Part, ...]


def by_class(formula: ByClass, shares: Sequence[Share]) -> Computed:
    """A fixed amount per unit, by its highest class.

    Raises: Rejected class_unknown, class_missing, unit_repeated.
    """
    _ensure_distinct(shares)
    parts = tuple(_of_class(formula, share) for share in shares)
    return Computed(formula.instrument, total(part.amount for part in parts), parts)


def by_count(formula: ByCount, shares: Sequence[Share]) -> Computed:
    """A total shared by counts; every unit with a count above 0 gets at least the minimum.

    Rounding: down to the unit, left-over units to the largest remainders, ties by position.
    Raises: Rejected counts_missing, minimum_exceeds_total, unit_repeated; WeightsInvalid.
    """
    _ensure_distinct(shares)
    counted = [share for share in shares if share.count > 0]
    if not counted:
        raise Rejected("counts_missing", "No unit has a count above 0; there is nothing to share by.")
    base = Money(formula.minimum * len(counted))
    if base > formula.total:
        raise Rejected(
            "minimum_exceeds_total",
            f"The minimum alone needs {base} đồng, there are {formula.total}.",
            minimum_vnd=base,
            total_vnd=formula.total,
        )
    shared = share_out(Money(formula.total - base), [share.count for share in shares], formula.rounding)
    whole = sum(share.count for share in shares)
    parts = tuple(
        _of_count(formula, share, amount, whole) for share, amount in zip(shares, shared, strict=True)
    )
    return Computed(formula.instrument, formula.total, parts)


def _of_class(formula: ByClass, share: Share) -> Part:
    unknown = sorted(set(share.classes) - formula.amounts.keys())
    if unknown:
        named = ", ".join(unknown)
        raise Rejected("class_unknown", f"{formula.instrument} knows no class {named}.", classes=named)
    if not share.classes:
        raise Rejected("class_missing", f"Unit {share.unit_id} is in no class.")
    highest = max(share.classes, key=lambda name: formula.amounts[name])
    amount = formula.amounts[highest]
    return Part(share.unit_id, amount, (f"class {highest}: {amount}",))


def _of_count(formula: ByCount, share: Share, amount: Money, whole: int) -> Part:
    step = f"shared {amount}: {share.count} of {whole}"
    if share.count == 0 or formula.minimum == 0:
        return Part(share.unit_id, amount, (step,))
    return Part(share.unit_id, Money(formula.minimum + amount), (f"minimum {formula.minimum}", step))


def _ensure_distinct(shares: Sequence[Share]) -> None:
    seen: set[UUID] = set()
    for share in shares:
        if share.unit_id in seen:
            raise Rejected("unit_repeated", f"Unit {share.unit_id} stands in the formula twice.")
        seen.add(share.unit_id)
