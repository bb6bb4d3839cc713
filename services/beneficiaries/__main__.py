"""Start one role of beneficiaries: api, worker, jobs or migrate."""

from __future__ import annotations

import sys

from shared.entry import main

ROLES = {
    "api": "services.beneficiaries.app:serve",
    "worker": "services.beneficiaries.worker:run",
    "jobs": "services.beneficiaries.worker:run_jobs",
    "migrate": "services.beneficiaries.start:migrate",
}

if __name__ == "__main__":
    sys.exit(main("beneficiaries", ROLES))
