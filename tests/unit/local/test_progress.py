from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from deploy.local.progress import Progress


def times(*moments: float) -> Iterator[float]:
    yield from moments


def test_a_step_says_when_it_begins_and_how_long_it_took() -> None:
    out = io.StringIO()
    clock = times(0.0, 1.0, 1.0, 3.5, 3.5)
    progress = Progress(out, lambda: next(clock))
    with progress.step("PostgreSQL"):
        pass
    assert out.getvalue().splitlines() == [
        "    1.0 s  PostgreSQL ...",
        "    3.5 s  PostgreSQL: ready in 2.5 s",
    ]
    assert progress.seconds == {"PostgreSQL": 2.5}


def test_a_step_that_fails_is_not_said_to_be_ready() -> None:
    out = io.StringIO()
    progress = Progress(out)
    with pytest.raises(ValueError, match="no"), progress.step("Kafka"):
        raise ValueError("no")
    assert "ready" not in out.getvalue()
