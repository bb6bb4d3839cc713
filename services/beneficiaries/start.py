"""What this service starts with: its tables, its keys and what it loads."""

from __future__ import annotations

from services.beneficiaries import parts
from services.beneficiaries.rates.handlers import load_rates
from services.beneficiaries.rates.published import published_rates
from services.beneficiaries.schema import metadata
from shared import migration
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.acts import Act
from shared.settings import Settings


def load(unit_of_work: UnitOfWork, settings: Settings) -> None:
    """Keys exist, and the published rates are in."""
    parts.documents(settings)
    parts.sealer(settings)
    act = Act.system("beneficiaries", unit_of_work.clock.now(), "published tables")
    with unit_of_work.begin(act) as work:
        load_rates(work, published_rates())


def migrate(settings: Settings) -> int:
    """The exit status once everything is there."""
    return migration.run("beneficiaries", metadata, settings, load)
