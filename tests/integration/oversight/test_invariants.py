"""Every invariant is broken on purpose, by somebody who may do anything, and is named with its place."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import create_engine, make_url

from deploy.local.postgres import Server
from deploy.local.provisioning import Addresses
from deploy.oversight.databases import SERVICES, opened
from deploy.oversight.findings import Finding
from deploy.oversight.invariants import FINDINGS_PER_RULE_MAX, broken, invariants_of

ONE, TWO, THREE = (uuid.UUID(int=number) for number in (1, 2, 3))
FILLING: dict[str, Any] = {
    "uuid": uuid.uuid4,
    "text": lambda: uuid.uuid4().hex,
    "bigint": lambda: 0,
    "integer": lambda: 0,
    "boolean": lambda: False,
    "date": lambda: date(2024, 8, 5),
    "timestamp with time zone": lambda: datetime(2024, 8, 5, tzinfo=UTC),
    "bytea": lambda: b"{}",
    "jsonb": lambda: "{}",
}


class Vandal:
    """A superuser who is stopped by no constraint, key or trigger."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        connection.execute("SET session_replication_role = replica")
        for row in connection.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c'"
            " AND connamespace = 'public'::regnamespace"
        ).fetchall():
            statement = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
            connection.execute(statement.format(sql.Identifier(row[0]), sql.Identifier(row[1])))

    def plant(self, table: str, **values: Any) -> None:  # noqa: ANN401 - values of columns
        """A row that says what is given, and something of the right type elsewhere."""
        needed = self._connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s "
            "AND table_schema = 'public' AND is_nullable = 'NO' AND column_default IS NULL "
            "AND is_identity = 'NO'",
            (table,),
        ).fetchall()
        row = {name: FILLING[kind]() for name, kind in needed if name not in values} | values
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        )
        self._connection.execute(statement, list(row.values()))


Deed = Callable[[Vandal], None]


def account(vandal: Vandal, number: uuid.UUID, **totals: Any) -> None:  # noqa: ANN401 - values
    vandal.plant("accounts", id=number, role="allotment", bounded=True, **totals)


def two_accounts(vandal: Vandal, *, first: int = 0, second: int = 0) -> None:
    account(vandal, ONE, debits_posted=first)
    account(vandal, TWO, credits_posted=second)


def transfer(vandal: Vandal, **values: Any) -> None:  # noqa: ANN401 - values
    row = {"id": THREE, "debit_account": ONE, "credit_account": TWO, "amount_vnd": 5, "kind": "direct"}
    vandal.plant("transfers", **(row | values))


def decision(vandal: Vandal, **values: Any) -> None:  # noqa: ANN401 - values
    vandal.plant("decisions", id=ONE, **values)
    vandal.plant("decision_lines", id=TWO, decision_id=ONE, amount_vnd=5)


def moved_without_an_issue(vandal: Vandal) -> None:
    decision(vandal, total_vnd=5, state="withdrawn")
    transfer(vandal, decision_line=TWO)


def more_posted_than_held(vandal: Vandal) -> None:
    vandal.plant("holds", id=ONE, amount_vnd=5, posted_vnd=4)


def list_not_held(vandal: Vandal) -> None:
    vandal.plant("list_funds", list_id=ONE, submission=1, total_vnd=5, state="held")


def paid(vandal: Vandal, payment_vnd: int = 5, obligation_vnd: int = 5, **of_list: Any) -> None:  # noqa: ANN401
    vandal.plant("lists", id=ONE, **({"submission": 1, "payment_count": 1, "total_vnd": 5} | of_list))
    vandal.plant("payments", id=TWO, list_id=ONE, person_id=THREE, amount_vnd=payment_vnd)
    vandal.plant(
        "obligations",
        id=THREE,
        payment_id=TWO,
        amount_vnd=obligation_vnd,
        due_vnd=obligation_vnd,
        paid_vnd=0,
        kind="monthly",
    )


def outcome_of_another_amount(vandal: Vandal) -> None:
    paid(vandal)
    vandal.plant("outcomes", payment_id=TWO, list_id=ONE, amount_vnd=4, kind="settled")


def session_of_a_blocked_account(vandal: Vandal) -> None:
    vandal.plant("users", id=ONE, active=False)
    vandal.plant("sessions", id=TWO, user_id=ONE)


def piece_with_a_gap_before_it(vandal: Vandal) -> None:
    vandal.plant("uploads", id=ONE, length=9, received=5)
    vandal.plant("upload_pieces", upload_id=ONE, first_byte=4, size=5)


def pending_with_deliveries(vandal: Vandal) -> None:
    vandal.plant("messages", id=ONE, state="pending")
    vandal.plant("deliveries", id=TWO, message_id=ONE, state="sent", rank=1)


def money_in_a_closed_year(vandal: Vandal) -> None:
    vandal.plant("ledger_years", fiscal_year=2024)
    vandal.plant("accounts", id=ONE, fiscal_year=2024, role="provider", bounded=True, credits_posted=5)


def hold_in_a_closed_year(vandal: Vandal) -> None:
    vandal.plant("ledger_years", fiscal_year=2024)
    account(vandal, TWO, fiscal_year=2024)
    vandal.plant("holds", id=ONE, debit_account=TWO, amount_vnd=5, posted_vnd=2, voided_vnd=2)


def reissued(vandal: Vandal, amount_vnd: int = 5, person_id: uuid.UUID = ONE) -> None:
    vandal.plant("payments", id=THREE, list_id=ONE, person_id=ONE, amount_vnd=5)
    vandal.plant(
        "payments", id=TWO, list_id=TWO, person_id=person_id, amount_vnd=amount_vnd, reissue_of=THREE
    )


def rows_left_behind(vandal: Vandal, state: str) -> None:
    vandal.plant("registrations", id=ONE, state=state)
    vandal.plant("registration_rows", registration_id=ONE, row=2, item="{}")


# Service, rule, the place it must name, and the deed.
DEEDS: tuple[tuple[str, str, str, Deed], ...] = (
    (
        "allocation",
        "account_totals_are_the_sums_of_transfers",
        f"accounts/{ONE}",
        lambda vandal: account(vandal, ONE, credits_posted=5),
    ),
    (
        "allocation",
        "debits_equal_credits",
        "accounts",
        lambda vandal: two_accounts(vandal, first=5, second=6),
    ),
    (
        "allocation",
        "nothing_below_its_bound",
        f"accounts/{ONE}",
        lambda vandal: account(vandal, ONE, debits_pending=1),
    ),
    ("allocation", "holds_are_posted_voided_or_open", f"holds/{ONE}", more_posted_than_held),
    (
        "allocation",
        "decision_totals_are_the_sums_of_lines",
        f"decisions/{ONE}",
        lambda vandal: decision(vandal, total_vnd=6),
    ),
    (
        "allocation",
        "issued_lines_moved_their_amount_once",
        f"decision_lines/{TWO}",
        lambda vandal: decision(vandal, total_vnd=5, state="issued"),
    ),
    (
        "allocation",
        "only_issued_decisions_moved_money",
        f"decisions/{ONE}",
        moved_without_an_issue,
    ),
    ("allocation", "lists_are_held_whole", f"list_funds/{ONE}", list_not_held),
    (
        "allocation",
        "outcomes_are_posted_with_their_amount",
        f"list_posts/{THREE}",
        lambda vandal: vandal.plant("list_posts", transfer_id=THREE, amount_vnd=5),
    ),
    ("allocation", "transfers_are_those_of_the_journal", f"transfers/{THREE}", transfer),
    (
        "allocation",
        "nothing_stands_in_other_hands_in_a_closed_year",
        f"accounts/{ONE}",
        money_in_a_closed_year,
    ),
    ("allocation", "no_hold_is_open_in_a_closed_year", f"holds/{ONE}", hold_in_a_closed_year),
    (
        "beneficiaries",
        "list_totals_are_the_sums_of_payments",
        f"lists/{ONE}",
        lambda vandal: paid(vandal, total_vnd=6),
    ),
    (
        "beneficiaries",
        "payments_are_the_sums_of_obligations",
        f"payments/{TWO}",
        lambda vandal: paid(vandal, obligation_vnd=4),
    ),
    (
        "beneficiaries",
        "obligations_are_due_less_paid",
        f"obligations/{ONE}",
        lambda vandal: vandal.plant(
            "obligations", id=ONE, kind="arrears", amount_vnd=5, due_vnd=9, paid_vnd=5
        ),
    ),
    (
        "beneficiaries",
        "obligations_without_payment_set_each_other_off",
        f"persons/{ONE}",
        lambda vandal: vandal.plant(
            "obligations", person_id=ONE, kind="monthly", amount_vnd=5, due_vnd=5, paid_vnd=0
        ),
    ),
    (
        "beneficiaries",
        "outcomes_have_the_amount_of_their_payment",
        f"outcomes/{TWO}",
        outcome_of_another_amount,
    ),
    (
        "beneficiaries",
        "outcomes_have_the_amount_of_their_payment",
        f"outcomes/{THREE}",
        lambda vandal: vandal.plant("outcomes", payment_id=THREE, list_id=ONE, amount_vnd=4, kind="settled"),
    ),
    (
        "beneficiaries",
        "payments_are_the_sums_of_obligations",
        f"payments/{TWO}",
        lambda vandal: reissued(vandal, amount_vnd=4),
    ),
    (
        "beneficiaries",
        "payments_are_the_sums_of_obligations",
        f"payments/{TWO}",
        lambda vandal: reissued(vandal, person_id=THREE),
    ),
    (
        "beneficiaries",
        "outcomes_have_the_amount_of_their_payment",
        f"payments/{TWO}",
        reissued,
    ),
    (
        "beneficiaries",
        "outcomes_have_the_amount_of_their_payment",
        f"late_returns/{TWO}",
        lambda vandal: vandal.plant("late_returns", payment_id=TWO, amount_vnd=5),
    ),
    (
        "beneficiaries",
        "statements_sum_up_what_they_said",
        f"statement_sums/{ONE}",
        lambda vandal: vandal.plant(
            "statement_sums", statement_id=ONE, kind="settled", payment_count=1, amount_vnd=5
        ),
    ),
    (
        "beneficiaries",
        "statements_sum_up_what_they_said",
        f"statement_sums/{ONE}",
        lambda vandal: vandal.plant("outcomes", statement_id=ONE, kind="settled", amount_vnd=5),
    ),
    (
        "beneficiaries",
        "openings_are_the_sums_of_their_rows",
        f"openings/{ONE}",
        lambda vandal: vandal.plant("openings", id=ONE, state="closed", total_vnd=5),
    ),
    (
        "beneficiaries",
        "decided_registrations_keep_no_rows",
        f"registrations/{ONE}",
        lambda vandal: rows_left_behind(vandal, "entered"),
    ),
    (
        "beneficiaries",
        "decided_registrations_keep_no_rows",
        f"registrations/{ONE}",
        lambda vandal: rows_left_behind(vandal, "rejected"),
    ),
    (
        "beneficiaries",
        "instructed_payments_are_those_of_the_journal",
        f"payments/{TWO}",
        lambda vandal: paid(vandal, state="instructed"),
    ),
    (
        "portal",
        "accounts_are_those_of_the_journal",
        f"users/{ONE}",
        lambda vandal: vandal.plant("users", id=ONE),
    ),
    ("portal", "open_sessions_belong_to_active_accounts", f"sessions/{TWO}", session_of_a_blocked_account),
    (
        "portal",
        "uploads_are_the_sum_of_their_pieces",
        f"uploads/{ONE}",
        lambda vandal: vandal.plant("uploads", id=ONE, length=9, received=5),
    ),
    ("portal", "upload_pieces_follow_each_other", f"uploads/{ONE}", piece_with_a_gap_before_it),
    (
        "notifications",
        "states_have_their_rank",
        f"deliveries/{ONE}",
        lambda vandal: vandal.plant("deliveries", id=ONE, state="delivered", rank=1),
    ),
    ("notifications", "addressed_messages_are_not_pending", f"messages/{ONE}", pending_with_deliveries),
)


@pytest.fixture
def vandal_in(postgres_server: Server) -> Iterator[Callable[[Addresses], Vandal]]:
    connections: list[psycopg.Connection[Any]] = []

    def enter(addresses: Addresses) -> Vandal:
        name = make_url(addresses.owner).database
        assert name is not None
        connections.append(postgres_server.connect(name).__enter__())
        return Vandal(connections[-1])

    yield enter
    for connection in connections:
        connection.close()


def findings(service: str, addresses: Addresses) -> list[Finding]:
    with opened({service: addresses.reader}) as databases:
        return list(broken(databases))


@pytest.mark.parametrize(("service", "rule", "place", "deed"), DEEDS, ids=[deed[1] for deed in DEEDS])
def test_a_broken_rule_is_named_with_its_place(
    database: Callable[[str], Addresses],
    vandal_in: Callable[[Addresses], Vandal],
    service: str,
    rule: str,
    place: str,
    deed: Deed,
) -> None:
    addresses = database(service)
    assert findings(service, addresses) == []
    deed(vandal_in(addresses))
    named = [one for one in findings(service, addresses) if one.rule == rule]
    assert place in {one.place for one in named}, findings(service, addresses)
    assert all(one.message and one.database == service for one in named)


def test_every_rule_of_every_service_has_its_deed() -> None:
    rules = {(service, rule.name) for service in SERVICES for rule in invariants_of(service)}
    assert rules == {(service, rule) for service, rule, *_ in DEEDS}


def test_a_rule_names_at_most_a_hundred_places(
    database: Callable[[str], Addresses], vandal_in: Callable[[Addresses], Vandal]
) -> None:
    addresses = database("portal")
    vandal = vandal_in(addresses)
    for _ in range(FINDINGS_PER_RULE_MAX + 5):
        vandal.plant("users")
    assert len(findings("portal", addresses)) == FINDINGS_PER_RULE_MAX


def test_who_checks_cannot_write(database: Callable[[str], Addresses]) -> None:
    addresses = database("portal")
    with opened({"portal": addresses.reader}) as databases, pytest.raises(Exception, match="read-only"):
        databases["portal"].exec_driver_sql("DELETE FROM users")
    engine = create_engine(addresses.reader)
    with engine.connect() as connection, pytest.raises(Exception, match=r"permission denied|read-only"):
        connection.exec_driver_sql("SET default_transaction_read_only = off; DELETE FROM users")
    engine.dispose()
