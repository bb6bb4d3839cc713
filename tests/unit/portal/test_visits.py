"""How a visit stands, and which addresses a form may lead back to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.portal.visits.guard import local
from services.portal.visits.model import LOCKED_AFTER, Standing, standing_of

NOW = datetime(2024, 7, 24, 3, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("is_open", "locked", "away", "standing"),
    [
        (False, False, timedelta(0), Standing.OUTSIDE),
        (False, True, timedelta(0), Standing.OUTSIDE),
        (True, False, timedelta(0), Standing.INSIDE),
        (True, False, LOCKED_AFTER, Standing.INSIDE),
        (True, False, LOCKED_AFTER + SECOND, Standing.LOCKED),
        (True, True, timedelta(0), Standing.LOCKED),
        (True, False, -timedelta(days=1), Standing.INSIDE),  # a clock that was set back locks nobody out
    ],
)
def test_a_screen_locks_itself_and_a_session_that_is_over_is_over(
    away: timedelta, standing: Standing, *, is_open: bool, locked: bool
) -> None:
    assert standing_of(is_open, locked, NOW - away, NOW) is standing


@pytest.mark.parametrize("path", ["/", "/account", "/decisions?state=draft", "/a//b"])
def test_a_path_of_this_site_is_taken(path: str) -> None:
    assert local(path) == path


@pytest.mark.parametrize(
    "path", [None, "", "account", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb"]
)
def test_any_other_address_leads_home(path: str | None) -> None:
    assert local(path) == "/"
