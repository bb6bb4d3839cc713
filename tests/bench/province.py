"""A province that pays its people: databases, processes as they run in production, and what officers do.

Nobody in it is a real person. The bench of a month and the campaigns of faults stand on it.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from deploy.local.provisioning import Addresses
from services.allocation.funding_rules.model import published_rules
from services.allocation.ledger import handlers as ledger
from services.allocation.ledger import store as ledger_store
from services.allocation.ledger.model import AccountKey, Kind, Role, Transfer
from services.allocation.refusals import REFUSALS as OF_ALLOCATION
from services.allocation.start import load as load_allocation
from services.allocation.treasury.commands import ConfirmWithdrawal
from services.allocation.treasury.handlers import confirm_withdrawal
from services.audit.log import keys as log_keys
from services.audit.search.handlers import ensure_cursor
from services.beneficiaries import parts
from services.beneficiaries.lists import handlers as lists
from services.beneficiaries.lists.commands import ApproveList, SubmitList
from services.beneficiaries.reconciliation import handlers as reconciliation
from services.beneficiaries.refusals import REFUSALS as OF_BENEFICIARIES
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.acts import Act
from shared.kernel.ids import new_id
from shared.kernel.money import Money
from shared.kernel.periods import Period
from shared.settings import Settings
from tests.bench.figures.log import ORIGIN
from tests.bench.population import DISTRICTS, KNOWN_ON, PERSONS, UNITS
from tests.bench.site import Site

AMOUNT_VND = 2_055_000
RETURNED_EVERY = 50
PERIOD = "2024-08"
YEAR = 2024
PROCESSES = (
    ("allocation", "worker"),
    ("beneficiaries", "worker"),
    ("beneficiaries", "jobs"),
    ("audit", "worker"),
)
TELLING = ("allocation", "beneficiaries")  # the services whose journals grow here
REFUSALS = {"allocation": OF_ALLOCATION, "beneficiaries": OF_BENEFICIARIES}
ROOT = Path(__file__).resolve().parents[2]

LISTS = """
    INSERT INTO lists (id, period, unit_id, provider, channel, reissue, state, submission, payment_count,
                       total_vnd, version)
    SELECT md5('list' || :period || n)::uuid, :period, md5('unit' || n)::uuid, 'POST-QNA', 'post', 0,
           'computed', 0, count(m), count(m) * :amount, 1
    FROM generate_series(0, :districts - 1) n JOIN generate_series(1, :people) m ON m % :districts = n
    GROUP BY n ON CONFLICT DO NOTHING
"""
PAYMENTS = """
    INSERT INTO payments (id, list_id, person_id, amount_vnd)
    SELECT md5('payment' || :period || n)::uuid, md5('list' || :period || n % :districts)::uuid,
           md5('person' || n)::uuid, :amount
    FROM generate_series(1, :people) n ON CONFLICT DO NOTHING
"""
OBLIGATIONS = """
    INSERT INTO obligations (id, person_id, entitlement_id, kind, due_period, in_period, due_vnd, paid_vnd,
                             amount_vnd, payment_id)
    SELECT md5('obligation' || :period || n)::uuid, md5('person' || n)::uuid, md5('entitlement' || n)::uuid,
           'monthly', :period, :period, :amount, 0, :amount, md5('payment' || :period || n)::uuid
    FROM generate_series(1, :people) n ON CONFLICT DO NOTHING
"""


@dataclass
class Province:
    """The services of one run, and what is asked of their databases."""

    site: Site
    size: int
    databases: dict[str, Addresses]
    folder: Path
    engines: dict[str, Engine] = field(default_factory=dict)
    periods: Sequence[str] = (PERIOD,)  # the months that its districts have money for

    def work_of(self, service: str) -> UnitOfWork:
        """Units of work as the service itself."""
        return UnitOfWork(self.engines[service], self.site.clock, REFUSALS.get(service))

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
        """A number from a database. Raises: Unavailable while it does not answer."""
        with self.work_of(service).reading() as connection:
            return int(connection.scalar(text(question)) or 0)

    def all_lists_are(self, state: str, period: str = PERIOD) -> bool:
        """Whether every list of a month has come there."""
        question = f"SELECT count(*) FROM lists WHERE state = '{state}' AND period = '{period}'"
        return self.count("beneficiaries", question) == DISTRICTS


def prepare(province: Province, owner: Connection) -> None:
    """People, districts with money for their months, and a log that was begun."""
    for statement in (UNITS, PERSONS):
        owner.execute(text(statement), {"people": province.size, "districts": DISTRICTS})
    owner.commit()
    load_allocation(province.work_of("allocation"), province.settings("allocation"))
    parts.documents(province.settings("beneficiaries"))
    units = list(owner.scalars(text("SELECT id FROM units")))
    for year, months in Counter(int(period[:4]) for period in province.periods).items():
        give(province, units, year, months)
    owner.commit()
    with province.work_of("audit").begin(province.act("bench")) as work:
        log_keys.ensure_log(work, province.folder / "keys" / "audit", ORIGIN)
        ensure_cursor(work)


def compute(province: Province, owner: Connection, period: str = PERIOD) -> None:
    """The lists of a month, as its payroll leaves them. Idempotent."""
    bound = {"people": province.size, "districts": DISTRICTS, "amount": AMOUNT_VND, "period": period}
    for statement in (LISTS, PAYMENTS, OBLIGATIONS):
        owner.execute(text(statement), bound)
    owner.commit()
    owner.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


def source_account(year: int = YEAR) -> AccountKey:
    """Where all money of the province comes from in a year."""
    (rule,) = (one for one in published_rules() if one.purpose == "merit_monthly")
    return AccountKey(year, rule.component, rule.source, rule.capital_kind, None, Role.SOURCE)


def allotment_of(unit: UUID, year: int = YEAR) -> AccountKey:
    """What a district may spend in a year."""
    (rule,) = (one for one in published_rules() if one.purpose == "merit_monthly")
    return rule.account(year, unit, Role.ALLOTMENT)


def first_unit() -> UUID:
    """One of the districts."""
    return UUID(hashlib.md5(b"unit0", usedforsecurity=False).hexdigest())


def give(province: Province, units: Sequence[UUID], year: int, months: int) -> None:
    """Every district has what its lists of so many months of a year need."""
    source, accounts = source_account(year), [allotment_of(unit, year) for unit in units]
    amount = Money(AMOUNT_VND * province.size * months)
    with province.work_of("allocation").begin(province.act("bench")) as work:
        ledger_store.open_accounts(work.connection, [source, *accounts])
        ledger.transfer(
            work,
            [
                Transfer(new_id(), source.id, one.id, amount, Kind.DIRECT, KNOWN_ON, Period(YEAR, 7))
                for one in accounts
            ],
        )


def answer_to(owner: Connection, period: str = PERIOD) -> bytes:
    """The provider's file for a month: 2 % came back, all others were paid."""
    file = io.StringIO()
    file.write("payment_id,amount_vnd,result,reason,paid_on\n")
    query = (
        "SELECT p.id, p.amount_vnd FROM payments p JOIN lists l ON l.id = p.list_id WHERE period = :period"
    )
    for number, (payment_id, amount) in enumerate(owner.execute(text(query), {"period": period}), 1):
        result = "unpaid,CNPC" if number % RETURNED_EVERY == 0 else "paid,"
        file.write(f"{payment_id},{amount},{result},2024-08-05\n")
    owner.rollback()
    return file.getvalue().encode()


# --- what officers do, one act each ---------------------------------------------------------------------


def submit(province: Province, list_id: UUID) -> None:
    """A list is submitted."""
    with province.work_of("beneficiaries").begin(province.act("officer")) as work:
        lists.submit_list(work, SubmitList(list_id))


def approve(province: Province, list_id: UUID) -> None:
    """A list is approved by another person, who saw just this content."""
    with province.work_of("beneficiaries").begin(province.act("head")) as work:
        query = text("SELECT content_sha256 FROM lists WHERE id = :id")
        seen = work.connection.scalar(query, {"id": list_id})
        lists.approve_list(work, ApproveList(list_id, str(seen)))


def confirm(province: Province, withdrawal_id: UUID) -> None:
    """The Treasury confirms a request."""
    with province.work_of("allocation").begin(province.act("treasury")) as work:
        confirm_withdrawal(work, ConfirmWithdrawal(withdrawal_id, f"KB-{withdrawal_id}"))


def upload(province: Province, content: bytes) -> None:
    """The provider's answer comes in."""
    document = parts.documents(province.settings("beneficiaries")).put(content)
    with province.work_of("beneficiaries").begin(province.act("officer")) as work:
        units = [str(one) for one in work.connection.scalars(text("SELECT id FROM units"))]
        reconciliation.receive_statement(
            work, reconciliation.Received("POST-QNA", document, is_table=True), units
        )


def close(province: Province, list_id: UUID) -> None:
    """A list is closed; the ledger agrees when it has posted what was told."""
    with province.work_of("beneficiaries").begin(province.act("officer")) as work:
        reconciliation.close_list(work, list_id)


# --- what can be asked ----------------------------------------------------------------------------------


def ids(province: Province, period: str = PERIOD) -> list[UUID]:
    """Every list of a month."""
    with province.work_of("beneficiaries").reading() as connection:
        query = text("SELECT id FROM lists WHERE period = :period ORDER BY id")
        return list(connection.scalars(query, {"period": period}))


def requested(province: Province) -> list[UUID]:
    """Every request that the Treasury has not answered."""
    with province.work_of("allocation").reading() as connection:
        return list(connection.scalars(text("SELECT id FROM withdrawals WHERE state = 'requested'")))


def logged(province: Province) -> bool:
    """Whether the log has every row of both journals."""
    rows = sum(province.count(name, "SELECT count(*) FROM journal") for name in TELLING)
    return province.count("audit", "SELECT coalesce(sum(taken), 0) FROM log_sources") >= rows > 0


def signed(province: Province) -> bool:
    """Whether a checkpoint covers every row of both journals."""
    if not logged(province):
        return False
    size = province.count("audit", "SELECT size FROM log_state")
    return province.count("audit", "SELECT coalesce(max(size), 0) FROM log_checkpoints") >= size
