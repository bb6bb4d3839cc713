"""The figure of exactly-once: processes are killed at named points while a province pays its people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.faults import report
from tests.faults.campaign import carry_out, province_of, say, seed, share_of
from tests.faults.crashing import POINTS
from tests.faults.crew import Crew, plan
from tests.faults.ground import Ground, open_ground

pytestmark = [pytest.mark.kafka, pytest.mark.full, pytest.mark.timeout(1800)]

PEOPLE, MONTHS = 50_000, 4
TIMES = {
    ("allocation", "worker"): 2,
    ("beneficiaries", "worker"): 1,
    ("beneficiaries", "jobs"): 8,
    ("audit", "worker"): 3,
}  # 101 in all: whoever is in a group of Kafka's waits ten seconds for its dead predecessor to be given up


@pytest.fixture
def ground() -> Iterator[Ground]:
    with open_ground() as made:
        yield made


def test_a_hundred_kills_at_named_points_lose_nothing_and_double_nothing(ground: Ground) -> None:
    number, whole = seed(), share_of(PEOPLE) == PEOPLE
    each = TIMES if whole else dict.fromkeys(POINTS, 1)
    say(f"SEED={number}")

    def more(done: int, crew: Crew) -> bool:
        return done < (MONTHS if whole else 1) or not crew.plans_are_done

    with province_of(ground, share_of(PEOPLE)) as province:
        outcome = carry_out(province, plan(number, each), more)
    kills = outcome.crew.kills
    outcome.more = {
        "kills_by_point": report.by_point(kills),
        "kills_by_process": dict(Counter(" ".join(one.who) for one in kills)),
        "idle_kills": outcome.crew.idle_kills,
        "months": len(outcome.clerk.done),
    }
    back = max((one.back_s for one in kills if one.back_s is not None), default=None)
    report.keep(report.row_of("kill -9 of processes", number, outcome, len(kills), back))
    assert outcome.crew.plans_are_done
    outcome.verdict.ensure_clean()
    assert set(report.by_point(kills)) == {point for points in POINTS.values() for point in points}
    assert not whole or (len(kills) >= 100 and min(report.by_point(kills).values()) >= 3)
