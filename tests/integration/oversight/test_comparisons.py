"""What must hold between databases: money on both sides, and every journal row in the log, byte for byte."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, make_url, text

from deploy.local.postgres import Server
from deploy.local.provisioning import Addresses
from deploy.oversight.comparisons import differing
from deploy.oversight.databases import SERVICES, opened
from deploy.oversight.findings import Finding
from deploy.oversight.lag import lagging, wait_until_nothing_lags
from services.audit.log import handlers, keys, model
from services.audit.log.loops import Signing
from services.audit.search.handlers import Indexing, ensure_cursor
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.journal import positions
from shared.journal.events import EpochBegun
from shared.journal.positions import Cursor
from shared.kernel.acts import Act
from shared.kernel.clock import FixedClock
from tests.integration.oversight.test_invariants import ONE, THREE, TWO, Vandal

NOON = datetime(2024, 8, 5, 5, tzinfo=UTC)
ORIGIN = "fundtrail.test/audit"


@dataclass
class House:
    """The five databases of an instance, and an audit service that takes what they record."""

    addresses: dict[str, Addresses]
    server: Server
    folder: Path
    opened: list[Engine] = field(default_factory=list)
    vandals: list[psycopg.Connection[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.units = {
            service: UnitOfWork(self.engine(one.service), FixedClock(NOON))
            for service, one in self.addresses.items()
        }
        with self.units["audit"].begin(self.act) as work:
            keys.ensure_log(work, self.folder, ORIGIN)
            ensure_cursor(work)
        self.signing = Signing(self.units["audit"], keys.load_signer(self.folder), self.folder)

    @property
    def act(self) -> Act:
        return Act.system("tests", NOON)

    @property
    def readers(self) -> dict[str, str]:
        return {service: one.reader for service, one in self.addresses.items()}

    def engine(self, url: str) -> Engine:
        self.opened.append(make_engine(url, application="tests-oversight", pool_size=2))
        return self.opened[-1]

    def record(self, service: str, count: int = 1) -> None:
        with self.units[service].begin(self.act) as work:
            work.record_many([EpochBegun(number, number) for number in range(count)])

    def log(self, *services: str) -> None:
        """Take the whole journal of each service into the log, sign it and index it."""
        for service in services or SERVICES:
            with self.units[service].reading() as connection:
                rows = positions.page(connection, service, Cursor(0, 0), 2**62, 10_000)
            arrivals = [model.arrival_of(item) for _, item in rows]
            taken = handlers.Taken(0, more=True)
            while taken.more:
                with self.units["audit"].begin(self.act) as work:
                    taken = handlers.take(work, arrivals)
                arrivals = []
        self.signing.step()
        while Indexing(self.units["audit"]).step():
            pass

    def vandal(self, service: str) -> Vandal:
        name = make_url(self.addresses[service].owner).database
        assert name is not None
        self.vandals.append(self.server.connect(name).__enter__())
        return Vandal(self.vandals[-1])

    def do(self, service: str, statement: str, **values: Any) -> None:  # noqa: ANN401 - values of SQL
        with self.engine(self.addresses[service].owner).begin() as connection:
            connection.execute(text(statement), values)

    def differing(self) -> list[Finding]:
        with opened(self.readers) as databases:
            return list(differing(databases))

    def places(self, rule: str) -> list[tuple[str, str]]:
        return [(one.database, one.place) for one in self.differing() if one.rule == rule]

    def lagging(self) -> list[str]:
        with opened(self.readers) as databases:
            return lagging(databases)


@pytest.fixture
def house(database: Callable[[str], Addresses], postgres_server: Server, tmp_path: Path) -> Iterator[House]:
    made = House({service: database(service) for service in SERVICES}, postgres_server, tmp_path)
    yield made
    for connection in made.vandals:
        connection.close()
    for engine in made.opened:
        engine.dispose()


def paid(house: House, state: str = "instructed", outcome: str | None = None, amount: int = 5) -> None:
    vandal = house.vandal("beneficiaries")
    vandal.plant("lists", id=ONE, state=state, submission=1, payment_count=1, total_vnd=amount)
    vandal.plant("payments", id=TWO, list_id=ONE, person_id=THREE, amount_vnd=amount)
    if outcome:
        vandal.plant("outcomes", payment_id=TWO, list_id=ONE, amount_vnd=amount, kind=outcome)


def books(house: House, **balances: int) -> None:
    vandal = house.vandal("allocation")
    for role, amount in balances.items():
        vandal.plant("accounts", id=uuid.uuid4(), role=role, bounded=True, credits_posted=amount)


TIES = "subledger_ties_to_control_accounts"
LOGGED = "journal_is_in_the_log"


def test_an_instance_that_did_nothing_has_no_difference(house: House) -> None:
    house.log()
    assert house.differing() == []
    assert house.lagging() == []


# --- money on both sides -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "outcome", "balances"),
    [
        ("draft", None, {}),
        ("submitted", None, {}),
        ("held", None, {}),
        ("drawn", None, {"provider": 5}),
        ("instructed", None, {"provider": 5}),
        ("closing", None, {"provider": 5}),
        ("closed", None, {"provider": 5}),
        ("instructed", "settled", {"spent": 5}),
        ("instructed", "returned", {"returned": 5}),
        ("closed", "settled", {"spent": 5}),
        ("closed", "returned", {"returned": 5}),
    ],
)
def test_the_books_tie_wherever_a_payment_stands(
    house: House, state: str, outcome: str | None, balances: dict[str, int]
) -> None:
    paid(house, state, outcome)
    books(house, **balances)
    assert house.places(TIES) == []


@pytest.mark.parametrize(
    "balances",
    [{"returned": 5}, {"returned": 5, "spent": 5, "unmatched": -5}],
    ids=["spent no more", "unmatched stands for a closed year"],
)
def test_the_books_tie_when_settled_money_comes_back(house: House, balances: dict[str, int]) -> None:
    paid(house, "closed", "settled")
    house.vandal("beneficiaries").plant("late_returns", payment_id=TWO, list_id=ONE, amount_vnd=5)
    books(house, **balances)
    assert house.places(TIES) == []


@pytest.mark.parametrize(
    ("state", "balances"),
    [("held", {"returned": 5}), ("drawn", {"provider": 5})],
    ids=["while it is only held", "once it is drawn again"],
)
def test_the_books_tie_when_returned_money_is_paid_again(
    house: House, state: str, balances: dict[str, int]
) -> None:
    paid(house, "closed", "returned")
    vandal = house.vandal("beneficiaries")
    vandal.plant("lists", id=TWO, state=state, submission=1, payment_count=1, total_vnd=5)
    vandal.plant("payments", id=THREE, list_id=TWO, person_id=THREE, amount_vnd=5, reissue_of=TWO)
    ledger = house.vandal("allocation")
    ledger.plant("list_funds", list_id=TWO, submission=1, state=state, total_vnd=5)
    ledger.plant("list_holds", hold_id=ONE, list_id=TWO, submission=1, origin="returned", amount_vnd=5)
    books(house, **balances)
    assert house.places(TIES) == []


@pytest.mark.parametrize(
    ("outcome", "balances", "wrong"),
    [
        (None, {}, {"provider"}),
        (None, {"provider": 4}, {"provider"}),
        (None, {"provider": 6}, {"provider"}),
        (None, {"spent": 5}, {"provider", "spent"}),
        ("settled", {"provider": 5}, {"provider", "spent"}),
        ("settled", {"spent": 4, "provider": 1}, {"provider", "spent"}),
        ("settled", {"returned": 5}, {"returned", "spent"}),
        ("returned", {"spent": 5}, {"returned", "spent"}),
        ("returned", {"provider": 5}, {"provider", "returned"}),
    ],
)
def test_a_dong_on_one_side_only_is_named_with_its_account(
    house: House, outcome: str | None, balances: dict[str, int], wrong: set[str]
) -> None:
    paid(house, outcome=outcome)
    books(house, **balances)
    assert set(house.places(TIES)) == {("allocation", f"accounts/{role}") for role in wrong}


def test_a_difference_says_both_amounts(house: House) -> None:
    paid(house, amount=2_789_000)
    books(house, provider=2_000_000)
    (found,) = [one for one in house.differing() if one.rule == TIES]
    assert found.message == "the ledger has 2000000, the payments come to 2789000"


# --- the journal and the log ---------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
def test_a_row_that_the_log_does_not_hold_is_named(house: House, service: str) -> None:
    house.record(service, 3)
    house.log()
    assert house.places(LOGGED) == []
    house.record(service)
    assert house.places(LOGGED) == [(service, "journal/4")]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "change",
    [
        "data = '{}'",
        "actor = 'somebody-else'",
        "reason = 'another reason'",
        "occurred_at = occurred_at + interval '1 microsecond'",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "type = 'vn.fundtrail.nothing.happened.v1'",
        "key = 'another'",
        "topic = CASE topic WHEN 'events' THEN 'trail' ELSE 'events' END",
        "backdated = NOT backdated",
        "subjects = '{x:1}'",
        "id = gen_random_uuid()",
    ],
    ids=lambda change: change.split(" ", maxsplit=1)[0],
)
def test_a_row_that_was_changed_is_named_whatever_was_changed(
    house: House, service: str, change: str
) -> None:
    house.record(service, 5)
    house.log(service)
    house.do(service, f"UPDATE journal SET {change} WHERE seq = (SELECT max(seq) - 2 FROM journal)")
    assert house.places(LOGGED) == [(service, "journal/3")]


def test_a_row_that_was_deleted_moves_all_after_it_and_the_last_is_lost(house: House) -> None:
    house.record("portal", 4)
    house.log("portal")
    house.do("portal", "DELETE FROM journal WHERE seq = (SELECT min(seq) + 1 FROM journal)")
    assert house.places(LOGGED) == [("portal", f"journal/{position}") for position in (2, 3, 4)]
    assert [one.message for one in house.differing() if one.place == "journal/4"] == [
        "the journal lost this row"
    ]


def test_a_journal_that_lost_everything_is_named_row_by_row(house: House) -> None:
    house.record("portal", 3)
    house.log("portal")
    house.do("portal", "DELETE FROM journal")
    assert house.places(LOGGED) == [("portal", f"journal/{position}") for position in (1, 2, 3)]


def test_rows_of_one_service_are_not_taken_for_anothers(house: House) -> None:
    house.record("portal", 2)
    house.record("audit", 3)
    house.log()
    assert house.differing() == []
    house.do("audit", "UPDATE journal SET actor = 'x' WHERE seq = (SELECT min(seq) FROM journal)")
    assert house.places(LOGGED) == [("audit", "journal/1")]


def test_an_altered_log_is_named_beside_the_journal_that_contradicts_it(house: House) -> None:
    house.record("portal", 3)
    house.log("portal")
    house.do("audit", "UPDATE log_data SET data = set_byte(data, 9, 0) WHERE index = 0")
    assert {(one.database, one.rule) for one in house.differing()} >= {("audit", "data_altered")}


# --- what lags -----------------------------------------------------------------------------------


def test_rows_that_are_not_in_the_log_yet_lag(house: House) -> None:
    house.record("portal", 2)
    assert house.lagging() == ["2 journal rows of portal are not in the log"]
    house.log("portal")
    assert house.lagging() == []


def test_leaves_that_are_not_signed_yet_lag(house: House) -> None:
    house.record("portal", 2)
    house.log("portal")
    house.do("audit", "DELETE FROM log_checkpoints")
    assert house.lagging() == ["2 leaves are not signed"]


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("messages", {"state": "pending"}),
        ("deliveries", {"state": "queued", "rank": 0}),
    ],
)
def test_notifications_that_wait_lag(house: House, table: str, values: dict[str, Any]) -> None:
    house.vandal("notifications").plant(table, id=ONE, **values)
    assert house.lagging() == ["1 notifications wait"]


def test_waiting_ends_with_what_still_lags(house: House) -> None:
    house.record("portal", 1)
    assert wait_until_nothing_lags(house.readers, 0.0) == ["1 journal rows of portal are not in the log"]
    house.log("portal")
    assert wait_until_nothing_lags(house.readers, 20.0) == []
