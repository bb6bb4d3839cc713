"""`python -m tests.browser [options of pytest]`: one instance with a month, and browsers before it."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.browser.conftest import DEMO_S, GIVEN, PERSONS, TEST_S
from tests.e2e.instance import fresh_instance


def main() -> int:
    """The exit status of the tests."""
    with fresh_instance() as instance:
        with instance.demo(PERSONS) as demo:
            if demo.finish(DEMO_S) != 0:
                sys.stderr.write(demo.story() + "\n")
                return 1
        environment = {**os.environ, GIVEN: str(instance.home.root)}
        # Who signs waits for the next six digits, several times in some tests.
        options = ["--dist", "loadgroup", "--timeout", str(TEST_S)]
        command = [sys.executable, "-m", "pytest", "tests/browser", *options, *sys.argv[1:]]
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
