"""Start one role of allocation: api, worker or migrate."""

from __future__ import annotations

import sys

from services.allocation import worker
from services.allocation.app import create_app
from services.allocation.schema import metadata
from services.allocation.units.handlers import load_units
from services.allocation.units.snapshots import published_units
from shared import entry
from shared.db.unit_of_work import Act, UnitOfWork
from shared.settings import Settings


def load(unit_of_work: UnitOfWork, _: Settings) -> None:
    """The published units are in."""
    act = Act.system("allocation", unit_of_work.clock.now(), "published lists")
    with unit_of_work.begin(act) as work:
        load_units(work, published_units())


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
