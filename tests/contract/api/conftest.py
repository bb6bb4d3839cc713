"""Every service as its process puts it together, asked by one who may do anything; with and without rows."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from deploy.local.scratch import ScratchDatabases
from tests.conftest import migrate_service
from tests.contract.api.callers import SERVICES, Caller, started
from tests.contract.api.worlds import World, world_of

Worlds = Callable[[str], World]
Callers = Callable[[str], Caller]


@pytest.fixture(scope="session")
def callers(scratch: ScratchDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    """`callers("audit")` gives one who may do anything there; every test of a run asks the same process."""
    made: dict[str, Caller] = {}
    with contextlib.ExitStack() as stack:

        def make(service: str) -> Caller:
            if service not in made:
                fresh = scratch.fresh(service, lambda url: migrate_service(service, url))
                addresses = stack.enter_context(fresh)
                made[service] = started(service, addresses, tmp_path_factory.mktemp(service))
                stack.callback(made[service].context.unit_of_work.engine.dispose)
            return made[service]

        yield make


@pytest.fixture(scope="session")
def worlds(scratch: ScratchDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    """`worlds("allocation")` gives the service with rows in it; every test of a run asks the same process."""
    made: dict[str, World] = {}
    with contextlib.ExitStack() as stack:

        def give(service: str) -> World:
            if service not in made:
                folder = tmp_path_factory.mktemp(service)
                made[service] = stack.enter_context(world_of(service, scratch, folder))
            return made[service]

        yield give


@pytest.fixture(params=SERVICES)
def caller(request: pytest.FixtureRequest, callers: Callers) -> Caller:
    return callers(request.param)
