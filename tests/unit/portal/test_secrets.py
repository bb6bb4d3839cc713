"""Passwords and second factors, held against an implementation that is not ours."""

from __future__ import annotations

import base64
import os

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from hypothesis import given
from hypothesis import strategies as st

from services.portal.users import secrets
from shared.kernel.errors import Rejected

NOW_S = 1_722_822_000


def shown(secret: str, at_s: int) -> str:
    algorithm = SHA1()  # noqa: S303 - RFC 6238
    return TOTP(base64.b32decode(secret), 6, algorithm, 30).generate(at_s).decode()


def test_a_password_matches_its_own_hash_and_no_other() -> None:
    stored = secrets.hash_password("mật khẩu đủ dài")
    assert secrets.matches(stored, "mật khẩu đủ dài")
    assert not secrets.matches(stored, "mật khẩu đủ dàI")
    assert not secrets.matches(stored, "")


def test_the_same_password_has_another_hash_each_time() -> None:
    assert secrets.hash_password("mật khẩu đủ dài") != secrets.hash_password("mật khẩu đủ dài")


def test_a_hash_states_argon2id_with_its_cost() -> None:
    assert secrets.hash_password("mật khẩu đủ dài").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("length", [0, 11, 129, 1000])
def test_a_password_has_12_to_128_characters(length: int) -> None:
    with pytest.raises(Rejected, match="12 to 128") as refused:
        secrets.hash_password("x" * length)
    assert refused.value.code == "password_weak"


@pytest.mark.parametrize("length", [12, 128])
def test_the_bounds_themselves_are_good(length: int) -> None:
    assert secrets.matches(secrets.hash_password("ạ" * length), "ạ" * length)


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$broken", "$2b$12$abcdefghijklmnopqrstuv"])
def test_a_stored_hash_that_is_none_matches_nothing(stored: str) -> None:
    assert not secrets.matches(stored, "mật khẩu đủ dài")


def test_nobodys_hash_is_made_once_and_matches_nothing() -> None:
    assert secrets.nobodys_hash() is secrets.nobodys_hash()
    assert not secrets.matches(secrets.nobodys_hash(), "mật khẩu đủ dài")


def test_new_passwords_are_long_and_never_the_same() -> None:
    made = {secrets.new_password() for _ in range(200)}
    assert len(made) == 200
    assert {len(one) for one in made} == {24}


def test_a_new_totp_secret_has_160_bits() -> None:
    made = {secrets.new_totp_secret() for _ in range(200)}
    assert len(made) == 200
    assert all(len(base64.b32decode(one)) == 20 for one in made)


@given(st.binary(min_size=20, max_size=20), st.integers(0, 2**33))
def test_the_code_that_an_authenticator_shows_now_is_of_this_step(raw: bytes, now_s: int) -> None:
    secret = base64.b32encode(raw).decode()
    step = secrets.totp_step(secret, shown(secret, now_s), now_s)
    assert step in {now_s // 30, now_s // 30 - 1}


def test_the_step_before_is_taken_and_none_older_or_newer() -> None:
    secret = base64.b32encode(os.urandom(20)).decode()
    steps = {
        delay: secrets.totp_step(secret, shown(secret, NOW_S - delay), NOW_S) for delay in (0, 30, 60, -30)
    }
    assert steps == {0: NOW_S // 30, 30: NOW_S // 30 - 1, 60: None, -30: None}


def test_the_codes_of_rfc_6238_are_ours() -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    vectors = {59: "287082", 1111111109: "081804", 1234567890: "005924", 2000000000: "279037"}
    for at_s, code in vectors.items():
        assert secrets.totp_step(secret, code, at_s) == at_s // 30
