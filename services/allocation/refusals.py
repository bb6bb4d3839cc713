"""What a violated constraint means in this service's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.kernel.errors import Conflict, Rejected


def _number_taken() -> Rejected:
    return Conflict("number_taken", "This unit has issued another decision under this number already.")


def _article_unknown() -> Rejected:
    return Rejected("article_unknown", "A line names an article that is not known.")


def _unit_unknown() -> Rejected:
    return Rejected("unit_unknown", "A line names a unit that is not known.")


REFUSALS: Mapping[str, Callable[[], Rejected]] = {
    "uq_decisions_issuing_unit_id_number": _number_taken,
    "fk_decision_lines_article_id": _article_unknown,
    "fk_decision_lines_unit_id": _unit_unknown,
    "fk_decisions_issuing_unit_id": _unit_unknown,
}
