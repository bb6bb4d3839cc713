"""The main job on a whole instance whose processes are killed while they work."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

import pytest

from shared.testing.waiting import wait_until
from tests.e2e.instance import STEP_S, Instance

PERSONS = 600
# Killed as soon as the job has said the words, so that there is work they have not finished.
KILLS = (
    ("accounts made", ("portal-api", "portal-worker", "allocation-api")),
    ("refused: annex_faulty", ("beneficiaries-jobs", "beneficiaries-api")),
    ("merit funds for August", ("beneficiaries-worker", "allocation-worker")),
    ("list refused", ("notifications-worker", "notifications-api")),
    ("drawn and instructed", ("audit-worker", "audit-api", "beneficiaries-jobs")),
)


@pytest.mark.timeout(300)
def test_killed_at_work_everybody_comes_back_and_nothing_is_lost(
    start_instance: Callable[[], Instance],
) -> None:
    instance = start_instance()
    took: dict[str, float] = {}
    with instance.demo(PERSONS) as demo:
        for words, names in KILLS:
            demo.wait_until_said(words, STEP_S)
            assert demo.running, demo.story()
            for name in names:
                took[name] = seconds_to_come_back(instance, name)
        assert demo.finish(STEP_S) == 0, demo.story()
    sys.stdout.write(f"seconds until back at work after kill -9: {took}\n")  # a figure, shown with -s
    done = instance.command("check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "0 invariants broken"
    assert done.stderr == ""


def seconds_to_come_back(instance: Instance, name: str) -> float:
    """How long after its sudden end a part answers again that it is ready."""
    before = instance.pid(name)
    os.kill(before, signal.SIGKILL)
    killed_at = time.monotonic()
    wait_until(lambda: instance.is_another(name, before), 30, f"{name} is back")
    return round(time.monotonic() - killed_at, 1)
