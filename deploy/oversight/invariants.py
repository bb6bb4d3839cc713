"""The invariants of each database: one SQL file per service, each query naming what breaks it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from sqlalchemy import Connection, text

from deploy.oversight.databases import Databases
from deploy.oversight.findings import Finding

FINDINGS_PER_RULE_MAX = 100
_HEAD = re.compile(r"^-- invariant: (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule and the query that returns the places where it does not hold."""

    name: str
    query: str


def invariants_of(service: str) -> list[Invariant]:
    """The rules of a service; none where it has no file of them."""
    path = files(f"services.{service}").joinpath("invariants.sql")
    if not path.is_file():
        return []
    _, *parts = _HEAD.split(path.read_text(encoding="utf-8"))
    return [
        Invariant(name, query.strip().rstrip(";"))
        for name, query in zip(parts[::2], parts[1::2], strict=True)
    ]


def broken(databases: Databases) -> Iterator[Finding]:
    """Every place in every database where a rule of its own does not hold."""
    for service, connection in databases.items():
        for invariant in invariants_of(service):
            yield from places(service, connection, invariant)


def places(service: str, connection: Connection, invariant: Invariant) -> Iterator[Finding]:
    """The places where one rule does not hold. Bounds: at most 100."""
    query = f"SELECT * FROM ({invariant.query}) AS places LIMIT {FINDINGS_PER_RULE_MAX}"
    for row in connection.execute(text(query.replace(":", r"\:"))):
        yield Finding(service, invariant.name, row.place, row.message)
