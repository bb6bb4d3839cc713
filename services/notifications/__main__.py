"""Start one role of notifications: api, worker or migrate."""

from __future__ import annotations

import sys

from shared.entry import main

ROLES = {
    "api": "services.notifications.app:serve",
    "worker": "services.notifications.worker:run",
    "migrate": "services.notifications.start:migrate",
}

if __name__ == "__main__":
    sys.exit(main("notifications", ROLES))
