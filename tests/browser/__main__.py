"""`python -m tests.browser [options of pytest]`: one instance with a month, and browsers before it."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.browser.conftest import DEMO_S, GIVEN, PERSONS
from tests.e2e.instance import fresh_instance


def main() -> int:
    """The exit status of the tests."""
    with fresh_instance() as instance:
        with instance.demo(PERSONS) as demo:
            if demo.finish(DEMO_S) != 0:
                sys.stderr.write(demo.story() + "\n")
                return 1
        environment = {**os.environ, GIVEN: str(instance.home.root)}
        command = [sys.executable, "-m", "pytest", "tests/browser", "--dist", "loadgroup", *sys.argv[1:]]
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
