"""The search for personal values in logs finds what is planted, however it is written, and nothing else."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
import structlog

from deploy.demo.population import invent
from shared.telemetry.logs import configure
from tests.e2e.leaks import Scanner

COMMUNES = [{"code": "20503"}, {"code": "20506"}]
PEOPLE = invent(COMMUNES, {"20503": "503", "20506": "503"}, 300)
VALUES = [
    value for person in PEOPLE for value in (person.full_name, person.identity_number, person.account_number)
]
STAFF = ["cs.503@demo.example", "0900000503", None, ""]
SECRETS = ["pass-word_ABC", "JBSWY3DPEHPK3PXP"]
SCANNER = Scanner([*VALUES, *(value for value in STAFF if value)], SECRETS)
ONE = next(person for person in PEOPLE if person.account_number)
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2lnbmF0dXJlLWhlcmU"


@pytest.mark.parametrize(
    "line",
    [
        f'{{"event": "x", "name": "{ONE.full_name}"}}',
        json.dumps({"name": ONE.full_name}),
        f"name={unicodedata.normalize('NFD', ONE.full_name)}",
        f"HELLO {ONE.full_name.upper()}!",
        f"DETAIL:  Key (identity_number)=({ONE.identity_number}) already exists.",
        f'["{ONE.account_number}"]',
        "to=cs.503@demo.example.",
        "tel:0900000503",
        "postgresql://portal_service:pass-word_ABC@127.0.0.1:1/x",
        "totp JBSWY3DPEHPK3PXP",
        f"Authorization: Bearer {JWT}",
    ],
    ids=[
        "log",
        "escaped",
        "decomposed",
        "large",
        "identity",
        "account",
        "mail",
        "phone",
        "url",
        "totp",
        "jwt",
    ],
)
def test_a_planted_value_is_found_in_its_line_and_not_repeated(line: str, tmp_path: Path) -> None:
    (tmp_path / "portal-api.log").write_text(f"first line\n{line}\nlast line\n")
    leaks = SCANNER.folder(tmp_path)
    assert [(leak.file, leak.line) for leak in leaks] == [("portal-api.log", 2)]
    assert len(leaks[0].value) <= 7


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "answered", "path": "/v1/persons/0199-aa", "status": 200, "seconds": 0.0123}',
        f"{ONE.full_name.rpartition(' ')[0]} is no whole name",
        f"1{ONE.identity_number} is another number",
        "eyJ is no token",
        "",
    ],
    ids=["log", "part", "longer", "short", "empty"],
)
def test_what_is_nobodys_is_left_alone(line: str) -> None:
    assert list(SCANNER.found(line)) == []


def test_a_log_that_names_a_person_would_be_caught(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = structlog.get_config()
    configure("portal", "api", "INFO")
    try:
        structlog.get_logger("tests").info("person_found", person=ONE.full_name)
    finally:
        structlog.configure(**before)
    (tmp_path / "portal-api.log").write_text(capsys.readouterr().err)
    assert len(SCANNER.folder(tmp_path)) == 1


def test_every_person_is_looked_for() -> None:
    names = {person.full_name for person in PEOPLE}
    accounts = {person.account_number for person in PEOPLE if person.account_number}
    assert len(SCANNER) == len(names) + len(PEOPLE) + len(accounts) + 2 + len(SECRETS)
