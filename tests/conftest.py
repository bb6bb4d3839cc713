"""Servers and databases for tests that need them; they start at the first use and serve the whole run."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import shutil
import sys
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import settings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "(open|read)_text is deprecated", DeprecationWarning)
    import kafka  # noqa: F401 - 3.0.12 reads package text the old way, at its import only

from deploy.local.kafka import find_tools
from deploy.local.keeper import lease
from deploy.local.postgres import Server
from deploy.local.provisioning import Addresses
from deploy.local.scratch import Fill, ScratchDatabases
from shared.bus.open import open_bus
from shared.bus.port import Bus
from shared.db.engine import make_engine
from shared.db.migrations import migrate
from shared.web.app import build_app
from shared.web.blueprint import Blueprint
from shared.web.context import EXTENSION, Context
from tests.folders import fastest_folder

KAFKA_SKIPPED = pytest.StashKey[str]()
PASSWORD = "password:"

MakeDatabase = Callable[..., Addresses]
MakeApplication = Callable[[Context, Sequence[Blueprint]], Flask]

settings.register_profile("untimed", deadline=None)  # how long an example takes says nothing about the code
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """A folder that all workers of this run share and that `nobody` can reach; its keepers remove it."""
    shared_run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    folder = fastest_folder() / f"fundtrail-tests-{shared_run or uuid.uuid4().hex}"
    yield folder
    if shared_run is None:
        for home in folder.glob("*"):
            if not (home / "address.json").exists():  # it never started: its log was shown, it has no keeper
                shutil.rmtree(home)
        with contextlib.suppress(OSError):
            folder.rmdir()


@pytest.fixture(scope="session")
def postgres(servers_folder: Path) -> Iterator[tuple[Server, dict[str, str]]]:
    with lease("postgres", servers_folder) as address:
        words = {
            name.removeprefix(PASSWORD): word for name, word in address.items() if name.startswith(PASSWORD)
        }
        server = Server(
            address["host"], int(address["port"]), address["user"], address["password"], address["origin"]
        )
        yield server, words


@pytest.fixture(scope="session")
def postgres_server(postgres: tuple[Server, dict[str, str]]) -> Server:
    """The superuser's way into the server of this run."""
    return postgres[0]


@pytest.fixture(scope="session")
def scratch(postgres: tuple[Server, dict[str, str]]) -> Iterator[ScratchDatabases]:
    with contextlib.closing(ScratchDatabases(*postgres)) as made:
        yield made


@pytest.fixture
def database(scratch: ScratchDatabases) -> Iterator[MakeDatabase]:
    """`database("allocation")` gives the owner's, service's and reader's addresses of a fresh database.

    What a second argument puts in is put in once and copied for each test; its name tells it from others.
    """
    with contextlib.ExitStack() as stack:

        def make(service: str, fill: Fill | None = None) -> Addresses:
            return stack.enter_context(
                scratch.fresh(service, lambda url: migrate_service(service, url), fill)
            )

        yield make


@pytest.fixture
def empty_database(scratch: ScratchDatabases) -> Iterator[Callable[[str], Addresses]]:
    """As `database`, without any table."""
    with contextlib.ExitStack() as stack:
        yield lambda service: stack.enter_context(scratch.fresh(service))


@pytest.fixture(scope="session")
def application() -> MakeApplication:
    """A service's application: made once, as that takes longer than most tests, with each test's context."""
    made: dict[tuple[str, ...], Flask] = {}

    def give(context: Context, blueprints: Sequence[Blueprint]) -> Flask:
        parts = (context.service, *(one.name for one in blueprints))
        if parts not in made:
            made[parts] = build_app(context, blueprints)
        made[parts].extensions[EXTENSION] = context
        return made[parts]

    return give


@pytest.fixture(scope="session")
def kafka_url(servers_folder: Path) -> Iterator[str]:
    """The address of a real Apache Kafka; without Java or Maven the test is skipped, unless required."""
    missing = find_tools(os.environ)
    if isinstance(missing, str) and not kafka_is_required():
        pytest.skip(f"Apache Kafka is not here: {missing}")
    with lease("kafka", servers_folder) as address:
        yield address["url"]


@pytest.fixture
def postgres_bus(empty_database: Callable[[str], Addresses]) -> Iterator[Bus]:
    """A PostgreSQL bus without topics, for tests of what stands on any bus."""
    bus = open_bus(empty_database("bus").owner, "tests")
    yield bus
    bus.close()


def migrate_service(service: str, owner_url: str) -> None:
    """The tables, first rows and grants of a service."""
    engine = make_engine(owner_url, application="tests-migrate", pool_size=1)
    migrate(engine, service, importlib.import_module(f"services.{service}.schema").metadata)
    engine.dispose()


def kafka_is_required() -> bool:
    return bool(os.environ.get("CI") or os.environ.get("REQUIRE_KAFKA"))


def pytest_itemcollected(item: pytest.Item) -> None:
    """kafka-python 3.0.12 may drop a connection that it was still making when its client is closed."""
    if item.get_closest_marker("kafka") is not None:
        item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning"))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """What such a test dropped is collected before its warnings are those of another test."""
    if item.get_closest_marker("kafka") is not None:
        gc.collect()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What may take longest begins first, so that nobody waits for it in the end."""
    items.sort(key=_seconds_allowed, reverse=True)


def _seconds_allowed(item: pytest.Item) -> float:
    """What a test asks for beyond what all have; those that ask for nothing keep their order."""
    timeout = item.get_closest_marker("timeout")
    return float(timeout.args[0]) if timeout is not None else 0.0


def pytest_collection_finish(session: pytest.Session) -> None:
    if any(item.get_closest_marker("kafka") for item in session.items):
        missing = find_tools(os.environ)
        if isinstance(missing, str):
            session.config.stash[KAFKA_SKIPPED] = missing


class ToldAtOnce:
    """A failure is shown when it happens: a run of an hour may be stopped before its end."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            sys.stdout.write(f"\n{report.nodeid} ({report.when})\n{report.longreprtext}\n")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.markexpr != "not full" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(ToldAtOnce())


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line of a run that could not try real Kafka says so."""
    missing = config.stash.get(KAFKA_SKIPPED, None)
    if missing and not kafka_is_required() and not hasattr(config, "workerinput"):
        sys.stdout.write(f"NOT TESTED on real Apache Kafka: {missing}.\n")
