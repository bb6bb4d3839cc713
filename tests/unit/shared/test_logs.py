from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime

import pytest
import structlog

from shared.telemetry.logs import configure


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers.clear()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_one_json_object_that_says_who_and_when(capsys: pytest.CaptureFixture[str]) -> None:
    configure("allocation", "worker", "INFO")
    structlog.get_logger("x").info("row_sent", position=7, unit="Núi Thành")
    (line,) = lines(capsys)
    assert line | {"service": "allocation", "role": "worker", "position": 7, "unit": "Núi Thành"} == line
    assert (line["event"], line["level"]) == ("row_sent", "info")
    assert datetime.fromisoformat(str(line["timestamp"])).tzinfo is not None


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure("allocation", "api", "warning")
    structlog.get_logger().info("chatter")
    structlog.get_logger().warning("matter")
    assert [line["event"] for line in lines(capsys)] == ["matter"]


def test_an_unknown_level_means_the_usual_one(capsys: pytest.CaptureFixture[str]) -> None:
    configure("allocation", "api", "LOUD")
    structlog.get_logger().info("heard")
    structlog.get_logger().debug("not heard")
    assert [line["event"] for line in lines(capsys)] == ["heard"]


def test_a_crash_is_logged_on_one_line_with_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    configure("allocation", "worker", "INFO")
    try:
        divmod(1, 0)
    except ZeroDivisionError:
        structlog.get_logger().exception("loop_crashed")
    (line,) = lines(capsys)
    assert "ZeroDivisionError" in str(line["exception"])
