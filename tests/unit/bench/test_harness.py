"""The harness says what was measured, and names what was missed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import pytest

from tests.bench import harness, pace, report
from tests.bench.harness import Bench, Goal, Lap, Reading, Result, percentile, run, timed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.site import Site

NOWHERE = cast("Site", None)


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test is on a machine of the same pace, which is known beforehand."""
    monkeypatch.setattr(harness, "pace", lambda: 64_000.0)


def bench(goal: Goal, size: int = 1600, per_thing_s: float = 0.001) -> Bench:
    def take(_: Site, count: int, rounds: int) -> Iterator[Lap]:
        for number in range(rounds):
            yield Lap("ours", count * per_thing_s * (1 + number % 2), count)
            yield Lap("limit", count * per_thing_s / 2, count)

    return Bench("sample", size, take, (goal,))


def taken(goal: Goal, divisors: tuple[int, ...] = (16, 4, 1)) -> Result:
    return run(bench(goal), NOWHERE, divisors, 3, lambda _: None)


def test_a_figure_is_the_median_of_its_rounds_at_each_size() -> None:
    result = taken(Goal("ours", "things"))
    assert [one.size for one in result.readings["ours"]] == [100, 400, 1600]
    assert result.full("ours") == Reading(1600, pytest.approx(1.6), 1600, 3)  # of 1.6, 3.2 and 1.6


@pytest.mark.parametrize(
    ("goal", "named"),
    [
        (Goal("ours", "rate", "things", rate=1_001), "1,000 things/s, wanted 1,001"),
        (Goal("ours", "time", within=1.5), "1.6 s, wanted 1.5 s"),
        (Goal("ours", "share", against="limit", ratio=0.6), "ratio 0.50, wanted 0.60"),
    ],
    ids=["rate", "time", "share"],
)
def test_what_is_missed_is_named(goal: Goal, named: str) -> None:
    assert taken(goal).failures(goal) == [named]


@pytest.mark.parametrize(
    "goal",
    [
        Goal("ours", "rate", "things", rate=999),
        Goal("ours", "time", within=1.7),
        Goal("ours", "share", against="limit", ratio=0.5),
    ],
    ids=["rate", "time", "share"],
)
def test_what_is_reached_is_not_named(goal: Goal) -> None:
    assert taken(goal).failures(goal) == []


def test_time_that_grows_faster_than_the_size_is_named() -> None:
    goal = Goal("ours", "squares")

    def squares(_: Site, count: int, rounds: int) -> Iterator[Lap]:
        yield from (Lap("ours", count * count / 1e6, count) for _round in range(rounds))

    result = run(Bench("squares", 1600, squares, (goal,)), NOWHERE, (16, 1), 1, lambda _: None)
    assert result.growth(goal) == pytest.approx(2)
    assert result.failures(goal) == ["grows with exponent 2.00"]
    assert taken(goal).growth(goal) == pytest.approx(1)


def test_one_size_has_no_growth() -> None:
    goal = Goal("ours", "things")
    assert taken(goal, (1,)).growth(goal) is None


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)) == (50, 99, 100)
    assert percentile([3.0], 0.99) == 3


def test_a_stopwatch_stops() -> None:
    with timed() as watch:
        pass
    assert watch.seconds >= 0
    assert watch.seconds == watch.seconds


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "LATEST", tmp_path / "bench" / "latest.json")
    monkeypatch.setattr(report, "BASELINE", tmp_path / "baseline.json")
    monkeypatch.setattr(report, "PAGE", tmp_path / "PERFORMANCE.md")
    (tmp_path / "PERFORMANCE.md").write_text(f"Before\n\n{report.BEGIN}\nold\n{report.END}\n\nAfter\n")
    return tmp_path


def test_figures_are_kept_and_shown_in_a_table(files: Path) -> None:
    goal = Goal("ours", "share of things", against="limit", ratio=0.6)
    result = taken(goal)
    report.save(report.as_data([result], {"cpu": "a machine"}))
    stored = json.loads((files / "bench" / "latest.json").read_text())
    assert stored["machine"] == {"cpu": "a machine"}
    assert stored["figures"]["sample"]["goals"][0]["missed"] == ["ratio 0.50, wanted 0.60"]
    page = (files / "PERFORMANCE.md").read_text()
    assert page.startswith("Before\n")
    assert page.endswith("After\n")
    assert "old" not in page
    pace = f"{result.pace / 1000:,.0f}"
    figures = f"1,600 | 3 | 1,000/s (1.6 s) | 0.50 | 1.00 | {pace} | missed: ratio 0.50, wanted 0.60"
    row = f"| sample | share of things | {figures} |"
    assert row in page


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [(Goal("ours", "things"), "-"), (Goal("ours", "things", within=2), "reached")],
    ids=["owes nothing", "reached"],
)
def test_what_is_reached_says_so_and_what_owes_nothing_reaches_nothing(
    files: Path, goal: Goal, verdict: str
) -> None:
    result = taken(goal)
    report.save(report.as_data([result], {}))
    row = f"| 1,000/s (1.6 s) | - | 1.00 | {result.pace / 1000:,.0f} | {verdict} |"
    assert row in (files / "PERFORMANCE.md").read_text()


def test_the_pace_of_the_machine_is_taken_before_each_size_and_after_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paces = iter([1.0, 5.0, 3.0, 2.0])
    monkeypatch.setattr(harness, "pace", lambda: next(paces))
    assert taken(Goal("ours", "things")).pace == 2.5  # the median of four
    assert next(paces, None) is None


def test_the_pace_is_the_sum_over_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(pace, "COMMAND", [sys.executable, "-c", "print(32_000.5)"])
    assert pace.pace() == 64_001


def test_the_pace_of_a_process_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SECONDS", 0.01)
    assert pace.measured() > 0


def test_benches_that_were_not_run_keep_their_figures(files: Path) -> None:
    (files / "bench").mkdir()
    (files / "bench" / "latest.json").write_text(json.dumps({"figures": {"other": {"goals": [], "size": 1}}}))
    report.save(report.as_data([taken(Goal("ours", "things"))], {}))
    assert set(json.loads((files / "bench" / "latest.json").read_text())["figures"]) == {"other", "sample"}


@pytest.mark.parametrize(("before", "named"), [(0.62, False), (0.63, True)], ids=["a fifth", "more"])
def test_a_share_that_fell_by_more_than_a_fifth_is_named(files: Path, before: float, *, named: bool) -> None:
    old = {"sample": {"goals": [{"lap": "ours", "ratio": before}]}}
    (files / "baseline.json").write_text(json.dumps({"figures": old}))
    goal = Goal("ours", "share", against="limit")
    found = report.worse(report.as_data([taken(goal)], {}))
    assert found == ([f"sample: share: ratio 0.5, {before} in the baseline"] if named else [])
