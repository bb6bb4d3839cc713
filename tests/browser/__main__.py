"""`python -m tests.browser [options of pytest]`: one instance; its job, and then browsers before it.

The job is that of the test which holds every worker once, so that no second instance is needed for it.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.browser.conftest import GIVEN, TEST_S
from tests.e2e.instance import fresh_instance

JOB = "tests/e2e/test_workers_that_stand_still.py"
# Who signs waits for the next six digits, several times in some tests.
BROWSERS = ("tests/browser", "--dist", "loadgroup", "--timeout", str(TEST_S))


def main() -> int:
    """The exit status of the tests."""
    with fresh_instance() as instance:
        told = {**os.environ, **instance.given(), GIVEN: str(instance.home.root)}
        for wanted in (("-q", JOB), (*BROWSERS, *sys.argv[1:])):
            done = subprocess.run([sys.executable, "-m", "pytest", *wanted], env=told, check=False)
            if done.returncode != 0:
                return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
