"""A ledger with money in it, behind its API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.provisioning import Addresses
from tests.integration.models.branch import Branch, branch
from tests.integration.models.counter import Counter, MakeApp
from tests.integration.models.money import UNITS

MakeDatabase = Callable[..., Addresses]


@pytest.fixture
def counter(database: MakeDatabase, application: MakeApp) -> Iterator[Counter]:
    """The API in this process; every invariant holds when the test is over."""
    made = Counter(database("allocation"), application, UNITS)
    try:
        yield made
        assert [str(one) for one in made.house.findings()] == []
    finally:
        made.close()


@pytest.fixture
def served(counter: Counter, tmp_path: Path) -> Iterator[Branch]:
    """The same ledger behind a gunicorn of two workers."""
    with branch(counter.house.addresses, tmp_path, UNITS, workers=2) as made:
        yield made
