"""Start one role of notifications: api, worker or migrate."""

from __future__ import annotations

import sys

from services.notifications import worker
from services.notifications.app import create_app
from services.notifications.schema import metadata
from shared import entry

if __name__ == "__main__":
    sys.exit(
        entry.main(
            "notifications",
            {
                "api": entry.api(create_app),
                "worker": worker.run,
                "migrate": entry.migration("notifications", metadata),
            },
        )
    )
