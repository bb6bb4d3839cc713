"""A month from approval to a signed checkpoint: the services' own processes and a real Kafka."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from deploy.local.provisioning import Addresses
from services.allocation.funding_rules.model import published_rules
from services.allocation.ledger import handlers as ledger
from services.allocation.ledger import store as ledger_store
from services.allocation.ledger.model import AccountKey, Kind, Role, Transfer
from services.allocation.start import load as load_allocation
from services.allocation.treasury.commands import ConfirmWithdrawal
from services.allocation.treasury.handlers import confirm_withdrawal
from services.audit.log import keys as log_keys
from services.audit.search.handlers import ensure_cursor
from services.beneficiaries import parts
from services.beneficiaries.lists import handlers as lists
from services.beneficiaries.lists.commands import ApproveList, SubmitList
from services.beneficiaries.reconciliation import handlers as reconciliation
from shared.db.unit_of_work import UnitOfWork
from shared.journal.relay import topics_of
from shared.kernel.acts import Act
from shared.kernel.ids import new_id
from shared.kernel.money import Money
from shared.kernel.periods import Period
from shared.settings import Settings
from tests.bench.figures.log import ORIGIN
from tests.bench.figures.statement import answer_to
from tests.bench.harness import Bench, Goal, Lap
from tests.bench.population import DISTRICTS, KNOWN_ON, PERSONS, UNITS
from tests.bench.site import Site, engine_of

AMOUNT_VND = 2_055_000
STEP_TIMEOUT_S = 900
LOOK_EVERY_S = 0.1
SERVICES = ("allocation", "beneficiaries", "audit")
PROCESSES = (
    ("allocation", "worker"),
    ("beneficiaries", "worker"),
    ("beneficiaries", "jobs"),
    ("audit", "worker"),
)
ROOT = Path(__file__).resolve().parents[3]

LISTS = """
    INSERT INTO lists (id, period, unit_id, provider, channel, reissue, state, submission, payment_count,
                       total_vnd, version)
    SELECT md5('list' || n)::uuid, '2024-08', md5('unit' || n)::uuid, 'POST-QNA', 'post', 0, 'computed', 0,
           count(m), count(m) * :amount, 1
    FROM generate_series(0, :districts - 1) n JOIN generate_series(1, :people) m ON m % :districts = n
    GROUP BY n
"""
PAYMENTS = """
    INSERT INTO payments (id, list_id, person_id, amount_vnd)
    SELECT md5('payment' || n)::uuid, md5('list' || n % :districts)::uuid, md5('person' || n)::uuid, :amount
    FROM generate_series(1, :people) n
"""
OBLIGATIONS = """
    INSERT INTO obligations (id, person_id, entitlement_id, kind, due_period, in_period, due_vnd, paid_vnd,
                             amount_vnd, payment_id)
    SELECT md5('obligation' || n)::uuid, md5('person' || n)::uuid, md5('entitlement' || n)::uuid, 'monthly',
           '2024-08', '2024-08', :amount, 0, :amount, md5('payment' || n)::uuid
    FROM generate_series(1, :people) n
"""


@dataclass
class Province:
    """The services of one run, and what is asked of their databases."""

    site: Site
    size: int
    databases: dict[str, Addresses]
    folder: Path
    engines: dict[str, Engine] = field(default_factory=dict)
    laps: list[Lap] = field(default_factory=list)

    def work_of(self, service: str) -> UnitOfWork:
        """Units of work as the service itself."""
        return UnitOfWork(self.engines[service], self.site.clock)

    def act(self, officer: str) -> Act:
        """An act of an officer."""
        return Act(officer, self.site.clock.now())

    def environment(self, service: str) -> dict[str, str]:
        """What a process of the service is told."""
        return {
            **os.environ,
            "FUNDTRAIL_SERVICE_DATABASE_URL": self.databases[service].service,
            "FUNDTRAIL_BUS_URL": self.site.kafka_url,
            "FUNDTRAIL_ISSUER": "https://issuer.bench",
            "FUNDTRAIL_JWKS_URL": "http://127.0.0.1:1/jwks.json",
            "FUNDTRAIL_STATE_DIR": str(self.folder),
            "FUNDTRAIL_KEYS_DIR": str(self.folder / "keys" / service),
            "FUNDTRAIL_LOG_LEVEL": "WARNING",
        }

    def settings(self, service: str) -> Settings:
        """The same, as it reads it."""
        return Settings.from_environment(self.environment(service))

    def count(self, service: str, question: str) -> int:
        """A number from a database."""
        with self.engines[service].connect() as connection:
            return int(connection.scalar(text(question)) or 0)

    def until(self, name: str, began: float, done: Callable[[], bool]) -> None:
        """Note how long a step took, once it is done."""
        deadline = time.monotonic() + STEP_TIMEOUT_S
        while not done():
            if time.monotonic() > deadline:
                raise AssertionError(f"{name} did not end within {STEP_TIMEOUT_S} s.")
            time.sleep(LOOK_EVERY_S)
        self.laps.append(Lap(name, time.monotonic() - began, self.size))

    def all_lists_are(self, state: str) -> bool:
        """Whether every list has come there."""
        return self.count("beneficiaries", f"SELECT count(*) FROM lists WHERE state = '{state}'") == DISTRICTS


def take(site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """The whole way of `size` payments, each step with its time."""
    for _ in range(rounds):
        with contextlib.ExitStack() as stack:
            databases = {name: stack.enter_context(site.database(name)) for name in SERVICES}
            province = Province(site, size, databases, site.folder / new_id().hex)
            for name in SERVICES:
                province.engines[name] = stack.enter_context(engine_of(databases[name].service, "bench"))
            with engine_of(databases["beneficiaries"].owner, "bench") as owner, owner.connect() as connection:
                prepare(province, connection)
                content = answer_to(connection, right=True)
            stack.callback(forget_topics, site)
            stack.enter_context(running(province))
            began = time.monotonic()
            pass_through(province, content)
            yield from province.laps
            yield Lap("all", time.monotonic() - began, size)


def prepare(province: Province, owner: Connection) -> None:
    """Lists that were computed, and money in every district."""
    bound = {"people": province.size, "districts": DISTRICTS, "amount": AMOUNT_VND}
    for statement in (UNITS, PERSONS, LISTS, PAYMENTS, OBLIGATIONS):
        owner.execute(text(statement), bound)
    owner.commit()
    owner.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
    load_allocation(province.work_of("allocation"), province.settings("allocation"))
    parts.documents(province.settings("beneficiaries"))
    give(province, list(owner.scalars(text("SELECT id FROM units"))))
    with province.work_of("audit").begin(province.act("bench")) as work:
        log_keys.ensure_log(work, province.folder / "keys" / "audit", ORIGIN)
        ensure_cursor(work)


def give(province: Province, units: list[UUID]) -> None:
    """Every district has what its list needs."""
    (rule,) = (one for one in published_rules() if one.purpose == "merit_monthly")
    source = AccountKey(2024, rule.component, rule.source, rule.capital_kind, None, Role.SOURCE)
    accounts = [rule.account(2024, unit, Role.ALLOTMENT) for unit in units]
    amount = Money(AMOUNT_VND * province.size)
    with province.work_of("allocation").begin(province.act("bench")) as work:
        ledger_store.open_accounts(work.connection, [source, *accounts])
        ledger.transfer(
            work,
            [
                Transfer(new_id(), source.id, one.id, amount, Kind.DIRECT, KNOWN_ON, Period(2024, 7))
                for one in accounts
            ],
        )


@contextlib.contextmanager
def running(province: Province) -> Iterator[None]:
    """The services' processes, each as it runs in production."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"services.{service}", role], env=province.environment(service), cwd=ROOT
        )
        for service, role in PROCESSES
    ]
    try:
        province.until("started", time.monotonic(), lambda: settled(province))
        province.laps.clear()
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


def settled(province: Province) -> bool:
    """Whether the log has every row of both journals."""
    rows = sum(
        province.count(name, "SELECT count(*) FROM journal") for name in ("allocation", "beneficiaries")
    )
    return province.count("audit", "SELECT coalesce(sum(taken), 0) FROM log_sources") >= rows > 0


def pass_through(province: Province, content: bytes) -> None:
    """The steps in their order."""
    began = time.monotonic()
    approve(province)
    province.until("approved_and_held", began, lambda: province.all_lists_are("held"))
    began = time.monotonic()
    confirm(province)
    province.until("drawn_and_instructed", began, lambda: province.all_lists_are("instructed"))
    began = time.monotonic()
    upload(province, content)
    province.until(
        "reconciled_and_told",
        began,
        lambda: province.count("beneficiaries", "SELECT count(*) FROM statements WHERE state = 'told'") == 1,
    )
    began = time.monotonic()
    close(province)
    province.until("posted_and_closed", began, lambda: province.all_lists_are("closed"))
    began = time.monotonic()
    province.until("in_a_signed_checkpoint", began, lambda: signed(province))


def ids(province: Province) -> list[UUID]:
    """Every list."""
    with province.engines["beneficiaries"].connect() as connection:
        return list(connection.scalars(text("SELECT id FROM lists ORDER BY id")))


def approve(province: Province) -> None:
    """Every list submitted by one person and approved by another."""
    unit_of_work = province.work_of("beneficiaries")
    for list_id in ids(province):
        with unit_of_work.begin(province.act("officer")) as work:
            found = lists.submit_list(work, SubmitList(list_id))
        with unit_of_work.begin(province.act("head")) as work:
            lists.approve_list(work, ApproveList(list_id, found.content_sha256 or ""))


def confirm(province: Province) -> None:
    """The Treasury confirms every request."""
    unit_of_work = province.work_of("allocation")
    with unit_of_work.reading() as connection:
        asked = list(connection.scalars(text("SELECT id FROM withdrawals WHERE state = 'requested'")))
    for withdrawal_id in asked:
        with unit_of_work.begin(province.act("treasury")) as work:
            confirm_withdrawal(work, ConfirmWithdrawal(withdrawal_id, f"KB-{withdrawal_id}"))


def upload(province: Province, content: bytes) -> None:
    """The provider's answer comes in."""
    document = parts.documents(province.settings("beneficiaries")).put(content)
    unit_of_work = province.work_of("beneficiaries")
    with unit_of_work.begin(province.act("officer")) as work:
        units = [str(one) for one in work.connection.scalars(text("SELECT id FROM units"))]
        reconciliation.receive_statement(
            work, reconciliation.Received("POST-QNA", document, is_table=True), units
        )


def close(province: Province) -> None:
    """Every list is closed; the ledger agrees when it has posted what was told."""
    for list_id in ids(province):
        with province.work_of("beneficiaries").begin(province.act("officer")) as work:
            reconciliation.close_list(work, list_id)


def signed(province: Province) -> bool:
    """Whether a checkpoint covers every row of both journals."""
    if not settled(province):
        return False
    size = province.count("audit", "SELECT size FROM log_state")
    return province.count("audit", "SELECT coalesce(max(size), 0) FROM log_checkpoints") >= size


def forget_topics(site: Site) -> None:
    """The next run begins with empty topics."""
    names = [topic for name in (*SERVICES, "notifications", "portal") for topic in topics_of(name)]
    with site.kafka("bench-month") as bus:
        bus.delete_topics(names)


STEPS = (
    "approved_and_held",
    "drawn_and_instructed",
    "reconciled_and_told",
    "posted_and_closed",
    "in_a_signed_checkpoint",
)
BENCHES = (
    Bench(
        "month",
        1_200_000,
        take,
        (
            Goal("all", "a month, approved to signed checkpoint", "payments", within=90),
            *(Goal(step, f"of which {step.replace('_', ' ')}", "payments", grows=False) for step in STEPS),
        ),
        rounds=1,
    ),
)
