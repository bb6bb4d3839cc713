"""The `fundtrail` command: one module per subcommand, each adding its own arguments.

A subcommand module has `add_arguments(commands)`, which sets the default `run` of its parser to a
function that takes the parsed arguments and returns the exit status.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from deploy.cli import (
    annex,
    backup,
    check,
    drill,
    epoch,
    logkey,
    quarantine,
    republish,
    reset,
    restore,
    up,
    verify,
)

MODULES = (annex, backup, check, drill, epoch, logkey, quarantine, republish, reset, restore, up, verify)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; its exit status."""
    parser = argparse.ArgumentParser(prog="fundtrail", description="Divides, pays and proves public money.")
    commands = parser.add_subparsers(dest="command", required=True)
    for module in MODULES:
        module.add_arguments(commands)
    parsed = parser.parse_args(arguments)
    status: int = parsed.run(parsed)
    return status


if __name__ == "__main__":
    sys.exit(main())
