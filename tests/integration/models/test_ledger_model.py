"""The real ledger, on its database and behind its API, against a ledger of dictionaries, step by step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run
from sqlalchemy import text

from deploy.local.scratch import ScratchDatabases
from services.allocation.ledger.model import AccountKey, Role
from shared.kernel.clock import business_date
from shared.kernel.ids import id_of
from tests.conftest import migrate_service
from tests.integration.allocation.house import NOON, SERVICE, account
from tests.integration.models.answers import TRANSFERS, Answer, key_fields
from tests.integration.models.counter import Counter, MakeApp
from tests.integration.models.plain import Account, Move, Plain, Refused

UNITS = [id_of("model-unit", number) for number in range(3)]
PROVINCE, DISTRICTS, YEARS = 0, (1, 2), (2024, 2025, 2026)
IDS_PER_YEAR = 18
PARTIES = {"provider": "post", "returned": "post"}
ROUTES = {
    "appropriate": ("source", "envelope", "direct"),
    "allocate": ("envelope", "allotment", "direct"),
    "hold": ("allotment", "provider", "hold"),
    "hold_what_came_back": ("returned", "provider", "hold"),
    "spend": ("provider", "spent", "direct"),
    "give_back": ("provider", "returned", "direct"),
    "return_late": ("spent", "returned", "direct"),
    "return_from_nowhere": ("unmatched", "returned", "direct"),
}
amounts = st.sampled_from([1, 7, 40, 100, 300, 1_000])
districts = st.sampled_from(DISTRICTS)
routes = st.sampled_from([*ROUTES, "hold", "hold", "allocate", "spend"])
years = st.sampled_from([0, 0, 0, 0, 1, -1])  # from the first that is open
picks = st.integers(0, 30)
batches = st.lists(st.tuples(routes, districts, amounts), min_size=2, max_size=5)
STANDING = text(
    "SELECT id, credits_posted - debits_posted AS cash, debits_pending, credits_pending FROM accounts "
    "WHERE (debits_posted, credits_posted, debits_pending, credits_pending) <> (0, 0, 0, 0)"
)


class LedgerMachine(RuleBasedStateMachine):
    """Both ledgers are asked the same; both must say the same and hold the same."""

    make: MakeApp
    databases: ScratchDatabases

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        addresses = self.stack.enter_context(
            self.databases.fresh(SERVICE, lambda url: migrate_service(SERVICE, url))
        )
        self.counter = Counter(addresses, self.make, UNITS, NOON)
        self.plain = Plain()
        self.sent: list[list[Move]] = []
        self.answered: list[tuple[str, object, str, Answer]] = []
        self.numbers = 0

    @initialize(first=amounts)
    def fund(self, first: int) -> None:
        for number, (route, unit, amount) in enumerate(
            [("appropriate", PROVINCE, 9_000 + first), ("allocate", 1, 4_000), ("allocate", 2, 300)]
        ):
            self._ask([self._move(route, unit, amount)], lost=number == 1)

    # --- what is asked ------------------------------------------------------------------------------------

    @rule(route=routes, unit=districts, amount=amounts, year=years, lost=st.booleans())
    def move(self, route: str, unit: int, amount: int, year: int, lost: bool) -> None:  # noqa: FBT001
        self._ask([self._move(route, unit, amount, year)], lost=lost)

    @rule(amount=amounts, unit=districts, year=years)
    def sub_allocate(self, amount: int, unit: int, year: int) -> None:
        at = self._open_year + year
        debit, credit = Account(at, "allotment", unit), Account(at, "allotment", 3 - unit)
        self._ask([Move(self._id(), debit, credit, amount)])

    @rule(several=batches, linked=st.integers(0, 4))
    def batch(self, several: list[tuple[str, int, int]], linked: int) -> None:
        group = self._id()
        made = [self._move(*one) for one in several]
        self._ask([one._replace(group=group) for one in made[:linked]] + made[linked:])

    @rule(role=st.sampled_from(["allotment", "provider", "returned"]), unit=districts, amount=amounts)
    def promise_across_years(self, role: str, unit: int, amount: int) -> None:
        year = self._open_year
        debit, credit = Account(year, role, unit), Account(year + 1, "provider", unit)
        self._ask([Move(self._id(), debit, credit, amount, "hold")])

    @precondition(lambda self: self.plain.holds)
    @rule(pick=picks, amount=st.one_of(st.none(), amounts), kind=st.sampled_from(["post", "post", "void"]))
    def settle(self, pick: int, amount: int | None, kind: str) -> None:
        id_ = list(self.plain.holds)[-1 - pick % len(self.plain.holds)]
        debit, credit, left = self.plain.holds[id_]
        self._ask([Move(self._id(), debit, credit, amount or left or 1, kind, id_)])

    @rule(pick=picks, times=st.sampled_from([1, 1, 2]), any_of=st.sampled_from(["moved", "moved", "all"]))
    def correct(self, pick: int, times: int, any_of: str) -> None:
        known = [id_ for id_, (move, _, done) in self.plain.known.items() if done and move.kind == "direct"]
        if any_of == "all":
            known = list(self.plain.known)
        for _ in range(times):
            self._reverse(known[-1 - pick % len(known)])

    @rule(pick=picks)
    def replay(self, pick: int) -> None:
        self._ask(self._earlier(pick))

    @rule(pick=picks, more=amounts)
    def replay_with_other_content(self, pick: int, more: int) -> None:
        first, *rest = self._earlier(pick)
        self._ask([first._replace(amount=first.amount + more), *rest])

    @rule(pick=picks)
    def ask_again_under_the_same_key(self, pick: int) -> None:
        path, body, key, answer = self.answered[-1 - pick % len(self.answered)]
        again = self.counter.send(path, body, key)
        assert again.is_hit
        assert again.same(answer)

    @rule(year=st.sampled_from(YEARS))
    def close(self, year: int) -> None:
        path = f"/v1/ledger/years/{year}/closing"
        self._compare(self._send(path, None), lambda: self.plain.close(year, self._day))

    @precondition(lambda self: self.numbers > IDS_PER_YEAR * (1 + len(self.plain.closed)))
    @rule()
    def close_when_it_is_over(self) -> None:
        year = self._open_year
        begins = date(year + 1, 1, 2)
        self.counter.clock.advance(max(begins - self._day, timedelta()))
        self.close(year)

    @precondition(lambda self: self._day.year <= max(YEARS))
    @rule(days=st.sampled_from([1, 150]))
    def time_passes(self, days: int) -> None:
        self.counter.clock.advance(timedelta(days=days))

    @rule()
    def restart(self) -> None:
        self.counter.restart()

    # --- what must hold -----------------------------------------------------------------------------------

    @invariant()
    def both_hold_the_same(self) -> None:
        with self.counter.house.owner.connect() as connection:
            found = {row.id: tuple(map(int, row[1:])) for row in connection.execute(STANDING)}
        plain = self.plain
        accounts = plain.cash.keys() | plain.promised.keys() | plain.awaited.keys()
        expected = {
            _key(one).id: (plain.cash[one], plain.promised[one], plain.awaited[one]) for one in accounts
        }
        nothing = (0, 0, 0)
        assert {id_: one for id_, one in found.items() if one != nothing} == {
            id_: one for id_, one in expected.items() if one != nothing
        }
        for one in accounts:
            assert one.role in {"source", "unmatched"} or plain.cash[one] >= plain.promised[one] >= 0
        assert sum(cash for cash, _, _ in found.values()) == 0

    def teardown(self) -> None:
        try:
            assert [str(one) for one in self.counter.house.findings()] == []
            stored = {row.id for row in self.counter.house.rows("SELECT id FROM transfers")}
            told = {id_ for id_, (_, _, accepted) in self.plain.known.items() if accepted}
            assert told <= stored
        finally:
            self.counter.close()
            self.stack.close()

    # --- how it is asked ----------------------------------------------------------------------------------

    @property
    def _day(self) -> date:
        return business_date(self.counter.clock.now())

    def _id(self) -> UUID:
        self.numbers += 1
        return id_of("model-step", self.numbers)

    @property
    def _open_year(self) -> int:
        return next(year for year in range(YEARS[0], 2101) if year not in self.plain.closed)

    def _move(self, route: str, unit: int, amount: int, offset: int = 0) -> Move:
        debit, credit, kind = ROUTES[route]
        year = self._open_year + offset
        return Move(self._id(), _at(year, debit, unit), _at(year, credit, unit), amount, kind)

    def _earlier(self, pick: int) -> list[Move]:
        return self.sent[-1 - pick % len(self.sent)]

    def _ask(self, batch: list[Move], *, lost: bool = False) -> None:
        if batch not in self.sent:
            self.sent.append(batch)
        answer = self._send(TRANSFERS, {"transfers": [_fields(one) for one in batch]}, lost=lost)
        self._compare(answer, lambda: self.plain.take(batch, self._day))

    def _reverse(self, id_: UUID) -> None:
        answer = self._send(f"{TRANSFERS}/{id_}/reversal", {"reason": "sai sót"})
        self._compare(answer, lambda: [self.plain.reverse(id_, self._day)])

    def _send(self, path: str, body: object, *, lost: bool = False) -> Answer:
        """The answer; a lost one is asked for again by the same key, after a restart."""
        key = str(self._id())
        answer = self.counter.send(path, body, key)
        if lost:
            self.counter.restart()
            again = self.counter.send(path, body, key)
            assert again.is_hit is (answer.status == 200)
            assert again.same(answer)
        if answer.status == 200:
            self.answered.append((path, body, key, answer))
        return answer

    def _compare(self, answer: Answer, ask: Callable[[], Any]) -> None:
        note(f"{answer.status} {answer.body[:300].decode()}")
        expected, code = None, ""
        try:
            expected = ask()
        except Refused as refused:
            code = str(refused)
        if code:
            assert (answer.status >= 400, answer.json["code"]) == (True, code)
            return
        assert answer.status == 200, answer.body
        if expected is not None:
            told = answer.json.get("outcomes", [answer.json])
            assert [(one["verdict"], one["exists"]) for one in told] == expected


def _at(year: int, role: str, unit: int) -> Account:
    if role in {"source", "unmatched"}:
        return Account(year, role)
    return Account(year, role, PROVINCE if role == "envelope" else unit)


def _key(one: Account) -> AccountKey:
    unit = None if one.unit is None else UNITS[one.unit]
    return replace(account(Role(one.role), unit, PARTIES.get(one.role)), fiscal_year=one.year)


def _fields(one: Move) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "debit": key_fields(_key(one.debit)),
        "credit": key_fields(_key(one.credit)),
        "amount_vnd": one.amount,
        "kind": one.kind,
        "hold_id": None if one.hold is None else str(one.hold),
        "group_id": None if one.group is None else str(one.group),
    }


@pytest.fixture
def machine(scratch: ScratchDatabases, application: MakeApp) -> type[LedgerMachine]:
    return type("Machine", (LedgerMachine,), {"make": staticmethod(application), "databases": scratch})


COMMON: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "print_blob": True,
    "suppress_health_check": list(HealthCheck),
}


def test_the_ledger_answers_like_the_dictionaries(machine: type[LedgerMachine]) -> None:
    few = settings(
        max_examples=15,
        stateful_step_count=25,
        derandomize=True,
        phases=[Phase.generate],  # a failure is told at once; the full size makes it short
        **COMMON,
    )
    run(machine, settings=few)


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_the_ledger_answers_like_the_dictionaries_at_length(machine: type[LedgerMachine]) -> None:
    run(machine, settings=settings(max_examples=400, stateful_step_count=50, **COMMON))
