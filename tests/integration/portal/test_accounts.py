"""Accounts: the first of all, who may hold which roles, blocking, passwords."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest

from services.portal import first
from shared.kernel.ids import new_id
from tests.integration.portal.conftest import PASSWORD, PROVINCE, Account, Portal


def code_of(reply: Any, status: int) -> str:  # noqa: ANN401 - a reply
    assert reply.status_code == status, reply.get_data(as_text=True)
    return str(reply.get_json()["code"])


def test_the_first_administrators_password_lies_in_a_file_for_its_owner_alone(portal: Portal) -> None:
    path = portal.state / first.FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = json.loads(path.read_text())
    assert set(told) == {"username", "password", "totp_secret"}
    assert len(told["password"]) >= 20
    assert portal.sign_in(portal.administrator).status_code == 200


def test_no_password_stands_in_the_database_or_in_the_journal(portal: Portal) -> None:
    administrator = portal.administrator
    (row,) = portal.rows("SELECT password_hash FROM users")
    assert row.password_hash.startswith("$argon2id$")
    journal = b"".join(bytes(row.data) for row in portal.rows("SELECT data FROM journal"))
    assert administrator.password.encode() not in journal
    assert (administrator.totp_secret or "?").encode() not in journal


def test_there_is_a_first_administrator_only_once(portal: Portal) -> None:
    before = (portal.state / first.FILE_NAME).read_bytes()
    first.ensure_administrator(portal.unit_of_work, portal.factors, portal.state)
    assert (portal.state / first.FILE_NAME).read_bytes() == before
    assert portal.one("SELECT count(*) FROM users") == 1


def test_a_removed_password_file_brings_no_second_administrator(portal: Portal) -> None:
    (portal.state / first.FILE_NAME).unlink()
    first.ensure_administrator(portal.unit_of_work, portal.factors, portal.state)
    assert not (portal.state / first.FILE_NAME).exists()
    assert portal.one("SELECT count(*) FROM users") == 1


def test_the_notifying_service_has_an_account_of_its_own_once(portal: Portal) -> None:
    for _ in range(2):
        first.ensure_notifications_account(portal.unit_of_work, portal.factors, portal.state)
    path = portal.state / first.NOTIFICATIONS_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = json.loads(path.read_text())
    assert portal.sign_in(Account("", **told)).status_code == 200
    assert portal.one("SELECT kind FROM users WHERE username = :name", name=told["username"]) == "service"


def test_an_account_is_told_with_its_roles_and_without_its_name(portal: Portal, boss: str) -> None:
    account = portal.hire(boss, "lan", "finance_officer", email="lan@demo.example", phone="0900000001")
    told = portal.journal("users.created")[-1]
    assert told["user_id"] == account.user_id
    assert told["assignments"] == [
        {"role": "finance_officer", "unit_id": PROVINCE, "from_on": "2024-01-01", "to_on": None}
    ]
    assert "lan" not in json.dumps({**told, "assignments": []}).replace(account.user_id, "")


@pytest.mark.parametrize(
    "role", ["finance_approver", "head", "benefit_approver", "inspector", "administrator"]
)
def test_who_checks_or_inspects_gets_an_authenticator(portal: Portal, boss: str, role: str) -> None:
    account = portal.hire(boss, "lan", role)
    assert account.totp_secret is not None
    assert portal.sign_in(account).status_code == 200


@pytest.mark.parametrize("role", ["finance_officer", "benefit_officer", "accountant"])
def test_who_prepares_needs_none(portal: Portal, boss: str, role: str) -> None:
    assert portal.hire(boss, "lan", role).totp_secret is None


@pytest.mark.parametrize(
    "roles",
    [
        ("finance_officer", "finance_approver"),
        ("finance_officer", "head"),
        ("finance_approver", "head"),
        ("benefit_officer", "benefit_approver"),
        ("inspector", "accountant"),
        ("administrator", "inspector"),
    ],
)
def test_nobody_holds_both_of_two_roles_that_check_each_other(
    portal: Portal, boss: str, roles: tuple[str, ...]
) -> None:
    reply = portal.create(boss, "lan", *roles)
    assert code_of(reply, 403) == "roles_incompatible"
    assert all(role in reply.get_json()["detail"] for role in roles)
    assert portal.one("SELECT count(*) FROM users WHERE username = 'lan'") == 0


def test_a_role_that_does_not_exist_is_answered_with_those_that_do(portal: Portal, boss: str) -> None:
    reply = portal.create(boss, "lan", "emperor")
    assert code_of(reply, 422) == "role_unknown"
    assert "finance_officer" in reply.get_json()["detail"]


def test_a_user_name_is_given_once(portal: Portal, boss: str) -> None:
    portal.hire(boss, "lan", "finance_officer")
    assert code_of(portal.create(boss, "lan", "accountant"), 409) == "username_taken"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"email": "no address"}, "/email"),
        ({"phone": "call me"}, "/phone"),
        ({"language": "fr"}, "/language"),
        ({"kind": "robot"}, "/kind"),
        ({"username": ""}, "/username"),
        ({"is_admin": True}, "/is_admin"),
        ({"assignments": [{"role": "head", "unit_id": PROVINCE}]}, "/assignments/0/from_on"),
    ],
)
def test_an_account_that_cannot_be_read_names_its_field(
    portal: Portal, boss: str, change: dict[str, Any], pointer: str
) -> None:
    reply = portal.create(boss, "lan", "head", **change)
    assert code_of(reply, 422) == "request_invalid"
    assert [one["pointer"] for one in reply.get_json()["errors"]] == [pointer]


def test_a_short_password_is_refused(portal: Portal, boss: str) -> None:
    assert code_of(portal.create(boss, "lan", "head", password="short"), 422) == "password_weak"


def test_only_an_administrator_makes_accounts(portal: Portal, boss: str) -> None:
    token = portal.access(portal.hire(boss, "lan", "finance_officer"))
    assert code_of(portal.create(token, "minh", "head"), 403) == "permission_missing"
    (told,) = portal.journal("access.attempt_refused")
    assert (told["permission"], told["code"]) == ("users.manage", "permission_missing")


def test_a_blocked_account_is_out_at_once(portal: Portal, boss: str) -> None:
    account = portal.hire(boss, "lan", "finance_officer")
    opened = portal.tokens(account)
    assert portal.ask("POST", f"/v1/users/{account.user_id}/block", boss).status_code == 204
    assert code_of(portal.sign_in(account), 401) == "credentials_wrong"
    again = portal.ask("POST", "/v1/tokens/refresh", json={"refresh_token": opened["refresh_token"]})
    assert code_of(again, 401) == "session_over"
    assert portal.journal("users.blocked") == [{"user_id": account.user_id}]
    assert (
        portal.one(
            "SELECT count(*) FROM sessions WHERE user_id = :id AND ended_at IS NULL", id=account.user_id
        )
        == 0
    )


def test_blocking_twice_or_nobody_is_not_found(portal: Portal, boss: str) -> None:
    account = portal.hire(boss, "lan", "finance_officer")
    path = f"/v1/users/{account.user_id}/block"
    assert [portal.ask("POST", path, boss).status_code for _ in range(2)] == [204, 404]
    assert portal.ask("POST", f"/v1/users/{new_id()}/block", boss).status_code == 404


def test_a_new_password_takes_the_place_of_the_old(portal: Portal, boss: str) -> None:
    account = portal.hire(boss, "lan", "finance_officer")
    token = portal.access(account)
    body = {"current": PASSWORD, "new": "một mật khẩu mới"}
    assert portal.ask("PUT", "/v1/users/me/password", token, json=body).status_code == 204
    assert code_of(portal.sign_in(account), 401) == "credentials_wrong"
    assert portal.sign_in(account, password="một mật khẩu mới").status_code == 200
    assert portal.journal("users.password_changed") == [{"user_id": account.user_id}]


def test_a_new_password_ends_every_session_under_the_old_one(portal: Portal, boss: str) -> None:
    account = portal.hire(boss, "lan", "finance_officer")
    stolen, own = portal.tokens(account), portal.tokens(account)
    body = {"current": PASSWORD, "new": "một mật khẩu mới"}
    portal.ask("PUT", "/v1/users/me/password", own["access_token"], json=body)
    for tokens in (stolen, own):
        reply = portal.ask("POST", "/v1/tokens/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert code_of(reply, 401) == "session_over"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"current": "wrong password", "new": "một mật khẩu mới"}, 403, "password_wrong"),
        ({"current": PASSWORD, "new": "short"}, 422, "password_weak"),
    ],
)
def test_a_password_is_not_changed_without_the_old_or_to_a_weak_one(
    portal: Portal, boss: str, body: dict[str, str], status: int, code: str
) -> None:
    account = portal.hire(boss, "lan", "finance_officer")
    reply = portal.ask("PUT", "/v1/users/me/password", portal.access(account), json=body)
    assert code_of(reply, status) == code
    assert portal.sign_in(account).status_code == 200
