"""A register file of everybody: read and sealed by one job, approved in one act, entered by another job."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

from services.beneficiaries.rates.handlers import load_rates
from services.beneficiaries.rates.published import published_rates
from services.beneficiaries.register import handlers
from services.beneficiaries.register.commands import ApproveRegistration
from services.beneficiaries.register.handlers import Registrar
from services.beneficiaries.register.jobs import EnterRegistrationJob, ImportPersonsJob
from services.beneficiaries.register.model import ENTER, READ
from services.beneficiaries.register.rows import COLUMNS
from shared.db.engine import dedicated
from shared.db.unit_of_work import UnitOfWork
from shared.documents.store import DocumentStore
from shared.entry import spare_the_collector
from shared.jobs.runner import Runner
from shared.kernel.acts import Act
from shared.kernel.clock import FixedClock
from shared.kernel.sealing import Sealer
from tests.bench.harness import Bench, Goal, Lap, timed
from tests.bench.population import DISTRICTS, NOON
from tests.bench.site import Site, engine_of

COMMUNES = 241
DISTRICTS_AND_COMMUNES = (
    """
    INSERT INTO units (id, code, name, level, valid_from)
    SELECT md5('unit' || n)::uuid, 'H' || n, 'Huyện minh họa ' || n, 2, DATE '2020-01-01'
    FROM generate_series(0, :districts - 1) n
    """,
    """
    INSERT INTO units (id, code, name, level, valid_from)
    SELECT md5('commune' || n)::uuid, 'X' || n, 'Xã minh họa ' || n, 3, DATE '2020-01-01'
    FROM generate_series(0, :communes - 1) n
    """,
    """
    INSERT INTO unit_parents (unit_id, parent_id, valid_from)
    SELECT md5('commune' || n)::uuid, md5('unit' || n % :districts)::uuid, DATE '2020-01-01'
    FROM generate_series(0, :communes - 1) n
    """,
)


def take(site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """A file of `size` persons with one entitlement each, prepared and approved."""
    folder = site.folder / "register"
    document = DocumentStore(folder, bytes(32)).put(register_file(size))
    for _ in range(rounds):
        with site.database("beneficiaries") as addresses:
            with engine_of(addresses.owner, "bench") as owner, owner.begin() as connection:
                for statement in DISTRICTS_AND_COMMUNES:
                    connection.execute(text(statement), {"districts": DISTRICTS, "communes": COMMUNES})
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                prepared, entered = pool.apply(compute, (addresses.service, folder, document, size))
        yield Lap("prepared", prepared, size)
        yield Lap("ours", entered, size)


def register_file(size: int) -> bytes:
    """A register file of invented persons, three in five of them paid by post."""
    lines = [",".join(COLUMNS)]
    for n in range(size):
        account = "POST-QNA,," if n % 5 < 3 else f"BANK-QNA,VBA,{10_000_000_000 + n}"
        lines.append(
            f"QN{n},Người minh họa số {n},{1940 + n % 60},{100_000_000_000 + n},X{n % COMMUNES},"
            f"TB:45:2015-03,{account}"
        )
    return "\n".join(lines).encode()


def compute(url: str, folder: Path, document: str, size: int) -> tuple[float, float]:
    """The seconds that reading the file takes, and those from its approval until everybody has entered."""
    spare_the_collector()
    with engine_of(url, "bench-jobs") as engine:
        unit_of_work = UnitOfWork(engine, FixedClock(NOON))
        registrar = Registrar(Sealer(bytes(32)))
        kinds = {READ: ImportPersonsJob(DocumentStore(folder, bytes(32)), registrar)}
        runner = Runner(unit_of_work, {**kinds, ENTER: EnterRegistrationJob()})
        with unit_of_work.begin(Act("officer", NOON)) as work:
            load_rates(work, published_rates())
            registration_id = handlers.begin_registration(work, document)
        with dedicated(engine) as lock:
            with timed() as reading:
                runner._run_one(lock, threading.Event(), lambda: None)
            with timed() as entering:
                with unit_of_work.begin(Act("approver", NOON)) as work:
                    handlers.approve_registration(work, ApproveRegistration(registration_id))
                runner._run_one(lock, threading.Event(), lambda: None)
        with unit_of_work.reading() as connection:
            entered = connection.scalar(text("SELECT entered_count FROM registrations"))
            granted = connection.scalar(text("SELECT count(*) FROM person_entitlements"))
    if (entered, granted) != (size, size):
        raise AssertionError(f"{entered} persons with {granted} entitlements entered, not {size}")
    return reading.seconds, entering.seconds


BENCHES = (
    Bench(
        "register-approved",
        100_000,
        take,
        (
            Goal("ours", "persons with an entitlement each approved in one act", "persons", within=10),
            Goal("prepared", "a register file read and sealed", "persons", grows=False),
        ),
    ),
)
