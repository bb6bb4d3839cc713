"""`fundtrail check`: do the invariants hold, in each database and between them? It writes no row."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import OperationalError

from deploy.local.state import home_of, read_json
from deploy.oversight import comparisons, invariants
from deploy.oversight.databases import AddressesUnknown, opened, reader_addresses
from deploy.oversight.lag import wait_until_nothing_lags
from deploy.oversight.summary import summary

LAG_TIMEOUT_S = 60.0


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command with its arguments."""
    parser = subparsers.add_parser("check", help="check every invariant, with roles that can only read")
    parser.add_argument("--summary", action="store_true", help="print one JSON object with the figures")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """The exit status: 0 when everything holds, 1 with findings, 2 where nothing can be read."""
    home = home_of(os.environ)
    try:
        addresses = reader_addresses(home)
        return _report(addresses, read_json(home.run), as_summary=args.summary)
    except AddressesUnknown as error:
        sys.stderr.write(f"{error}\n")
    except OperationalError as error:
        cause = str(error.orig).splitlines()[0]
        sys.stderr.write(f"A database does not answer ({cause}); is the instance running? See `make run`.\n")
    return 2


def _report(addresses: Mapping[str, str], facts: Mapping[str, Any], *, as_summary: bool) -> int:
    """The exit status after saying what was found."""
    late = wait_until_nothing_lags(addresses, LAG_TIMEOUT_S)
    with opened(addresses) as databases:
        findings = [*invariants.broken(databases), *comparisons.differing(databases)]
        told = summary(databases, facts, len(findings), _seconds_since(facts.get("started_at")))
    for finding in findings:
        sys.stderr.write(f"{finding}\n")
    for text in late:
        sys.stderr.write(f"still under way: {text}\n")
    sys.stdout.write(json.dumps(told) + "\n" if as_summary else f"{len(findings)} invariants broken\n")
    return 1 if findings else 0


def _seconds_since(started_at: str | None) -> int | None:
    if started_at is None:
        return None
    return int((datetime.now(UTC) - datetime.fromisoformat(started_at)).total_seconds())
