"""Keys in numbers: a repeat gives the stored reply, however often, by however many, and whatever died."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import make_url, text

from services.allocation.ledger.model import Role
from shared.kernel.ids import id_of, new_id
from shared.testing.waiting import wait_until
from tests.integration.models.answers import TRANSFERS, Answer, Teller, Unanswered
from tests.integration.models.branch import Branch, branch
from tests.integration.models.counter import Counter
from tests.integration.models.money import UNITS, fill, move, purse, request, standing
from tests.integration.models.swallowing import SwallowingLine

HANDS = 8
PRICE = 7
FULL = pytest.mark.full
EARNEST = pytest.mark.timeout(900)
SPENT = purse(0, Role.SPENT)
BUSY = (429, "too_busy")


def asked(number: int) -> tuple[dict[str, Any], str]:
    """The body and the key of a request that is always the same."""
    one = move(purse(number % 4), SPENT, PRICE, id_=id_of("asked", number))
    return request(one), f"key-{number}"


def paid(counter: Counter) -> int:
    return standing(counter.house, [SPENT])[SPENT.id]


def ensure_replays_are_the_first_reply(counter: Counter, teller: Teller, keys: int, replays: int) -> None:
    fill(counter.house, 4)

    def press(number: int) -> None:
        body, key = asked(number)
        first = teller.send(TRANSFERS, body, key)
        assert (first.status, first.is_hit, first.verdicts) == (200, False, [("accepted", False)])
        for _ in range(replays):
            again = teller.send(TRANSFERS, body, key)
            assert again.is_hit
            assert again.same(first)
        other = request({**body["transfers"][0], "amount_vnd": PRICE + 1})
        refused = teller.send(TRANSFERS, other, key)
        assert (refused.status, refused.json["code"]) == (422, "idempotency_key_reused")
        stranger = teller.send(TRANSFERS, body, key, who="somebody else")
        assert not stranger.is_hit
        assert stranger.verdicts == [("accepted", True)]

    with ThreadPoolExecutor(HANDS) as pool:
        list(pool.map(press, range(keys)))
    assert counter.house.one("SELECT count(*) FROM transfers WHERE credit_account = :id", id=SPENT.id) == keys
    assert counter.house.one("SELECT count(*) FROM idempotency_replies") == 2 * keys
    assert paid(counter) == keys * PRICE


def test_a_replay_is_the_first_reply_byte_for_byte(counter: Counter) -> None:
    ensure_replays_are_the_first_reply(counter, counter, keys=10, replays=3)


@FULL
@EARNEST
def test_twenty_thousand_replays_are_the_first_reply_byte_for_byte(counter: Counter, served: Branch) -> None:
    ensure_replays_are_the_first_reply(counter, served, keys=1_000, replays=20)


@pytest.mark.parametrize("rounds", [1, pytest.param(40, marks=[FULL, EARNEST])])
def test_of_fifty_at_once_with_one_key_one_is_carried_out(
    counter: Counter, served: Branch, rounds: int
) -> None:
    fill(counter.house, 4)
    with ThreadPoolExecutor(50) as pool:
        for number in range(rounds):
            gate = Barrier(50)

            def press(number: int = number, gate: Barrier = gate) -> Answer:
                gate.wait()
                return served.send(TRANSFERS, *asked(number))

            answers = [one.result() for one in [pool.submit(press) for _ in range(50)]]
            done = [one for one in answers if one.status == 200]
            assert len([one for one in done if not one.is_hit]) == 1
            assert all(one.same(done[0]) for one in done)
            waiting = [one for one in answers if one.status != 200]
            assert {(one.status, one.json["code"]) for one in waiting} <= {(409, "request_in_flight"), BUSY}
            assert paid(counter) == (number + 1) * PRICE


@pytest.mark.parametrize("kills", [1, pytest.param(15, marks=[FULL, EARNEST])])
def test_killed_between_commit_and_reply_the_retry_gives_the_stored_reply(
    counter: Counter, tmp_path: Path, kills: int
) -> None:
    fill(counter.house, 4)
    house = counter.house
    url = make_url(house.addresses.service)
    line = SwallowingLine(str(url.host), int(url.port or 5432))
    through = url.set(host="127.0.0.1", port=line.port).render_as_string(hide_password=False)
    with branch(house.addresses, tmp_path, UNITS, database_url=through) as api, ThreadPoolExecutor(1) as pool:
        for number in range(kills):
            body, key = asked(number)
            line.arm()
            unheard = pool.submit(api.send, TRANSFERS, body, key)
            wait_until(lambda: line.swallowed, what="a commit")
            wait_until(partial(house.one, KEPT, key=key), what="what the commit kept")
            api.kill()
            with pytest.raises(Unanswered):
                unheard.result(30)
            api.start()
            again = api.send(TRANSFERS, body, key)
            assert (again.status, again.is_hit, again.verdicts) == (200, True, [("accepted", False)])
            assert again.body == house.one("SELECT body FROM idempotency_replies WHERE key = :key", key=key)
            assert paid(counter) == (number + 1) * PRICE
    line.close()


KEPT = "SELECT 1 FROM idempotency_replies WHERE key = :key"


@pytest.mark.parametrize("count", [10, pytest.param(500, marks=[FULL, EARNEST])])
def test_without_its_key_an_id_still_pays_once_for_ever(counter: Counter, count: int) -> None:
    fill(counter.house, 4)
    long = "k" * 250
    bodies = [asked(number)[0] for number in range(count)]
    for number, body in enumerate(bodies):
        assert counter.send(TRANSFERS, body, f"{long}{number:05}").verdicts == [("accepted", False)]
    with counter.house.owner.begin() as connection:
        connection.execute(text("DELETE FROM idempotency_replies"))
    for number, body in enumerate(bodies):
        again = counter.send(TRANSFERS, body, f"{long}{number:05}")
        assert not again.is_hit
        assert again.verdicts == [("accepted", True)]
    counter.clock.advance(timedelta(days=31))
    for body in bodies:
        assert counter.send(TRANSFERS, body, str(new_id())).verdicts == [("conflict", False)]
    assert paid(counter) == count * PRICE


@pytest.mark.parametrize("count", [10, pytest.param(500, marks=[FULL, EARNEST])])
def test_what_lacked_money_stays_refused_under_its_id_and_what_was_faulty_burns_no_key(
    counter: Counter, count: int
) -> None:
    fill(counter.house, 1, amount=PRICE - 1)
    bodies = [asked(4 * number)[0] for number in range(count)]
    for number, body in enumerate(bodies):
        faulty = request({**body["transfers"][0], "amount_vnd": 0})
        assert counter.send(TRANSFERS, faulty, f"key-{number}").status == 422
        assert counter.send(TRANSFERS, body, f"key-{number}").verdicts == [("refused", False)]
    fill(counter.house, 1)
    for number, body in enumerate(bodies):
        assert counter.send(TRANSFERS, body, f"key-{number}").is_hit
        assert counter.send(TRANSFERS, body, f"other-{number}").verdicts == [("refused", True)]
    assert counter.house.one("SELECT count(*) FROM transfers WHERE credit_account = :id", id=SPENT.id) == 0


def test_a_key_has_at_most_255_characters(counter: Counter) -> None:
    fill(counter.house, 1)
    body, _ = asked(0)
    for key in (None, "", " ", "k" * 256):
        refused = counter.send(TRANSFERS, body, key)
        assert (refused.status, refused.json["code"]) == (400, "idempotency_key_missing")
    assert counter.send(TRANSFERS, body, "k" * 255).status == 200
