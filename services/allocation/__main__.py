"""Start one role of allocation: api, worker or migrate."""

from __future__ import annotations

import sys

from shared.entry import main

ROLES = {
    "api": "services.allocation.app:serve",
    "worker": "services.allocation.worker:run",
    "migrate": "services.allocation.start:migrate",
}

if __name__ == "__main__":
    sys.exit(main("allocation", ROLES))
