"""`fundtrail check` and its neighbours say in a sentence why they cannot look, and end with status 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.cli.main import main
from deploy.local.state import Home
from deploy.oversight.databases import SERVICES, AddressesUnknown, reader_addresses

READER = "postgresql+psycopg://reader:word@127.0.0.1:1/{}?connect_timeout=2"
WHOLE = {service: {"reader": READER.format(service), "owner": "secret-word"} for service in SERVICES}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("FUNDTRAIL_HOME", str(tmp_path / "state"))
    made = Home(tmp_path / "state")
    made.secrets.mkdir(parents=True)
    return made


def tell(home: Home, told: object) -> None:
    home.addresses.write_text(told if isinstance(told, str) else json.dumps(told))


def without(service: str) -> dict[str, Any]:
    return {name: roles for name, roles in WHOLE.items() if name != service}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_not_named_is_told_by_its_name(
    home: Home, service: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(home, without(service))
    assert main(["check"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"no reader of the database of {service}," in said.err
    assert str(home.addresses) in said.err
    assert "make run" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("summary", [[], ["--summary"]], ids=["plain", "summary"])
def test_several_services_that_are_not_named_are_told_at_once(
    home: Home, summary: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    tell(home, {"portal": WHOLE["portal"]})
    assert main(["check", *summary]) == 2
    assert "allocation, beneficiaries, notifications, audit" in capsys.readouterr().err


@pytest.mark.parametrize(
    "roles",
    [{}, {"owner": "x"}, {"reader": ""}, {"reader": None}, {"reader": 5}, [], None, "text", 7],
    ids=["empty", "owner only", "empty text", "null", "number", "list", "nothing", "text", "seven"],
)
def test_a_service_without_a_readers_address_counts_as_not_named(home: Home, roles: object) -> None:
    tell(home, {**WHOLE, "audit": roles})
    with pytest.raises(AddressesUnknown, match="no reader of the database of audit"):
        reader_addresses(home)


@pytest.mark.parametrize("content", ["", "{", "[", "no JSON", '{"audit": }', "\x00"])
def test_a_file_that_was_cut_off_is_told_as_such(
    home: Home, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(home, content)
    assert main(["check"]) == 2
    assert "is no JSON" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["[]", "1", "null", '"text"', "true"])
def test_a_file_of_another_shape_names_nobody(home: Home, content: str) -> None:
    tell(home, content)
    with pytest.raises(AddressesUnknown, match="allocation, beneficiaries, notifications, audit, portal"):
        reader_addresses(home)


def test_without_an_instance_one_is_told_how_to_start_it(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"]) == 2
    assert "holds no instance" in capsys.readouterr().err


def test_a_server_that_does_not_answer_is_told_without_its_password(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(home, WHOLE)
    assert main(["check"]) == 2
    said = capsys.readouterr().err
    assert "does not answer" in said
    assert "is the instance running" in said
    assert "word" not in said
    assert len(said.splitlines()) == 1


def test_the_reader_is_never_given_anothers_address(home: Home) -> None:
    tell(home, {**WHOLE, "server": {"password": "secret-word"}})
    assert "secret-word" not in json.dumps(reader_addresses(home))


def test_the_drill_says_the_same_of_a_file_without_a_service(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(home, without("audit"))
    (home.root / "demo").mkdir()
    (home.root / "demo" / "payment.proof").write_text("c2sp.org/tlog-proof@v1\n")
    assert main(["drill", "tamper"]) == 2
    assert "no reader of the database of audit" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["quarantine", "list", "portal"], ["epoch", "begin", "portal", "--reason", "x"]]
)
def test_an_operator_command_says_which_database_is_not_known(
    home: Home, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    tell(home, {"portal": {"reader": READER.format("portal")}})
    assert main(command) == 1
    said = capsys.readouterr().err
    assert "knows no database of portal" in said
    assert "Traceback" not in said
