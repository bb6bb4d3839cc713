"""Start one role of allocation: api, worker or migrate."""

from __future__ import annotations

import sys

from services.allocation import parts, worker
from services.allocation.app import create_app
from services.allocation.funding_rules.handlers import load_funding_rules
from services.allocation.funding_rules.model import published_rules
from services.allocation.legal_bases.handlers import load_legal_bases
from services.allocation.legal_bases.published import published_articles
from services.allocation.schema import metadata
from services.allocation.units.handlers import load_units
from services.allocation.units.snapshots import published_units
from shared import entry
from shared.db.unit_of_work import Act, UnitOfWork
from shared.settings import Settings


def load(unit_of_work: UnitOfWork, settings: Settings) -> None:
    """The published units, legal bases and funding rules are in."""
    parts.documents(settings)
    act = Act.system("allocation", unit_of_work.clock.now(), "published lists")
    with unit_of_work.begin(act) as work:
        load_units(work, published_units())
        load_legal_bases(work, *published_articles())
        load_funding_rules(work, published_rules())


if __name__ == "__main__":
    sys.exit(
        entry.main(
            "allocation",
            {
                "api": entry.api(create_app),
                "worker": worker.run,
                "migrate": entry.migration("allocation", metadata, load),
            },
        )
    )
