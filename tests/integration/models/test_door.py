"""Who finds neither a place nor room to wait is told so at the door, in full, and is let go."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.db.engine import make_engine
from shared.testing.waiting import wait_until
from shared.web.admission import RETRY_AFTER_S, WAITING_PER_PLACE
from tests.integration.models.answers import TRANSFERS
from tests.integration.models.branch import Branch, branch
from tests.integration.models.counter import Counter
from tests.integration.models.crowd import PURSES, Crowd
from tests.integration.models.money import UNITS, fill

HANDS = 2 * (1 + WAITING_PER_PLACE)  # twice as many as one place and its queue hold
LONG = b"x" * 1_000_000


@pytest.fixture
def door(counter: Counter, tmp_path: Path) -> Iterator[Branch]:
    """A branch with a single place."""
    with branch(counter.house.addresses, tmp_path, UNITS, threads=1) as made:
        yield made


@contextlib.contextmanager
def at_a_stand(counter: Counter) -> Iterator[None]:
    """Nobody gets at the accounts."""
    engine = make_engine(counter.house.addresses.owner, application="tests-door")
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE accounts"))
        yield
    engine.dispose()


def asked(door: Branch, method: str, path: str, body: bytes = b"") -> tuple[http.client.HTTPResponse, bytes]:
    """The answer to somebody who shows no token, and its content to the end."""
    line = http.client.HTTPConnection("127.0.0.1", door.port, timeout=door.patience_s)
    line.request(method, path, body)
    reply = line.getresponse()
    content = reply.read()
    line.close()
    return reply, content


@pytest.mark.parametrize("body", [b"", LONG], ids=["nothing", "a-million-bytes"])
def test_a_full_house_answers_at_the_door(counter: Counter, door: Branch, body: bytes) -> None:
    fill(counter.house, PURSES)
    crowd, away = Crowd(door), []

    def turned_away() -> bool:
        reply, content = asked(door, "POST", TRANSFERS, body)
        if reply.will_close and reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            away.append((int(reply.headers["Retry-After"]), json.loads(content)["code"]))
        return bool(away)

    with crowd.asking(HANDS), at_a_stand(counter):
        wait_until(turned_away, what="an answer at the door")
        assert asked(door, "GET", "/livez?x=1")[0].status == HTTPStatus.OK
    assert away == [(RETRY_AFTER_S, "too_busy")]
    assert not crowd.unheard
    assert set(crowd.statuses()) <= {HTTPStatus.OK, HTTPStatus.TOO_MANY_REQUESTS}
    crowd.ensure_told_the_truth(counter.house)
