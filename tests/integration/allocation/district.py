"""One district with an allotment, and its lists on their way: used by every test of the money of lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.allocation.ledger.model import Role
from services.allocation.year_end.events import YearClosed
from services.allocation.year_end.handlers import close_year
from shared.kernel.ids import new_id
from tests.integration.allocation.house import TODAY, House, account
from tests.integration.allocation.offices import Offices

MILLION = 1_000_000
POST = "vnpost"
STATEMENT = str(new_id())
LATER = date(2025, 2, 3)


@dataclass
class District:
    """One district with an allotment, and its lists on their way."""

    offices: Offices
    unit: str
    numbers: int = 10

    @property
    def house(self) -> House:
        return self.offices.house

    def left(self, role: Role, party: str | None = None, year: int = 2024) -> int:
        return self.house.available(account(role, UUID(self.unit), party, year))

    def standing(self, year: int) -> dict[str, int]:
        """What is available in each account of the district that has something, by role."""
        rows = self.house.rows(
            "SELECT role, sum(credits_posted - debits_posted - debits_pending) AS vnd FROM accounts "
            "WHERE unit_id = :unit AND fiscal_year = :year GROUP BY role",
            unit=self.unit,
            year=year,
        )
        return {row.role: int(row.vnd) for row in rows if row.vnd}

    def close_year(self, year: int = 2024, on: date = LATER) -> YearClosed:
        """The accountant closes a year."""
        with self.house.unit_of_work.begin(self.house.act("accountant-1", on)) as work:
            return close_year(work, year)

    def give(self, amount: int, kind: str = "allocation") -> str:
        """A decision that gives the district money."""
        self.numbers += 1
        self.offices.appropriate(amount, f"{self.numbers}A/QĐ")
        return self.offices.allocate({self.unit: amount}, f"{self.numbers}B/QĐ", kind)

    def approve(
        self,
        amount: int,
        list_id: str | None = None,
        submission: int = 1,
        on: date = TODAY,
        **changes: Any,  # noqa: ANN401 - JSON
    ) -> str:
        """An approved list arrives."""
        named = list_id or str(new_id())
        self.house.hand("lists.approved", self.approved(amount, named, submission) | changes, on)
        return named

    def approved(self, amount: int, list_id: str, submission: int = 1) -> dict[str, Any]:
        """What the event of an approved list says."""
        return {
            "list_id": list_id,
            "submission": submission,
            "period": "2024-08",
            "fiscal_year": 2024,
            "unit_id": self.unit,
            "provider": POST,
            "channel": "post",
            "payment_count": 1,
            "total_vnd": amount,
            "content_sha256": "0" * 64,
            "lines": [{"line": "merit_monthly", "purpose": "merit_monthly", "amount_vnd": amount}],
        }

    def answer(
        self,
        kind: str,
        list_id: str,
        amount: int,
        chunk: int = 0,
        statement: str = STATEMENT,
        on: date = TODAY,
        **changes: Any,  # noqa: ANN401 - JSON
    ) -> None:
        """A provider's answer arrives: `settled` or `returned`."""
        facts = {
            "list_id": list_id,
            "statement_id": statement,
            "chunk": chunk,
            "lines": [{"line": "merit_monthly", "count": 1, "amount_vnd": amount}],
            "items": [],
        }
        self.house.hand(f"payments.{kind}", facts | changes, on)

    def close(self, list_id: str, settled: int, returned: int, unknown: int = 0, on: date = TODAY) -> None:
        """The list is closed with its sums."""
        instructed = settled + returned + unknown
        self.house.hand(
            "lists.closed",
            {
                "list_id": list_id,
                "unknown_count": int(bool(unknown)),
                "lines": [
                    {
                        "line": "merit_monthly",
                        "instructed_vnd": instructed,
                        "settled_vnd": settled,
                        "returned_vnd": returned,
                        "unknown_vnd": unknown,
                    }
                ],
            },
            on,
        )

    def withdraw(self, list_id: str, submission: int = 1, on: date = TODAY) -> None:
        """The list is asked back."""
        facts = {"list_id": list_id, "submission": submission, "reason": "sai sót"}
        self.house.hand("lists.withdrawal_requested", facts, on)

    def requests(self, state: str = "requested") -> list[dict[str, Any]]:
        return list(self.offices.treasurer.pages("/v1/withdrawals", state=state))

    def confirm(self, list_id: str) -> None:
        """The Treasury moves the money."""
        reply = self.offices.treasurer.send(
            f"/v1/withdrawals/{self.asked(list_id)['id']}/confirmation", {"reference": "KB-1"}
        )
        assert reply.status_code == 200, reply.get_data(as_text=True)

    def refuse(self, list_id: str) -> None:
        """The Treasury does not move the money."""
        reply = self.offices.treasurer.send(
            f"/v1/withdrawals/{self.asked(list_id)['id']}/refusal", {"reason": "thiếu hồ sơ"}
        )
        assert reply.status_code == 200, reply.get_data(as_text=True)

    def asked(self, list_id: str) -> dict[str, Any]:
        """The open request to the Treasury for a list."""
        (found,) = (one for one in self.requests() if one["list_id"] == list_id)
        return found

    def held(self, amount: int) -> str:
        """A list that is held, in a district that has just its money."""
        self.give(amount)
        return self.approve(amount)

    def drawn(self, amount: int) -> str:
        """A list whose money is with the provider."""
        named = self.held(amount)
        self.confirm(named)
        return named

    def paid_list(self, settled: int, returned: int) -> str:
        """A list that was drawn and answered."""
        named = self.approve(settled + returned)
        self.confirm(named)
        statement = str(new_id())
        if settled:
            self.answer("settled", named, settled, statement=statement)
        if returned:
            self.answer("returned", named, returned, statement=statement)
        return named

    def state(self, list_id: str, submission: int = 1) -> str:
        found = self.house.one(
            "SELECT state FROM list_funds WHERE list_id = :id AND submission = :n", id=list_id, n=submission
        )
        return str(found)
