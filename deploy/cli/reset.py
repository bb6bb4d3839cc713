"""`fundtrail reset`: remove everything that an instance keeps; the next start begins anew."""

from __future__ import annotations

import argparse
import os
import sys

from deploy.local.spawn import CannotStart
from deploy.local.state import home_of, reset


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = subparsers.add_parser("reset", help="remove the state of the local instance")
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """The exit status: 0 when nothing is left, 1 where an instance still runs."""
    try:
        removed = reset(home_of(os.environ))
    except CannotStart as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write("".join(f"Removed {folder}\n" for folder in removed) or "Nothing to remove.\n")
    return 0
