"""The line between the API and its database is cut, stands still, breaks off, is slow: nobody is misled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from shared.testing.waiting import wait_until
from tests.integration.figures.line import AT_ONCE, FAR_AWAY, NARROW, Line
from tests.integration.models.branch import branch
from tests.integration.models.counter import Counter
from tests.integration.models.crowd import PURSES, Crowd
from tests.integration.models.money import UNITS, fill

HANDS, PLACES = 12, 4
LONG_S = 60.0

Trouble = Callable[[Line, Crowd], None]


@pytest.fixture
def line(counter: Counter) -> Iterator[Line]:
    made = Line(make_url(counter.house.addresses.service).port or 5432)
    yield made
    made.close()


def more(crowd: Crowd, status: int, count: int = 5) -> None:
    """Wait until so many more have had an answer."""
    before = crowd.statuses()[status]
    wait_until(lambda: crowd.statuses()[status] >= before + count, LONG_S, f"answers of {status}")


def cut(line: Line, crowd: Crowd) -> None:
    line.cut()
    more(crowd, 503)
    line.mend()


def break_off(line: Line, crowd: Crowd) -> None:
    breaks = line.breaks
    line.break_off_after(20_000 + len(crowd.told) % 1_000)
    wait_until(lambda: line.breaks > breaks, LONG_S, "a broken message")


def stand_still(line: Line, crowd: Crowd) -> None:
    """Those who found no place are told so although nothing moves."""
    line.stand_still()
    more(crowd, 429)
    line.go_on()


def be_far_away(line: Line, crowd: Crowd) -> None:
    line.slow_down(FAR_AWAY)
    more(crowd, 200, 10)
    line.slow_down(AT_ONCE)


def be_narrow(line: Line, crowd: Crowd) -> None:
    line.slow_down(NARROW)
    more(crowd, 200, 20)
    line.slow_down(AT_ONCE)


@pytest.mark.parametrize(
    ("troubles", "rounds"),
    [
        pytest.param([cut, break_off, stand_still], 1, id="once"),
        pytest.param([cut], 10, id="cut", marks=pytest.mark.full),
        pytest.param([break_off], 20, id="broken off", marks=pytest.mark.full),
        pytest.param([stand_still], 5, id="standing still", marks=pytest.mark.full),
        pytest.param([be_far_away], 1, id="far away", marks=pytest.mark.full),
        pytest.param([be_narrow], 2, id="narrow", marks=pytest.mark.full),
    ],
)
def test_behind_a_bad_line_every_request_is_answered_and_every_effect_is_found_by_its_key(
    counter: Counter, line: Line, tmp_path: Path, troubles: list[Trouble], rounds: int
) -> None:
    fill(counter.house, PURSES)
    url = make_url(counter.house.addresses.service).set(port=line.port)
    through = url.render_as_string(hide_password=False)
    with branch(counter.house.addresses, tmp_path, UNITS, database_url=through, threads=PLACES) as api:
        crowd = Crowd(api)
        with crowd.asking(HANDS):
            for _ in range(rounds):
                for trouble in troubles:
                    more(crowd, 200)
                    trouble(line, crowd)
            more(crowd, 200)
        print(f"{dict(crowd.statuses())}, unheard {len(crowd.unheard)}")  # noqa: T201 - the figures of a run
        assert not crowd.unheard, "whoever asks is answered before its patience ends"
        assert set(crowd.statuses()) <= {200, 429, 503}
        crowd.ensure_told_the_truth(counter.house)
