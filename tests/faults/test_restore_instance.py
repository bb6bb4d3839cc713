"""A whole instance loses a database: backed up at work, stopped, restored by command, started again."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import create_engine, text

from deploy.local.state import Home, read_json, reset
from shared.kernel.ids import new_id
from shared.testing.waiting import wait_until
from tests.e2e.instance import Instance, launched
from tests.folders import fresh_folder

BEFORE, AFTER = 5, 7
PATIENCE_S = 60.0


@pytest.fixture
def home() -> Iterator[Home]:
    made = Home(fresh_folder("restore"))
    yield made
    reset(made)


@contextlib.contextmanager
def started(home: Home) -> Iterator[Instance]:
    """An instance that was just started on what the state folder holds."""
    home.run.unlink(missing_ok=True)
    with launched(home) as instance:
        yield instance


def knock(instance: Instance, times: int) -> list[int]:
    """Failed sign-ins of persons that nobody knows: each is a row of the portal's trail."""
    address = f"{instance.run_facts()['addresses']['portal']}/v1/tokens"
    strangers = [{"username": str(new_id()), "password": "wrong"} for _ in range(times)]
    return [requests.post(address, json=stranger, timeout=10).status_code for stranger in strangers]


def asked(instance: Instance, service: str, query: str) -> Any:  # noqa: ANN401 - a value of SQL
    engine = create_engine(read_json(instance.home.addresses)[service]["reader"])
    try:
        with engine.connect() as connection:
            return connection.scalar(text(query))
    finally:
        engine.dispose()


def taken(instance: Instance, epoch: int) -> int:
    """How many rows of an epoch of the portal's journal the log has."""
    book = f"SELECT taken FROM log_sources WHERE source = 'portal' AND epoch = {epoch}"
    return int(asked(instance, "audit", book) or 0)


@pytest.mark.full
@pytest.mark.timeout(600)
def test_an_instance_goes_on_from_its_backup_and_its_log_knows_what_is_lost(
    home: Home, tmp_path: Path
) -> None:
    with started(home) as instance:
        assert set(knock(instance, BEFORE)) == {401}
        done = instance.command("backup", "--to", str(tmp_path / "second place"))
        assert done.returncode == 0, done.stderr
        assert set(knock(instance, AFTER)) == {401}
        written = asked(instance, "portal", "SELECT count(*) FROM journal")
        wait_until(lambda: taken(instance, 1) >= written, PATIENCE_S, "all rows in the log")
        beside = instance.command(
            "restore", "portal", "--from", "latest", "--place", str(tmp_path / "second place")
        )
        assert beside.returncode == 1
        assert "must not write while a database is exchanged" in beside.stderr
        told = instance
    words = (
        "--from",
        "latest",
        "--place",
        str(tmp_path / "second place"),
        "--begin-epoch",
        "the disk was lost",
    )
    done = told.command("restore", "portal", *words)
    assert done.returncode == 0, done.stderr
    found = re.search(r"with (\d+) journal rows", done.stdout)
    assert found is not None
    kept = int(found[1])
    assert BEFORE <= kept <= written - AFTER
    assert f"Epoch 2 of portal begins at position {kept + 1}." in done.stdout
    with started(home) as instance:
        assert set(knock(instance, 2)) == {401}
        wait_until(lambda: taken(instance, 2) >= kept + 3, PATIENCE_S, "the new epoch in the log")
        assert taken(instance, 1) >= written, "what was lost is still in the log"
        assert asked(instance, "portal", "SELECT halted FROM journal_cursor") is None
