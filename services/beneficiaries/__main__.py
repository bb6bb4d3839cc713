"""Start one role of beneficiaries: api, worker, jobs or migrate."""

from __future__ import annotations

import sys

from services.beneficiaries import parts, worker
from services.beneficiaries.app import create_app
from services.beneficiaries.rates.handlers import load_rates
from services.beneficiaries.rates.published import published_rates
from services.beneficiaries.schema import metadata
from shared import entry
from shared.db.unit_of_work import Act, UnitOfWork
from shared.settings import Settings


def load(unit_of_work: UnitOfWork, settings: Settings) -> None:
    """Keys exist, and the published rates are in."""
    parts.documents(settings)
    parts.sealer(settings)
    act = Act.system("beneficiaries", unit_of_work.clock.now(), "published tables")
    with unit_of_work.begin(act) as work:
        load_rates(work, published_rates())


if __name__ == "__main__":
    sys.exit(
        entry.main(
            "beneficiaries",
            {
                "api": entry.api(create_app),
                "worker": worker.run,
                "jobs": worker.run_jobs,
                "migrate": entry.migration("beneficiaries", metadata, load),
            },
        )
    )
