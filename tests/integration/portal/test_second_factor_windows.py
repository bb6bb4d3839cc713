"""Codes in time and out of it, guesses by the thousand, refresh tokens twice, and two at once."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.portal.roles.model import INCOMPATIBLE, catalogue
from services.portal.sessions import handlers
from services.portal.sessions.tokens import SESSION_LIFETIME
from shared.kernel.ids import id_of, new_id
from tests.integration.portal.conftest import PASSWORD, PROVINCE, Account, Portal
from tests.integration.portal.test_accounts import code_of
from tests.integration.portal.test_sessions import refreshed

WRONG = "không phải mật khẩu"
DISTRICT = str(id_of("test-unit", "district"))


@pytest.fixture
def officer(portal: Portal, boss: str) -> Account:
    return portal.hire(boss, "lan", "finance_officer")


@pytest.fixture
def head(portal: Portal, boss: str) -> Account:
    return portal.hire(boss, "ha", "head")


def code_at(portal: Portal, account: Account, seconds: int) -> str:
    """What the authenticator shows some seconds from now."""
    portal.clock.advance(timedelta(seconds=seconds))
    shown = portal.code(account)
    portal.clock.advance(timedelta(seconds=-seconds))
    assert shown is not None
    return shown


def at_the_begin_of_a_step(portal: Portal) -> None:
    now = int(portal.clock.now().timestamp())
    portal.clock.advance(timedelta(seconds=(-now) % 30))


@pytest.mark.parametrize(
    ("shown_s", "now_s", "status"),
    [
        (0, 0, 200),
        (0, 29, 200),
        (0, 30, 200),
        (0, 59, 200),
        (0, 60, 401),
        (0, 90, 401),
        (0, 3600, 401),
        (29, 30, 200),
        (30, 0, 401),
        (60, 30, 401),
        (3600, 0, 401),
    ],
)
def test_a_code_is_good_in_its_step_and_the_one_after(
    portal: Portal, head: Account, shown_s: int, now_s: int, status: int
) -> None:
    at_the_begin_of_a_step(portal)
    shown = code_at(portal, head, shown_s)
    portal.clock.advance(timedelta(seconds=now_s))
    assert portal.sign_in(head, totp=shown).status_code == status


def test_after_the_newer_code_the_older_one_is_used_up_too(portal: Portal, head: Account) -> None:
    at_the_begin_of_a_step(portal)
    older = code_at(portal, head, 0)
    portal.clock.advance(timedelta(seconds=30))
    assert portal.sign_in(head).status_code == 200
    assert code_of(portal.sign_in(head, totp=older), 401) == "totp_used"


def test_a_used_code_counts_as_a_failure_and_is_told_to_the_trail(portal: Portal, head: Account) -> None:
    assert portal.sign_in(head).status_code == 200
    assert code_of(portal.sign_in(head), 401) == "totp_used"
    assert portal.one("SELECT failures FROM sign_in_failures WHERE username = 'ha'") == 1
    assert portal.journal("sessions.sign_in_failed")[-1] == {"user_id": head.user_id, "code": "totp_used"}


def test_one_code_used_by_two_at_once_opens_one_session(portal: Portal, head: Account) -> None:
    before = portal.one("SELECT count(*) FROM sessions")
    gate, statuses = threading.Barrier(4), Counter[int]()

    def run() -> None:
        gate.wait()
        statuses[portal.sign_in(head).status_code] += 1

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses[200] == 1
    assert statuses[200] + statuses[401] + statuses[429] == 4
    assert portal.one("SELECT count(*) FROM sessions") == before + 1


def test_codes_cannot_be_guessed_one_after_the_other(portal: Portal, head: Account) -> None:
    right = portal.code(head)
    guesses = (f"{number:06d}" for number in range(1_000_000))
    answers = Counter[int]()
    for _ in range(40):
        guess = next(one for one in guesses if one != right)
        answers[portal.sign_in(head, totp=guess).status_code] += 1
    assert answers[401] == handlers.FAILURES_FREE
    assert answers[429] == 40 - handlers.FAILURES_FREE
    assert portal.sign_in(head, totp=right).status_code == 429


def test_waiting_attempts_are_not_counted_and_make_no_wait_longer(portal: Portal, officer: Account) -> None:
    for _ in range(handlers.FAILURES_FREE):
        portal.sign_in(officer, password=WRONG)
    for _ in range(20):
        assert portal.sign_in(officer, password=WRONG).status_code == 429
    assert portal.one("SELECT failures FROM sign_in_failures") == handlers.FAILURES_FREE
    portal.clock.advance(handlers.WAIT_FIRST + timedelta(seconds=1))
    assert portal.sign_in(officer).status_code == 200


def test_a_name_that_nobody_has_is_held_back_like_any_other(portal: Portal) -> None:
    nobody = Account("", "nobody")
    statuses = [portal.sign_in(nobody).status_code for _ in range(handlers.FAILURES_FREE + 3)]
    assert statuses == [401] * handlers.FAILURES_FREE + [429] * 3


@pytest.mark.parametrize("name", ["LAN", "lan ", " lan", "l\u0061n\u0301", "lan\u200b"])
def test_a_name_written_otherwise_is_another_name(portal: Portal, officer: Account, name: str) -> None:
    assert code_of(portal.sign_in(officer, username=name), 401) == "credentials_wrong"


@pytest.mark.parametrize(
    "password", [PASSWORD + " ", " " + PASSWORD, PASSWORD.upper(), PASSWORD[:-1], PASSWORD.replace("ậ", "a")]
)
def test_a_password_is_taken_to_the_letter(portal: Portal, officer: Account, password: str) -> None:
    assert code_of(portal.sign_in(officer, password=password), 401) == "credentials_wrong"


def test_failures_at_once_are_all_counted(portal: Portal, officer: Account) -> None:
    gate = threading.Barrier(4)

    def run() -> None:
        gate.wait()
        portal.sign_in(officer, password=WRONG)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert portal.one("SELECT failures FROM sign_in_failures") == 4


# --- sessions ------------------------------------------------------------------------------------


def test_a_refresh_token_used_twice_at_once_is_good_for_one(portal: Portal, officer: Account) -> None:
    token = portal.tokens(officer)["refresh_token"]
    gate, replies = threading.Barrier(6), list[Any]()

    def run() -> None:
        gate.wait()
        replies.append(refreshed(portal, token))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    good = [reply for reply in replies if reply.status_code == 200]
    assert len(good) == 1
    assert {reply.get_json()["code"] for reply in replies if reply.status_code != 200} == {"session_over"}
    assert refreshed(portal, good[0].get_json()["refresh_token"]).status_code == 200


def test_a_long_chain_of_refreshes_is_one_session_with_its_first_end(
    portal: Portal, officer: Account
) -> None:
    told = portal.tokens(officer)
    ends: set[datetime] = set()
    for _ in range(11):
        portal.clock.advance(timedelta(hours=1))
        reply = refreshed(portal, told["refresh_token"])
        assert reply.status_code == 200
        told = reply.get_json()
        ends.update(row.expires_at for row in portal.rows("SELECT expires_at FROM sessions"))
    portal.clock.advance(timedelta(hours=1))
    assert code_of(refreshed(portal, told["refresh_token"]), 401) == "session_over"
    assert len(ends) == 1, "no refresh moves the end of a session"


@pytest.mark.parametrize(
    ("age", "status"),
    [
        (SESSION_LIFETIME - timedelta(seconds=1), 200),
        (SESSION_LIFETIME, 401),
        (SESSION_LIFETIME + timedelta(days=1), 401),
    ],
    ids=["a second before", "at the end", "a day later"],
)
def test_a_session_ends_at_its_second(portal: Portal, officer: Account, age: timedelta, status: int) -> None:
    token = portal.tokens(officer)["refresh_token"]
    portal.clock.advance(age)
    assert refreshed(portal, token).status_code == status


def test_signing_out_of_one_session_leaves_the_others(portal: Portal, officer: Account) -> None:
    here, there = portal.tokens(officer), portal.tokens(officer)
    out = portal.ask("POST", "/v1/tokens/revocation", json={"refresh_token": here["refresh_token"]})
    assert out.status_code == 204
    assert refreshed(portal, here["refresh_token"]).status_code == 401
    assert refreshed(portal, there["refresh_token"]).status_code == 200
    assert [fact["user_id"] for fact in portal.journal("sessions.signed_out")] == [officer.user_id]


def test_signing_out_with_a_token_that_was_used_up_ends_nothing(portal: Portal, officer: Account) -> None:
    first = portal.tokens(officer)["refresh_token"]
    second = refreshed(portal, first).get_json()["refresh_token"]
    assert portal.ask("POST", "/v1/tokens/revocation", json={"refresh_token": first}).status_code == 204
    assert refreshed(portal, second).status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"refresh_token": ""}, {"refresh_token": 7}, {"refresh_token": "x" * 201}]
)
def test_a_refresh_that_makes_no_sense_names_its_field(portal: Portal, body: dict[str, Any]) -> None:
    for path in ("/v1/tokens/refresh", "/v1/tokens/revocation"):
        reply = portal.ask("POST", path, json=body)
        assert reply.status_code == 422
        assert [fault["pointer"] for fault in reply.get_json()["errors"]] == ["/refresh_token"]


# --- roles ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", sorted(map(sorted, INCOMPATIBLE)), ids="-".join)
def test_no_account_is_made_with_two_roles_that_check_each_other(
    portal: Portal, boss: str, pair: list[str]
) -> None:
    before = portal.one("SELECT count(*) FROM users")
    for order in (pair, pair[::-1]):
        reply = portal.create(boss, "lan", *order)
        assert code_of(reply, 403) == "roles_incompatible"
        assert all(name in reply.get_json()["detail"] for name in pair)
    assert portal.one("SELECT count(*) FROM users") == before
    assert portal.journal("access.attempt_refused")[-1]["code"] == "roles_incompatible"


def test_the_same_pair_in_two_units_is_refused_as_well(portal: Portal, boss: str) -> None:
    held = [
        {"role": "finance_officer", "unit_id": PROVINCE, "from_on": "2024-01-01"},
        {"role": "finance_approver", "unit_id": DISTRICT, "from_on": "2024-01-01"},
    ]
    assert code_of(portal.create(boss, "lan", assignments=held), 403) == "roles_incompatible"


@pytest.mark.parametrize("role", sorted(catalogue()))
def test_every_role_gives_just_its_permissions_for_just_its_unit(
    portal: Portal, boss: str, role: str
) -> None:
    held = [{"role": role, "unit_id": DISTRICT, "from_on": "2024-01-01"}]
    account = portal.hire(boss, "lan", assignments=held)
    found = portal.verifier.verify(portal.access(account))
    assert found.grants == dict.fromkeys(catalogue()[role].permissions, (DISTRICT,))
    assert (account.totp_secret is not None) == catalogue()[role].totp


@pytest.mark.parametrize(
    ("first", "last", "holds"),
    [
        ("2024-08-05", None, True),
        ("2024-08-05", "2024-08-05", True),
        ("2024-08-06", None, False),
        ("2024-01-01", "2024-08-04", False),
        ("2000-01-01", "2099-12-31", True),
    ],
)
def test_a_role_is_held_on_its_days_only(
    portal: Portal,
    boss: str,
    first: str,
    last: str | None,
    holds: bool,  # noqa: FBT001 - a table
) -> None:
    held = [{"role": "finance_officer", "unit_id": DISTRICT, "from_on": first, "to_on": last}]
    account = portal.hire(boss, "lan", assignments=held)
    found = portal.verifier.verify(portal.access(account))
    assert ("decisions.draft" in found.grants) is holds


# --- accounts of services ------------------------------------------------------------------------


def test_a_service_signs_in_like_a_person_and_may_only_what_its_role_says(portal: Portal, boss: str) -> None:
    service = portal.hire(boss, "machine", "service_notifications", kind="service")
    assert service.totp_secret is None
    token = portal.access(service)
    assert portal.ask("GET", "/v1/contacts?permission=decisions.issue", token).status_code == 200
    assert code_of(portal.create(token, "lan", "finance_officer"), 403) == "permission_missing"
    assert portal.ask("POST", f"/v1/users/{new_id()}/block", token).status_code == 403


def test_a_service_that_was_blocked_is_out_at_its_next_refresh(portal: Portal, boss: str) -> None:
    service = portal.hire(boss, "machine", "service_notifications", kind="service")
    told = portal.tokens(service)
    assert portal.ask("POST", f"/v1/users/{service.user_id}/block", boss).status_code == 204
    assert code_of(refreshed(portal, told["refresh_token"]), 401) == "session_over"
    assert code_of(portal.sign_in(service), 401) == "credentials_wrong"


@pytest.mark.parametrize("kind", ["robot", "", None, 7, "PERSON"])
def test_an_account_is_a_persons_or_a_services(portal: Portal, boss: str, kind: object) -> None:
    reply = portal.create(boss, "machine", "service_notifications", kind=kind)
    assert reply.status_code == 422
    assert [fault["pointer"] for fault in reply.get_json()["errors"]] == ["/kind"]
