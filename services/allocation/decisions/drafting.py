"""From an annex or a formula to the lines of a draft; a file with any problem never becomes a decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from services.allocation.annexes.report import AnnexReport
from services.allocation.decisions.commands import NewLine
from services.allocation.formulas.model import ByClass, ByCount, Computed, Share, by_class, by_count
from shared.kernel import canonical
from shared.kernel.errors import Fault, Rejected
from shared.kernel.money import Money

ARITHMETIC_BYTES_MAX = 240 * 1024  # as an event writes it, which may have 256 KiB with all that it tells


def lines_of_annex(report: AnnexReport, article_id: UUID, works: Iterable[int]) -> tuple[NewLine, ...]:
    """The lines of an annex, for units or for works that an officer named.

    Raises: Rejected annex_faulty with every problem at its row; an unmatched row that nobody confirmed as a
    work is one of them.
    """
    faults = [
        Fault(one.code, one.message, row=one.row, column=one.column) for one in report.problems
    ] + _unconfirmed(report, set(works))
    if faults:
        raise Rejected("annex_faulty", f"The annex has {len(faults)} problems; nothing was stored.", faults)
    return tuple(
        NewLine(
            label=line.label,
            text=line.text,
            unit_id=line.unit_id,
            article_id=article_id,
            amount_vnd=int(line.amount_vnd or 0),
            note=line.note,
        )
        for line in report.lines
    )


def compute(body: Mapping[str, Any], shares: Sequence[Share]) -> Computed:
    """What the formula of a request comes to.

    Raises: Rejected formula_unclear where it has both class amounts and a total, or neither.
    """
    amounts, total = body["class_amounts"], body["total_vnd"]
    if (amounts is None) == (total is None):
        raise Rejected("formula_unclear", "Give either class_amounts or total_vnd, not both and not neither.")
    if amounts is not None:
        fixed = {name: Money(amount) for name, amount in amounts.items()}
        return by_class(ByClass(body["instrument"], fixed), shares)
    return by_count(ByCount(body["instrument"], Money(total), Money(body["rounding_vnd"])), shares)


def lines_of_formula(computed: Computed, names: Mapping[UUID, str], article_id: UUID) -> tuple[NewLine, ...]:
    """One line per unit that gets something, numbered in order."""
    return tuple(
        NewLine(
            label=str(number),
            text=names.get(part.unit_id, str(part.unit_id)),
            unit_id=part.unit_id,
            article_id=article_id,
            amount_vnd=part.amount,
            note="; ".join(part.steps),
        )
        for number, part in enumerate((part for part in computed.parts if part.amount > 0), 1)
    )


def arithmetic(computed: Computed, shares: Sequence[Share]) -> str:
    """The whole calculation as canonical JSON: inputs, steps and parts.

    Raises: Rejected formula_too_large where it would not fit into the event that tells of the decision.
    """
    text = canonical.encode(
        {"computed": asdict(computed), "shares": [asdict(share) for share in shares]}
    ).decode()
    if (size := len(canonical.encode(text))) > ARITHMETIC_BYTES_MAX:
        raise Rejected(
            "formula_too_large",
            f"The arithmetic of {len(shares)} shares has {size} bytes, and a decision keeps "
            f"{ARITHMETIC_BYTES_MAX}; divide the shares among several decisions.",
            shares=len(shares),
        )
    return text


def _unconfirmed(report: AnnexReport, works: set[int]) -> list[Fault]:
    return [
        Fault(
            "unit_unconfirmed",
            f'Row {one.row}: "{one.text}" names no known unit; correct it or confirm it as a work.',
            row=one.row,
            value=one.text,
            cure=", ".join(one.nearest) or None,
        )
        for one in report.unmatched
        if one.row not in works
    ]
