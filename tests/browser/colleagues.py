"""Colleagues of the demonstration: who signs at one screen does not wait for a code used at another."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.demo.client import Account, Addresses, Person
from deploy.demo.staff import Staff, posts
from tests.browser.codes import next_code
from tests.browser.desk import account_in
from tests.browser.turns import in_turn

AT_EACH_LANGUAGE = ("td.taichinh", "ld.ubnd", "thanhtra")  # on the main path
AT_EACH_PROCESS = ("ctv.taichinh", "td.taichinh", "ld.ubnd", "cs.so", "duyet.so")


@dataclass(slots=True, kw_only=True)
class Asker(Person):
    """One account at the APIs, whose codes nobody at a screen uses too."""

    home: Path

    def code(self, secret: str) -> str:
        return next_code(self.home, self.account.username, secret)


def asker(home: Path, username: str) -> Asker:
    """Somebody of the instance."""
    told = account_in(home, username)
    account = Account(told["username"], told["password"], told["totp_secret"])
    return Asker(addresses_of(home), account, home=home)


def addresses_of(home: Path) -> Addresses:
    """Where the services of a running instance are."""
    told = json.loads((home / "run.json").read_text())["addresses"]
    return Addresses(**{name: told[name] for name in Addresses.__dataclass_fields__})


def colleague(username: str, screen: str) -> str:
    """Who has the same roles, for one of the screens."""
    return f"{username}.{screen}"


def here(username: str) -> str:
    """Who has the same roles, and uses their codes in this process of the tests alone."""
    return colleague(username, os.environ.get("PYTEST_XDIST_WORKER", "alone"))


def hire(home: Path) -> None:
    """Every colleague has an account; once, however many of the tests' processes begin."""
    with in_turn(home, "colleagues"):
        officer = asker(home, "ctv.taichinh")
        province = officer.get("allocation", "/v1/units", on="2024-08-01", level=1)["items"][0]["id"]
        processes = [f"gw{number}" for number in range(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")))]
        screens = {
            **dict.fromkeys(("vi", "en"), AT_EACH_LANGUAGE),
            **dict.fromkeys(processes or ["alone"], AT_EACH_PROCESS),
        }
        wanted = [
            replace(post, username=colleague(post.username, screen), phone=None)
            for screen, usernames in screens.items()
            for post in posts(province, ())
            if post.username in usernames
        ]
        Staff(addresses_of(home), home / "demo").hire(asker(home, "admin"), wanted)
