"""Who sits at which desk, and the ways of a decision from desk to desk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from werkzeug.test import TestResponse

from tests.integration.allocation.house import MERIT, MERIT_ARTICLE, House, Person

MakePerson = Callable[[str, dict[str, tuple[str, ...]]], Person]
CODE_OF_PROVINCE = "49"


class Offices:
    """People with their permissions for the province, unless told otherwise."""

    def __init__(self, house: House, person: MakePerson) -> None:
        self.house = house
        self._person = person
        self.province = self.unit(CODE_OF_PROVINCE, level=1)
        self.officer = self.holder(
            "officer", "decisions.draft", "decisions.submit", "formulas.compute", *READING
        )
        self.checker = self.holder(
            "checker", "decisions.approve", "decisions.draft", "decisions.submit", *READING
        )
        self.head = self.holder("head", "decisions.issue", *READING)
        self.treasurer = self.holder("treasurer", "withdrawals.read", "withdrawals.answer")
        self.accountant = self.holder("accountant", "ledger.transfer", "ledger.read")

    def holder(self, subject: str, *permissions: str, unit: str | None = None) -> Person:
        """Somebody who holds permissions for a unit, the province unless told otherwise."""
        return self._person(subject, dict.fromkeys(permissions, (unit or self.province,)))

    @property
    def province_id(self) -> UUID:
        """The province, as the code names it."""
        return UUID(self.province)

    @staticmethod
    def uuid(unit: str) -> UUID:
        """A unit of the API, as the code names it."""
        return UUID(unit)

    def unit(self, code: str, level: int, on: date = date(2024, 8, 5)) -> str:
        """The id of the unit that had a code on a day."""
        found = self.house.one(
            "SELECT id FROM units WHERE code = :code AND level = :level AND valid_from <= :on "
            "AND (valid_to IS NULL OR valid_to >= :on)",
            code=code,
            level=level,
            on=on,
        )
        assert found is not None, f"no unit {code} on {on}"
        return str(found)

    def districts(self, count: int) -> list[str]:
        """The ids of some districts."""
        rows = self.house.rows(
            "SELECT id FROM units WHERE level = 2 AND valid_from <= '2024-08-05' "
            "AND (valid_to IS NULL OR valid_to >= '2024-08-05') ORDER BY code LIMIT :count",
            count=count,
        )
        return [str(row.id) for row in rows]

    def header(self, kind: str = "allocation", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """What every decision of merit money says at its top."""
        return {
            "kind": kind,
            "title": "Giao kinh phí ưu đãi người có công",
            "fiscal_year": 2024,
            **MERIT,
            "issuing_unit_id": self.province,
            "demonstration": True,
            **changes,
        }

    def draft(self, lines: Sequence[Mapping[str, Any]], by: Person | None = None, **header: Any) -> str:  # noqa: ANN401
        """The id of a decision written by hand."""
        reply = (by or self.officer).send("/v1/decisions", self.header(**header) | {"lines": list(lines)})
        assert reply.status_code == 201, reply.get_data(as_text=True)
        return str(reply.get_json()["id"])

    def revise(
        self,
        decision: str,
        lines: Sequence[Mapping[str, Any]],
        seen: int | None = 1,
        by: Person | None = None,
        key: str = "",
        **header: Any,  # noqa: ANN401 - JSON
    ) -> TestResponse:
        """The answer to rewriting a decision by hand, of the version that was seen."""
        body = self.header(**header) | {"lines": list(lines)}
        path = f"/v1/decisions/{decision}"
        return (by or self.officer).send(path, body, key, method="PUT", seen=seen)

    def step(self, by: Person, decision: str, step: str, body: Any = None) -> TestResponse:  # noqa: ANN401
        """One act on a decision."""
        return by.send(f"/v1/decisions/{decision}/{step}", body)

    def issue(self, decision: str, number: str = "01/QĐ-UBND", on: str = "2024-08-05") -> TestResponse:
        """The answer to issuing a decision that was submitted and approved before."""
        assert self.step(self.officer, decision, "submission").status_code == 200
        assert self.step(self.checker, decision, "approval").status_code == 200
        return self.step(self.head, decision, "issue", {"number": number, "issued_on": on})

    def appropriate(self, amount: int, number: str = "00/QĐ-UBND") -> str:
        """The id of an issued decision that put money into the province's envelope."""
        decision = self.draft([line(amount)], kind="appropriation")
        reply = self.issue(decision, number)
        assert reply.status_code == 200, reply.get_data(as_text=True)
        return decision

    def allocate(self, amounts: Mapping[str, int], number: str, kind: str = "allocation") -> str:
        """The id of an issued decision that gave money to units."""
        decision = self.draft([line(amount, unit) for unit, amount in amounts.items()], kind=kind)
        reply = self.issue(decision, number)
        assert reply.status_code == 200, reply.get_data(as_text=True)
        return decision


def line(
    amount: int,
    unit: str | None = None,
    article: UUID = MERIT_ARTICLE,
    quantity: int | None = None,
) -> dict[str, Any]:
    """One line of a decision as the API takes it."""
    return {
        "text": "Kinh phí ưu đãi người có công",
        "unit_id": unit,
        "article_id": str(article),
        "amount_vnd": amount,
        "quantity": quantity,
    }


READING = ("decisions.read", "units.read", "legal_bases.read", "ledger.read")
