"""The routes of allocation, for tests that go through all of them: who may, and a body that is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.kernel.ids import new_id
from tests.integration.allocation.house import MERIT, MERIT_ARTICLE, unit_id
from tests.integration.allocation.offices import Offices, line

ID = str(unit_id("no such thing"))


@dataclass(frozen=True)
class Route:
    """One way in: who may use it, and a body that is taken, where it takes one."""

    method: str
    path: str
    permission: str
    body: Callable[[Offices], dict[str, Any]] | None = None
    also: tuple[str, ...] = ()  # what its caller holds besides

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def ask(self, offices: Offices, **options: Any) -> TestResponse:  # noqa: ANN401 - as werkzeug takes them
        """A request of somebody who may."""
        person = offices.holder("somebody", self.permission, *self.also)
        if self.method == "GET":
            return person.ask("GET", self.path, **options)
        return person.send(self.path, method=self.method, **options)

    def good(self, offices: Offices) -> dict[str, Any]:
        """A body that can be read."""
        assert self.body is not None
        return self.body(offices)


def transfers(offices: Offices) -> dict[str, Any]:
    side = {"fiscal_year": 2024, **MERIT, "unit_id": offices.districts(1)[0]}
    one = {
        "id": str(new_id()),
        "debit": side | {"role": "source", "unit_id": None},
        "credit": side | {"role": "allotment"},
        "amount_vnd": 5,
        "kind": "direct",
    }
    return {"transfers": [one]}


def decision(offices: Offices) -> dict[str, Any]:
    return offices.header() | {"lines": [line(5, offices.districts(1)[0])]}


def formula(offices: Offices) -> dict[str, Any]:
    shares = [{"unit_id": unit, "count": 3} for unit in offices.districts(2)]
    more = {"article_id": str(MERIT_ARTICLE), "instrument": "TT-44-2022", "shares": shares, "total_vnd": 10}
    return offices.header() | more


def fixed(**body: Any) -> Callable[[Offices], dict[str, Any]]:  # noqa: ANN401 - JSON
    return lambda _: dict(body)


READING = (
    Route("GET", "/v1/units", "units.read"),
    Route("GET", "/v1/articles", "legal_bases.read"),
    Route("GET", "/v1/accounts", "ledger.read"),
    Route("GET", f"/v1/accounts/{ID}/transfers", "ledger.read"),
    Route("GET", "/v1/decisions", "decisions.read"),
    Route("GET", f"/v1/decisions/{ID}", "decisions.read"),
    Route("GET", "/v1/withdrawals", "withdrawals.read"),
)
TELLING = (
    Route("POST", "/v1/transfers", "ledger.transfer", transfers),
    Route("POST", f"/v1/transfers/{ID}/reversal", "ledger.transfer", fixed(reason="x")),
    Route("POST", "/v1/decisions", "decisions.draft", decision),
    Route("POST", "/v1/decisions/formulas", "formulas.compute", formula, ("decisions.draft",)),
    Route("POST", f"/v1/decisions/{ID}/return", "decisions.approve", fixed(reason="x")),
    Route("POST", f"/v1/decisions/{ID}/issue", "decisions.issue", fixed(number="1", issued_on="2024-08-05")),
    Route("POST", f"/v1/withdrawals/{ID}/confirmation", "withdrawals.answer", fixed(reference="KB-1")),
    Route("POST", f"/v1/withdrawals/{ID}/refusal", "withdrawals.answer", fixed(reason="x")),
    Route("POST", f"/v1/decisions/{ID}/withdrawal", "decisions.draft", fixed(reason="x")),
    Route("PUT", f"/v1/decisions/{ID}", "decisions.draft", decision),
    Route("PUT", f"/v1/decisions/{ID}/formula", "formulas.compute", formula, ("decisions.draft",)),
)
PRESSING = (
    Route("POST", f"/v1/decisions/{ID}/submission", "decisions.submit"),
    Route("POST", f"/v1/decisions/{ID}/approval", "decisions.approve"),
    Route("POST", "/v1/ledger/years/2023/closing", "ledger.transfer"),
)
WRITING = (*TELLING, *PRESSING)
PAGED = tuple(one for one in READING if one.path not in {"/v1/articles", f"/v1/decisions/{ID}"})
each_route = pytest.mark.parametrize("route", [*READING, *WRITING], ids=str)
each_writing = pytest.mark.parametrize("route", WRITING, ids=str)
each_body = pytest.mark.parametrize("route", TELLING, ids=str)
each_page = pytest.mark.parametrize("route", PAGED, ids=str)


def rows(offices: Offices) -> dict[str, int]:
    """How much there is of what these routes change."""
    tables = ("transfers", "transfer_refusals", "decisions", "decision_lines", "ledger_years", "withdrawals")
    return {table: int(offices.house.one(f"SELECT count(*) FROM {table}")) for table in tables}
