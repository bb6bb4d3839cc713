"""The main job on a whole instance: it needs every worker, and ends in its figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
import requests
from sqlalchemy import create_engine, text

from deploy.contracts.registry import service_names
from deploy.oversight.summary import KEYS
from shared.testing.waiting import wait_until
from tests.contract.published.payloads import Row, faults, published_schemas, rows_of
from tests.e2e.instance import PERSONS, STEP_S, Demo, Instance, stopped
from tests.e2e.leaks import scanner_of

MAY_BE_NULL: frozenset[str] = frozenset()  # every figure is built
SILENCE_S = 6.0  # far longer than the job is silent at these words while everything runs
READING_S = 20.0  # and this where a register file is read meanwhile: seven seconds, on a slow machine twelve

# Where the job stands still while a worker does, in the order in which it comes by them.
WAITS = (
    ("beneficiaries-jobs", "refused: annex_faulty", READING_S),
    ("beneficiaries-worker", "lists submitted and approved", SILENCE_S),
    ("allocation-worker", "lists submitted and approved", SILENCE_S),
    ("notifications-worker", "list refused", SILENCE_S),
    ("portal-worker", "recoveries", SILENCE_S),
    ("audit-worker", "recoveries", SILENCE_S),
)


@pytest.mark.timeout(400)
def test_the_job_waits_for_every_worker_and_ends_in_its_figures(
    start_instance: Callable[[], Instance],
) -> None:
    instance = start_instance()
    with instance.demo(PERSONS) as demo:
        stop_one_worker_after_the_other(instance, demo)
        assert demo.finish(STEP_S) == 0, demo.story()
    ensure_tampering_is_named(instance)
    figures = summary(instance)
    ensure_figures(figures)
    assert summary(instance) | {"seconds": 0} == figures | {"seconds": 0}, "a check changes nothing"
    ensure_catchers_hold(instance, figures)
    ensure_journals_are_as_published(instance, figures)
    scanner = scanner_of(instance.home)
    assert len(scanner) > 2 * PERSONS, "it looks for names, identity numbers and accounts"
    assert scanner.folder(instance.home.logs) == []


def stop_one_worker_after_the_other(instance: Instance, demo: Demo) -> None:
    """Each worker stands still for a while, and the job with it; the next stops before this one goes on."""
    first, *_ = WAITS[0]
    held = stopped(instance.pid(first))
    held.__enter__()
    for number, (name, last_words, silence_s) in enumerate(WAITS):
        demo.wait_until_said(last_words, STEP_S)
        wait_until(partial(is_over_or_silent, demo, silence_s), STEP_S, f"silence without {name}")
        assert demo.running, f"the job ended while {name} stood still:\n{demo.story()}"
        assert last_words in demo.said[-1], f"{name} stands still, and yet: {demo.said[-1]}"
        following = stopped(instance.pid(WAITS[number + 1][0])) if number + 1 < len(WAITS) else None
        if following is not None:
            following.__enter__()
        held.__exit__(None, None, None)
        if following is not None:
            held = following


def is_over_or_silent(demo: Demo, silence_s: float) -> bool:
    return demo.silent_for_s > silence_s or not demo.running


def ensure_tampering_is_named(instance: Instance) -> None:
    drill = instance.command("drill", "tamper")
    assert drill.returncode == 0, drill.stdout + drill.stderr
    assert "4 alterations were named" in drill.stdout
    assert "NOT FOUND" not in drill.stdout


def summary(instance: Instance) -> dict[str, Any]:
    done = instance.command("check", "--summary")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def ensure_figures(figures: dict[str, Any]) -> None:
    """What the issue says must hold of the last line."""
    assert tuple(figures) == KEYS
    assert {key for key, value in figures.items() if value is None} <= MAY_BE_NULL
    assert figures["persons"] == PERSONS
    assert figures["lists"] == 36, "one for each district and channel"
    assert figures["settled"] + figures["returned"] + figures["unknown"] == figures["payments"]
    assert figures["settled_vnd"] == figures["ledger_spent_vnd"]
    assert figures["provider_balance_vnd"] == figures["instructed_vnd"] - figures["settled_vnd"]
    assert figures["open_holds_vnd"] == 0
    assert figures["audit_leaves"] == figures["journal_rows"] == figures["checkpoint_size"]
    assert figures["alterations_detected"] == 4
    assert figures["proofs_verified"] == 1
    assert figures["invariants_broken"] == 0
    assert figures["refusals"] >= 5, "four by law and order, one for lack of money"
    assert figures["returned"] > 0
    assert figures["arrears_vnd"] > 0
    assert figures["recoveries_vnd"] > 0


def ensure_catchers_hold(instance: Instance, figures: dict[str, Any]) -> None:
    """Messages that were delivered are those in the catchers and those in the app."""
    facts = instance.run_facts()
    caught = sum(
        requests.get(f"{facts[catcher]}/count", timeout=5).json()["count"]
        for catcher in ("mail_catcher", "sms_catcher")
    )
    assert figures["notifications_delivered"] == caught + in_app_messages(instance)


def ensure_journals_are_as_published(instance: Instance, figures: Mapping[str, Any]) -> None:
    """Whatever the job recorded, in whichever service, has the form that docs/events promises."""
    addresses = json.loads(instance.home.addresses.read_text())
    rows: list[Row] = []
    for service in service_names():
        engine = create_engine(addresses[service]["reader"])
        with engine.connect() as connection:
            rows += rows_of(service, connection)
        engine.dispose()
    assert len(rows) == figures["journal_rows"]
    assert list(faults(rows, published_schemas())) == []


def in_app_messages(instance: Instance) -> int:
    addresses = json.loads(instance.home.addresses.read_text())
    engine = create_engine(addresses["notifications"]["reader"])
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT count(*) FROM deliveries WHERE channel = 'in_app'"))
    engine.dispose()
    return int(found or 0)
