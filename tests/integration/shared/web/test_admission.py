"""A service that has its hands full turns requests away, and what is turned away has no effect at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from werkzeug.test import TestResponse

from shared.testing.waiting import wait_until
from shared.web import admission
from shared.web.admission import WAITING_PER_PLACE, Places
from tests.integration.shared.web import toys
from tests.integration.shared.web.conftest import Caller, problem

LONG_S = 30.0
SLOW = {"name": "slow", "amount_vnd": 1}
TOY = {"name": "a", "amount_vnd": 1}


def made(officer: Caller, body: dict[str, object], key: str) -> TestResponse:
    """The answer, read to its end as any client of a server reads it."""
    reply = officer.make(body, key)
    reply.close()
    return reply


def test_a_full_house_finishes_what_it_has_and_turns_the_rest_away_without_a_trace(officer: Caller) -> None:
    places = Places(1, LONG_S)
    officer.app.extensions[admission.EXTENSION].limit(places)
    with ThreadPoolExecutor(1 + WAITING_PER_PLACE) as pool:
        first = pool.submit(made, officer, SLOW, "first")
        assert toys.entered.wait(LONG_S)
        waiting = [pool.submit(made, officer, TOY, f"waiting-{n}") for n in range(WAITING_PER_PLACE)]
        wait_until(lambda: places.waiting == WAITING_PER_PLACE, what="the queue")
        away = made(officer, TOY, "turned-away")
        assert officer.ask("GET", "/readyz").status_code == 200
        toys.go_on.set()
        assert [one.result(LONG_S).status_code for one in (first, *waiting)] == [201] * (1 + len(waiting))
    assert (away.status_code, problem(away)["code"]) == (429, "too_busy")
    assert int(away.headers["Retry-After"]) > 0
    assert officer.desk.rows("SELECT count(*) FROM effects")[0].count == 1 + WAITING_PER_PLACE
    again = made(officer, TOY, "turned-away")
    assert again.status_code == 201
    assert "Idempotency-Hit" not in again.headers, "what was turned away has burnt its key"
