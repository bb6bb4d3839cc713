"""Start one role of the portal: api, pages, worker or migrate."""

from __future__ import annotations

import sys

from shared.entry import main

ROLES = {
    "api": "services.portal.app:serve",
    "pages": "services.portal.site:serve",
    "worker": "services.portal.worker:run",
    "migrate": "services.portal.start:migrate",
}

if __name__ == "__main__":
    sys.exit(main("portal", ROLES))
