"""On a real broker with the list of rights that the containers get: each does its own, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest
from kafka.admin import ACLOperation, ResourceType

from deploy.kafka import acl
from deploy.local.kafka import find_tools
from deploy.local.plan import SERVICES, topics
from shared.bus.open import open_bus
from shared.bus.port import Record
from shared.journal.relay import topics_of
from shared.kernel.errors import Unavailable
from shared.worker import AUDIT_EVENTS
from tests.integration.images.guarded_kafka import Guarded, guarded_kafka

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.skipif(isinstance(find_tools(os.environ), str), reason="Java or Maven is not here"),
]
NAMES = [service.name for service in SERVICES]
SETUP = [sys.executable, "-m", "deploy.kafka.acl"]


@pytest.fixture(scope="module")
def node() -> Iterator[Guarded]:
    with (
        tempfile.TemporaryDirectory(prefix="fundtrail-rights-") as folder,
        guarded_kafka(Path(folder)) as running,
    ):
        set_up(running, f"{len(acl.rules())} added, 0 removed")
        yield running


def set_up(node: Guarded, told: str) -> None:
    """The command that the containers run first."""
    environment = {**os.environ, "FUNDTRAIL_BUS_URL": node.url(acl.ADMINISTRATOR)}
    done = subprocess.run(SETUP, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert told in done.stdout


def refused(ask: Callable[[], object]) -> None:
    """The broker says that this user may not: no time-out, no missing topic."""
    with pytest.raises(Unavailable, match=re.compile("authoriz", re.IGNORECASE)):
        ask()


@pytest.mark.parametrize("name", NAMES)
def test_a_service_writes_reads_and_remembers_its_place_in_what_is_its_own(node: Guarded, name: str) -> None:
    with closing(open_bus(node.url(name), "tests")) as bus:
        bus.ensure_topics(topics_of(name))
        for topic in topics_of(name):
            bus.publish([Record(topic, "key", (), b"own")])
            assert bus.last_records(topic)[-1].value == b"own"
        read = [f"{other}.events.v1" for other in acl.READS[name]]
        with closing(bus.subscribe(name, read)) as subscription:
            subscription.seek_to_beginning()
            subscription.poll(0.2)
            subscription.acknowledge()


@pytest.mark.parametrize("name", NAMES)
def test_a_service_writes_nowhere_else_and_deletes_nothing(node: Guarded, name: str) -> None:
    with closing(open_bus(node.url(name), "tests")) as bus:
        for topic in topics():
            if topic not in topics_of(name):
                refused(lambda topic=topic: bus.publish([Record(topic, "key", (), b"foreign")]))
        refused(lambda: bus._administer(lambda admin: admin.delete_topics(topics_of(name))))  # type: ignore[attr-defined]
    with closing(open_bus(node.url(acl.ADMINISTRATOR), "tests")) as bus:
        assert set(bus.topic_ids(topics())) == set(topics())
        values = {one.value for topic in topics() for one in bus.last_records(topic)}
        assert b"foreign" not in values


@pytest.mark.parametrize("name", NAMES)
def test_a_service_reads_only_what_it_works_on_and_audit_alone_reads_trails(node: Guarded, name: str) -> None:
    kinds = ("events", "trail") if name == "audit" else ("events",)
    readable = {*topics_of(name), *(f"{other}.{kind}.v1" for other in acl.READS[name] for kind in kinds)}
    with closing(open_bus(node.url(name), "tests")) as bus:
        assert set(bus.topic_ids(topics())) == readable
        for topic in set(topics()) - readable:
            refused(lambda topic=topic: bus._administer(lambda admin: admin.create_topics([topic])))  # type: ignore[attr-defined]
    assert (name == "audit") == (readable == set(topics()))


def test_what_lies_on_a_trail_comes_to_its_owner_and_to_audit_and_to_nobody_else(node: Guarded) -> None:
    topic = "portal.trail.v1"
    with closing(open_bus(node.url("portal"), "tests")) as bus:
        bus.publish([Record(topic, "key", (), b"who was refused what")])
    seen = {}
    for name in NAMES:
        with closing(open_bus(node.url(name), "tests")) as bus:
            seen[name] = b"who was refused what" in {one.value for one in bus.last_records(topic)}
    assert seen == {name: name in {"portal", "audit"} for name in NAMES}


def test_nobody_uses_the_place_of_another_group(node: Guarded) -> None:
    with (
        closing(open_bus(node.url("portal"), "tests")) as bus,
        closing(bus.subscribe("audit", ["allocation.events.v1"])) as subscription,
    ):
        refused(lambda: subscription.poll(10))


@pytest.mark.parametrize("user", ["allocation", "nobody"])
def test_who_does_not_know_the_password_learns_nothing(node: Guarded, user: str) -> None:
    with closing(open_bus(node.url(user, "guessed"), "tests")) as bus, pytest.raises(Unavailable):
        bus.topic_ids(topics())


def test_a_right_that_somebody_added_is_taken_back_and_a_second_run_changes_nothing(node: Guarded) -> None:
    set_up(node, "0 added, 0 removed")
    extra = acl.Rule("portal", ResourceType.TOPIC, "audit.trail.v1", ACLOperation.READ)
    with closing(open_bus(node.url(acl.ADMINISTRATOR), "tests")) as bus:
        bus._administer(lambda admin: admin.create_acls([extra.acl()]))  # type: ignore[attr-defined]
    set_up(node, "0 added, 1 removed")
    with closing(open_bus(node.url("portal"), "tests")) as bus:
        assert "audit.trail.v1" not in bus.topic_ids(["audit.trail.v1"])


@pytest.mark.parametrize("name", NAMES)
def test_the_list_names_what_the_service_subscribes_to(name: str) -> None:
    events = {f"{other}.events.v1" for other in acl.READS[name]}
    worker = import_module(f"services.{name}.worker")
    if name == "audit":
        assert events == {f"{other}.events.v1" for other in worker.SERVICES if other != name}
    else:
        assert events == {*worker.TOPICS, AUDIT_EVENTS}
    assert acl.READS.keys() == set(NAMES)
