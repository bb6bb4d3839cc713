"""Start one role of the audit service: api, worker or migrate."""

from __future__ import annotations

import sys

from shared.entry import main

ROLES = {
    "api": "services.audit.app:serve",
    "worker": "services.audit.worker:run",
    "migrate": "services.audit.start:migrate",
}

if __name__ == "__main__":
    sys.exit(main("audit", ROLES))
