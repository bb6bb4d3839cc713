"""Second factors are sealed in the database, under a key that lies outside it."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from services.portal.start import ensure_keys
from services.portal.users.factors import KEY_FILE, Factors, load_factors
from shared.kernel.sealing import PREFIX, Sealer
from shared.settings import SettingMissing
from tests.integration.portal.conftest import Account, Portal

TOTP_ROLES = ("administrator", "finance_approver", "head", "benefit_approver", "inspector")


@pytest.fixture
def head(portal: Portal, boss: str) -> Account:
    return portal.hire(boss, "ha", "head")


def everything(portal: Portal) -> str:
    """All that stands in every table of the portal, as text."""
    tables = [
        row.name
        for row in portal.rows(
            "SELECT relname AS name FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        )
    ]
    return "\n".join(
        str(row[0]) for table in tables for row in portal.rows(f'SELECT t::text FROM "{table}" t')
    )


@pytest.mark.parametrize("role", TOTP_ROLES)
def test_the_secret_of_a_second_factor_stands_nowhere_in_the_database(
    portal: Portal, boss: str, role: str
) -> None:
    account = portal.hire(boss, "ha", role)
    assert account.totp_secret is not None
    assert portal.sign_in(account).status_code == 200
    assert account.totp_secret not in everything(portal)
    assert str(portal.administrator.totp_secret) not in everything(portal)


def test_the_column_holds_a_sealed_value_with_a_key_of_its_own(portal: Portal, boss: str) -> None:
    for name in ("ha", "hai"):
        portal.hire(boss, name, "head")
    rows = portal.rows("SELECT totp_key, totp_secret FROM users WHERE totp_secret IS NOT NULL")
    assert len(rows) == 3
    assert all(row.totp_secret.startswith(PREFIX) for row in rows)
    assert len({bytes(row.totp_key) for row in rows}) == 3


def test_the_database_itself_takes_no_secret_in_the_clear(portal: Portal, head: Account) -> None:
    with pytest.raises(IntegrityError, match="ck_users_totp_sealed"), portal.owner.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE users SET totp_secret = 'JBSWY3DPEHPK3PXP' WHERE totp_key IS NOT NULL"
        )


@pytest.mark.parametrize("emptied", ["totp_key", "totp_secret"])
def test_a_sealed_secret_and_its_key_stand_together(portal: Portal, head: Account, emptied: str) -> None:
    with pytest.raises(IntegrityError, match="ck_users_totp_key"), portal.owner.begin() as connection:
        connection.exec_driver_sql(f"UPDATE users SET {emptied} = NULL")


def test_an_account_without_a_second_factor_has_neither(portal: Portal, boss: str) -> None:
    officer = portal.hire(boss, "lan", "finance_officer")
    (row,) = portal.rows("SELECT totp_key, totp_secret FROM users WHERE id = :id", id=officer.user_id)
    assert (row.totp_key, row.totp_secret) == (None, None)
    assert portal.sign_in(officer).status_code == 200


def test_another_key_file_lets_nobody_in_and_says_why(portal: Portal, head: Account) -> None:
    portal.opens_with(Factors(Sealer(bytes(range(32)))))
    reply = portal.sign_in(head)
    told = reply.get_json()
    assert (reply.status_code, told["code"]) == (503, "unavailable")
    assert KEY_FILE in told["detail"]
    assert "put back" in told["detail"]
    assert reply.headers["Retry-After"]
    assert head.totp_secret not in reply.get_data(as_text=True)


def test_another_key_file_counts_no_failure_and_opens_no_session(portal: Portal, head: Account) -> None:
    sessions = portal.one("SELECT count(*) FROM sessions")
    portal.opens_with(Factors(Sealer(bytes(range(32)))))
    for _ in range(10):
        assert portal.sign_in(head).status_code == 503
    assert portal.one("SELECT count(*) FROM sessions") == sessions
    assert portal.one("SELECT count(*) FROM sign_in_failures") == 0
    portal.opens_with(portal.factors)
    assert portal.sign_in(head).status_code == 200


def test_a_stranger_learns_nothing_of_the_key_before_the_password_is_right(
    portal: Portal, head: Account
) -> None:
    portal.opens_with(Factors(Sealer(bytes(range(32)))))
    assert portal.sign_in(head, password="không phải mật khẩu").status_code == 401
    assert portal.sign_in(head, totp=None).get_json()["code"] == "totp_needed"


def test_a_secret_copied_to_another_account_does_not_open_there(portal: Portal, boss: str) -> None:
    one, other = portal.hire(boss, "ha", "head"), portal.hire(boss, "hai", "head")
    with portal.owner.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE users u SET totp_key = o.totp_key, totp_secret = o.totp_secret FROM users o "
            "WHERE u.username = 'hai' AND o.username = 'ha'"
        )
    assert portal.sign_in(one).status_code == 200
    assert portal.sign_in(other, totp=portal.code(one)).status_code == 503


def test_an_altered_secret_does_not_open(portal: Portal, head: Account) -> None:
    with portal.owner.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE users SET totp_secret = overlay(totp_secret placing 'AAAA' from 30) WHERE username = 'ha'"
        )
    assert portal.sign_in(head).status_code == 503


def test_who_has_no_second_factor_needs_no_key(portal: Portal, boss: str) -> None:
    officer = portal.hire(boss, "lan", "finance_officer")
    portal.opens_with(Factors(Sealer(bytes(range(32)))))
    assert portal.sign_in(officer).status_code == 200


def test_the_key_is_made_once_for_its_owner_alone(portal: Portal, head: Account) -> None:
    path = portal.state / "keys" / KEY_FILE
    before = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    ensure_keys(portal.state / "keys")
    assert path.read_bytes() == before
    portal.opens_with(load_factors(portal.state / "keys"))
    assert portal.sign_in(head).status_code == 200


@pytest.mark.parametrize("content", [None, b"", b"x" * 31, b"x" * 33, b"\n" * 64])
def test_a_missing_or_damaged_key_file_stops_the_start_with_a_sentence(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / KEY_FILE).write_bytes(content)
    with pytest.raises(SettingMissing, match="absent or damaged") as stopped:
        load_factors(tmp_path)
    assert str(tmp_path / KEY_FILE) in str(stopped.value)
    assert "Put back" in str(stopped.value)


def test_what_is_sealed_for_one_account_opens_for_it_alone() -> None:
    factors = Factors(Sealer(bytes(32)))
    sealed = factors.seal(UUID(int=1), "JBSWY3DPEHPK3PXP")
    assert "JBSWY3DP" not in sealed.secret
    assert factors.seal(UUID(int=1), "JBSWY3DPEHPK3PXP") != sealed
