"""How long pages take to answer on an instance of 20,000 persons: whole requests, one after the other."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator

import requests

from tests.bench.harness import Bench, Goal, Lap
from tests.bench.site import Site
from tests.browser.codes import next_code
from tests.browser.conftest import asking
from tests.browser.desk import account_in
from tests.browser.known.knowing import Known
from tests.browser.test_every_page import everything_known
from tests.e2e.instance import PERSONS, Instance, fresh_instance

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
TIMES = 7  # each page, of which the middle one counts
DEMO_S = 600


def take(site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """Every page of the portal, and the slowest of them."""
    with fresh_instance() as instance:
        with instance.demo(max(size, PERSONS)) as demo:  # with fewer, some pages have nothing to show
            if demo.finish(DEMO_S) != 0:
                raise AssertionError(demo.story())
        known = everything_known(asking(instance.home.root))
        people: dict[str | None, requests.Session] = {}
        for _ in range(rounds):
            taken = {name: _seconds(instance, people, one) for name, one in known.items()}
            slowest = max(taken, key=lambda name: taken[name])
            yield Lap("slowest", taken[slowest])
            yield Lap("median", statistics.median(taken.values()))


def _seconds(instance: Instance, people: dict[str | None, requests.Session], one: Known) -> float:
    base = str(instance.run_facts()["pages"])
    if one.username not in people:
        people[one.username] = _signed_in(instance, base, one.username)
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        reply = people[one.username].get(base + one.path, timeout=60)
        taken.append(time.perf_counter() - began)
        if one.fact not in reply.text:
            raise AssertionError(f"{one.path} does not show {one.fact}")
    return statistics.median(taken)


def _signed_in(instance: Instance, base: str, username: str | None) -> requests.Session:
    session = requests.Session()
    if username is None:
        return session
    home = instance.home.root
    account = account_in(home, username)
    form = TOKEN.search(session.get(f"{base}/sign-in", timeout=60).text)
    secret = account.get("totp_secret")
    fields = {
        "csrf_token": form[1] if form else "",
        "username": account["username"],
        "password": account["password"],
        "totp": next_code(home, username, secret) if secret else "",
    }
    if "/sign-in" in session.post(f"{base}/sign-in", data=fields, timeout=60).url:
        raise AssertionError(f"{username} could not sign in")
    return session


BENCHES = (
    Bench(
        "pages",
        20_000,
        take,
        (
            Goal("slowest", "the slowest page of the portal", within=0.3, grows=False),
            Goal("median", "a page of the portal", grows=False),
        ),
        shares=(1,),
    ),
)
