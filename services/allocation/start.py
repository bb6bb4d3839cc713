"""What this service starts with: its tables, its keys and what it loads."""

from __future__ import annotations

from services.allocation import parts
from services.allocation.funding_rules.handlers import load_funding_rules
from services.allocation.funding_rules.model import published_rules
from services.allocation.legal_bases.handlers import load_legal_bases
from services.allocation.legal_bases.published import published_articles
from services.allocation.schema import metadata
from services.allocation.units.handlers import load_units
from services.allocation.units.snapshots import published_units
from shared import migration
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.acts import Act
from shared.settings import Settings


def load(unit_of_work: UnitOfWork, settings: Settings) -> None:
    """The published units, legal bases and funding rules are in."""
    parts.documents(settings)
    act = Act.system("allocation", unit_of_work.clock.now(), "published lists")
    with unit_of_work.begin(act) as work:
        load_units(work, published_units())
        load_legal_bases(work, *published_articles())
        load_funding_rules(work, published_rules())


def migrate(settings: Settings) -> int:
    """The exit status once everything is there."""
    return migration.run("allocation", metadata, settings, load)
