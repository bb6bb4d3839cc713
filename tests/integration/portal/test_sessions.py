"""Signing in, going on, signing out; and what the tokens say to the services that trust them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from services.portal.sessions import handlers
from services.portal.users import secrets
from shared.kernel.ids import new_id
from shared.web.auth import TokenVerifier, Unauthenticated
from tests.integration.portal.conftest import AUDIENCE, ISSUER, PROVINCE, Account, Portal
from tests.integration.portal.test_accounts import code_of


def refreshed(portal: Portal, refresh_token: str) -> Any:  # noqa: ANN401 - a reply
    return portal.ask("POST", "/v1/tokens/refresh", json={"refresh_token": refresh_token})


@pytest.fixture
def officer(portal: Portal, boss: str) -> Account:
    return portal.hire(boss, "lan", "finance_officer")


@pytest.fixture
def head(portal: Portal, boss: str) -> Account:
    return portal.hire(boss, "ha", "head")


def test_a_sign_in_is_kept_in_the_trail_and_not_in_the_events(portal: Portal, head: Account) -> None:
    portal.tokens(head)
    told = portal.journal("sessions.signed_in")[-1]
    assert (told["user_id"], told["second_factor"]) == (head.user_id, True)
    topics = portal.rows("SELECT DISTINCT topic FROM journal WHERE type LIKE '%sessions%'")
    assert [row.topic for row in topics] == ["trail"]


def test_services_know_the_person_by_the_published_keys_alone(portal: Portal, head: Account) -> None:
    token = portal.access(head)
    published = portal.ask("GET", "/.well-known/jwks.json").get_json()
    principal = TokenVerifier(ISSUER, AUDIENCE, lambda: published, portal.clock).verify(token)
    assert (principal.subject, principal.name) == (head.user_id, "Cán bộ ha")
    assert principal.units_for("decisions.issue") == (PROVINCE,)
    assert principal.units_for("decisions.draft") == ()


def test_the_published_keys_hold_no_secret(portal: Portal) -> None:
    (key,) = portal.ask("GET", "/.well-known/jwks.json").get_json()["keys"]
    assert (key["kty"], key["alg"], key["use"]) == ("EC", "ES256", "sig")
    assert "d" not in key


def test_a_token_is_good_for_a_quarter_of_an_hour(portal: Portal, officer: Account) -> None:
    tokens = portal.tokens(officer)
    assert tokens["expires_in_s"] == 900
    portal.clock.advance(timedelta(minutes=14, seconds=59))
    portal.verifier.verify(tokens["access_token"])
    portal.clock.advance(timedelta(seconds=2))
    with pytest.raises(Unauthenticated):
        portal.verifier.verify(tokens["access_token"])


@pytest.mark.parametrize("forged", ["other key", "no signature", "other issuer", "other audience"])
def test_a_token_of_anybody_else_is_worth_nothing(portal: Portal, officer: Account, forged: str) -> None:
    now = int(portal.clock.now().timestamp())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": officer.user_id, "exp": now + 600, "grants": {}}
    key = portal.issuer.key
    if forged == "other key":
        token = jwt.encode({"alg": "ES256"}, claims, ECKey.generate_key("P-256"))
    elif forged == "no signature":
        token = portal.access(officer).rpartition(".")[0] + "."
    elif forged == "other issuer":
        token = jwt.encode({"alg": "ES256"}, claims | {"iss": "https://elsewhere.test"}, key)
    else:
        token = jwt.encode({"alg": "ES256"}, claims | {"aud": "somebody"}, key)
    with pytest.raises(Unauthenticated):
        portal.verifier.verify(token)


@pytest.mark.parametrize("change", [{"password": "something else"}, {"username": "nobody"}])
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(
    portal: Portal, officer: Account, change: dict[str, str]
) -> None:
    body = portal.sign_in(officer, **change).get_json()
    assert body["status"] == 401
    assert (body["code"], body["detail"]) == (
        "credentials_wrong",
        "User name, password or code is not right.",
    )


def test_an_unknown_name_costs_a_hash_too(
    portal: Portal, officer: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def refuse(stored: str, _: str) -> bool:
        hashed.append(stored)
        return False

    monkeypatch.setattr(secrets, "matches", refuse)
    for username in ("nobody", officer.username):
        portal.sign_in(officer, username=username)
    assert len(hashed) == 2
    assert all(one.startswith("$argon2id$") for one in hashed)


def test_a_failure_is_kept_in_the_trail_with_the_account_where_there_is_one(
    portal: Portal, officer: Account
) -> None:
    portal.sign_in(officer, password="something else")
    portal.sign_in(officer, username="nobody")
    assert portal.journal("sessions.sign_in_failed") == [
        {"user_id": officer.user_id, "code": "credentials_wrong"},
        {"user_id": "nobody", "code": "credentials_wrong"},
    ]


def test_after_five_failures_even_the_right_password_has_to_wait(portal: Portal, officer: Account) -> None:
    for _ in range(handlers.FAILURES_FREE):
        assert portal.sign_in(officer, password="something else").status_code == 401
    reply = portal.sign_in(officer)
    assert code_of(reply, 429) == "too_many_failures"
    assert 1 <= int(reply.headers["Retry-After"]) <= 31
    portal.clock.advance(timedelta(seconds=31))
    assert portal.sign_in(officer).status_code == 200


def test_each_further_failure_doubles_the_wait_up_to_a_quarter_of_an_hour(
    portal: Portal, officer: Account
) -> None:
    waits = []
    for _ in range(handlers.FAILURES_FREE - 1):
        portal.sign_in(officer, password="something else")
    for _ in range(8):
        portal.sign_in(officer, password="something else")
        waits.append(int(portal.sign_in(officer).headers["Retry-After"]) - 1)
        portal.clock.advance(timedelta(minutes=16))
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_the_wait_is_still_there_after_a_hundred_failures(portal: Portal, officer: Account) -> None:
    portal.sign_in(officer, password="something else")
    with portal.owner.begin() as connection:
        connection.exec_driver_sql("UPDATE sign_in_failures SET failures = 99")
    assert portal.sign_in(officer, password="something else").status_code == 401
    reply = portal.sign_in(officer)
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "901")


def test_a_success_ends_the_count(portal: Portal, officer: Account) -> None:
    for _ in range(3):
        for _ in range(handlers.FAILURES_FREE - 1):
            portal.sign_in(officer, password="something else")
        assert portal.sign_in(officer).status_code == 200
    assert portal.one("SELECT count(*) FROM sign_in_failures") == 0


def test_failures_of_one_account_do_not_hold_another(portal: Portal, officer: Account, head: Account) -> None:
    for _ in range(handlers.FAILURES_FREE):
        portal.sign_in(officer, password="something else")
    assert portal.sign_in(head).status_code == 200


def test_an_approver_needs_the_six_digits(portal: Portal, head: Account) -> None:
    assert code_of(portal.sign_in(head, totp=None), 401) == "totp_needed"
    wrong = f"{(int(portal.code(head) or 0) + 1) % 1_000_000:06d}"
    assert code_of(portal.sign_in(head, totp=wrong), 401) == "credentials_wrong"


def test_a_code_is_good_once(portal: Portal, head: Account) -> None:
    assert portal.sign_in(head).status_code == 200
    assert code_of(portal.sign_in(head), 401) == "totp_used"
    portal.clock.advance(timedelta(seconds=30))
    assert portal.sign_in(head).status_code == 200


def test_a_code_of_the_step_before_is_taken_and_an_older_one_is_not(portal: Portal, head: Account) -> None:
    shown = portal.code(head)
    portal.clock.advance(timedelta(seconds=30))
    assert portal.sign_in(head, totp=shown).status_code == 200
    old = portal.code(head)
    portal.clock.advance(timedelta(seconds=61))
    assert code_of(portal.sign_in(head, totp=old), 401) == "credentials_wrong"


def test_the_right_code_does_not_help_a_wrong_password(portal: Portal, head: Account) -> None:
    assert code_of(portal.sign_in(head, password="something else"), 401) == "credentials_wrong"
    assert portal.sign_in(head).status_code == 200, "and the code is not used up by it"


@pytest.mark.parametrize("totp", ["12345", "1234567", "12345a", "\u0661\u0662\u0663\u0664\u0665\u0666"])
def test_a_code_has_six_digits(portal: Portal, head: Account, totp: str) -> None:
    assert code_of(portal.sign_in(head, totp=totp), 422) == "request_invalid"


def test_a_session_goes_on_with_new_tokens_and_the_old_one_is_worth_nothing(
    portal: Portal, officer: Account
) -> None:
    first = portal.tokens(officer)
    second = refreshed(portal, first["refresh_token"])
    assert second.status_code == 200
    assert second.get_json()["refresh_token"] != first["refresh_token"]
    portal.verifier.verify(second.get_json()["access_token"])
    assert code_of(refreshed(portal, first["refresh_token"]), 401) == "session_over"


def test_a_session_ends_after_half_a_day(portal: Portal, officer: Account) -> None:
    token = portal.tokens(officer)["refresh_token"]
    portal.clock.advance(timedelta(hours=11, minutes=59))
    token = refreshed(portal, token).get_json()["refresh_token"]
    portal.clock.advance(timedelta(minutes=2))
    assert code_of(refreshed(portal, token), 401) == "session_over"


def test_signing_out_ends_the_session_and_doing_it_twice_does_no_harm(
    portal: Portal, officer: Account
) -> None:
    body = {"refresh_token": portal.tokens(officer)["refresh_token"]}
    for _ in range(2):
        assert portal.ask("POST", "/v1/tokens/revocation", json=body).status_code == 204
    assert code_of(refreshed(portal, body["refresh_token"]), 401) == "session_over"
    assert len(portal.journal("sessions.signed_out")) == 1


def test_an_invented_refresh_token_opens_nothing(portal: Portal) -> None:
    assert code_of(refreshed(portal, "x" * 43), 401) == "session_over"


def test_no_refresh_token_stands_in_the_database(portal: Portal, officer: Account) -> None:
    token = portal.tokens(officer)["refresh_token"]
    stored = [row.refresh_hash for row in portal.rows("SELECT refresh_hash FROM sessions")]
    assert token not in stored
    assert all(len(one) == 64 for one in stored)


def test_a_role_is_held_from_its_first_day_to_its_last(portal: Portal, boss: str) -> None:
    dates = [("2024-08-05", "2024-08-06"), ("2024-08-06", None), ("2023-01-01", "2024-08-04")]
    roles = ("finance_officer", "accountant", "benefit_officer")
    held = [
        {"role": role, "unit_id": PROVINCE, "from_on": first, "to_on": last}
        for role, (first, last) in zip(roles, dates, strict=True)
    ]
    account = portal.hire(boss, "lan", assignments=held)

    def holds() -> set[str]:
        principal = portal.verifier.verify(portal.access(account))
        marks = {
            "decisions.draft": "finance_officer",
            "ledger.transfer": "accountant",
            "lists.submit": "benefit_officer",
        }
        return {role for permission, role in marks.items() if principal.units_for(permission)}

    assert holds() == {"finance_officer"}
    portal.clock.advance(timedelta(days=1))
    assert holds() == {"finance_officer", "accountant"}
    portal.clock.advance(timedelta(days=1))
    assert holds() == {"accountant"}


def test_a_permission_names_every_unit_it_is_held_for_once(portal: Portal, boss: str) -> None:
    first, second = str(new_id()), str(new_id())
    held = [
        {"role": role, "unit_id": unit, "from_on": "2024-01-01"}
        for role, unit in (("finance_officer", first), ("accountant", first), ("accountant", second))
    ]
    principal = portal.verifier.verify(portal.access(portal.hire(boss, "lan", assignments=held)))
    assert principal.units_for("units.read") == (first, second)
    assert principal.units_for("decisions.draft") == (first,)
    assert principal.units_for("ledger.transfer") == (first, second)


def test_a_role_given_meanwhile_shows_after_the_next_refresh(portal: Portal, officer: Account) -> None:
    tokens = portal.tokens(officer)
    with portal.owner.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO assignments (user_id, role, unit_id, from_on) VALUES "
            f"('{officer.user_id}', 'accountant', '{PROVINCE}', '2024-08-01')"
        )
    assert portal.verifier.verify(tokens["access_token"]).units_for("ledger.transfer") == ()
    token = refreshed(portal, tokens["refresh_token"]).get_json()["access_token"]
    assert portal.verifier.verify(token).units_for("ledger.transfer") == (PROVINCE,)
