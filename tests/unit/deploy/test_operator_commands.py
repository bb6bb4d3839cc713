"""Commands of an operator: what they take, and what they say where there is no instance."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.cli import check, quarantine
from deploy.cli.main import MODULES, main
from deploy.cli.operating import OperatorError, opened, operator_act
from deploy.local.provisioning import SERVICES
from deploy.local.state import Home, hold, write_json
from deploy.oversight.databases import reader_addresses
from deploy.oversight.findings import Finding
from shared.kernel.clock import SystemClock

COMMANDS = (
    "annex",
    "backup",
    "check",
    "drill",
    "epoch",
    "logkey",
    "quarantine",
    "republish",
    "reset",
    "restore",
    "up",
    "verify",
)
REASON = ("--reason", "restored from the backup of 24/7")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("FUNDTRAIL_HOME", str(tmp_path / "state"))
    return Home(tmp_path / "state")


def usage_error(*arguments: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_every_module_adds_one_command_of_its_own_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert tuple(module.__name__.rpartition(".")[2] for module in MODULES) == COMMANDS
    for name in COMMANDS:
        with pytest.raises(SystemExit) as caught:
            main([name, "--help"])
        assert caught.value.code == 0
        assert f"fundtrail {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("divide",),
        ("annex",),
        ("annex", "check"),
        ("drill",),
        ("drill", "fire"),
        ("epoch", "begin", "allocation"),
        ("epoch", "begin", "treasury", *REASON),
        ("quarantine", "list"),
        ("quarantine", "list", "audit"),
        ("quarantine", "show", "portal"),
        ("quarantine", "show", "portal", "first"),
        ("quarantine", "retry", "portal", "1"),
        ("quarantine", "drop", "portal", "1"),
        ("quarantine", "drop", "portal", *REASON),
        ("republish",),
        ("republish", "kafka"),
        ("republish", "portal", "--from", "start"),
        ("verify", "a.proof"),
        ("verify", "--key", "k"),
        ("check", "--json"),
    ],
)
def test_what_is_missing_or_unknown_is_a_usage_error(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    usage_error(*arguments)
    assert "usage: fundtrail" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("check",), 2, "holds no instance; start one with `make run`"),
        (("check", "--summary"), 2, "holds no instance"),
        (("drill", "tamper"), 2, "holds no instance with a proof to alter; start one with `make run`"),
        (
            ("epoch", "begin", "allocation", *REASON),
            1,
            "knows no database of allocation. Start the instance once",
        ),
        (("quarantine", "list", "portal"), 1, "knows no database of portal. Start the instance once"),
        (("quarantine", "show", "portal", "1"), 1, "or set FUNDTRAIL_HOME"),
        (("quarantine", "retry", "beneficiaries", "1", *REASON), 1, "knows no database of beneficiaries"),
        (("quarantine", "drop", "notifications", "1", *REASON), 1, "knows no database of notifications"),
        (("republish", "audit"), 1, "knows no database of audit"),
        (("republish", "audit", "--from", "7"), 1, "knows no database of audit"),
    ],
)
def test_without_an_instance_one_sentence_says_what_to_do(
    arguments: tuple[str, ...], status: int, said: str, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == status
    told = capsys.readouterr()
    assert said in told.err
    assert str(home.root) in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert not home.root.exists(), "asking leaves nothing behind"


def test_an_instance_without_the_jobs_proof_has_nothing_to_alter(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    home.secrets.mkdir(parents=True)
    write_json(home.addresses, {})
    assert main(["drill", "tamper"]) == 2
    assert "no instance with a proof" in capsys.readouterr().err


def test_there_is_nothing_to_reset_before_a_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reset"]) == 0
    assert capsys.readouterr().out == "Nothing to remove.\n"


def test_a_reset_names_what_it_removed(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.logs.mkdir(parents=True)
    assert main(["reset"]) == 0
    assert f"Removed {home.root}\n" in capsys.readouterr().out
    assert not home.root.exists()


def test_a_running_instance_is_not_reset_and_the_way_out_is_told(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    with hold(home):
        assert main(["reset"]) == 1
    assert "stop it with Ctrl-C" in capsys.readouterr().err
    assert home.root.exists()


@pytest.mark.parametrize("content", ["", "not a key", "a+b+c"])
def test_verify_without_a_readable_key_is_status_two(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log.vkey").write_text(content)
    (tmp_path / "a.proof").write_text("c2sp.org/tlog-proof@v1\n")
    assert main(["verify", str(tmp_path / "a.proof"), "--key", str(tmp_path / "log.vkey")]) == 2
    assert capsys.readouterr().err.startswith("UNREADABLE - ")


def test_verify_without_a_proof_file_is_status_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(tmp_path / "none.proof"), "--key", "a+00+b"]) == 2
    assert "none.proof" in capsys.readouterr().err


def test_readers_are_told_their_own_addresses(home: Home) -> None:
    home.secrets.mkdir(parents=True)
    write_json(home.addresses, {name: {"reader": f"{name}-reader", "owner": "secret"} for name in SERVICES})
    assert reader_addresses(home) == {name: f"{name}-reader" for name in SERVICES}


def test_an_operator_opens_the_database_with_the_role_that_was_asked_for(home: Home) -> None:
    home.secrets.mkdir(parents=True)
    address = "postgresql+psycopg://{}:word@127.0.0.1:1/portal"
    write_json(home.addresses, {"portal": {role: address.format(role) for role in ("owner", "service")}})
    with opened("portal", "owner") as unit_of_work:
        act = operator_act(unit_of_work, "why")
    assert act.actor.startswith("operator:")
    assert (act.reason, act.backdated) == ("why", False)
    with pytest.raises(OperatorError, match="no database of audit"), opened("audit"):
        pass


def test_audit_has_no_quarantine_and_every_other_service_has_handlers() -> None:
    assert set(quarantine.CONSUMERS) == set(SERVICES) - {"audit"}
    for service in quarantine.CONSUMERS:
        assert all(name.startswith("vn.fundtrail.") for name in quarantine.handlers_of(service))


def test_a_quarantined_message_is_one_line_with_its_number_first() -> None:
    row: Any = SimpleNamespace(
        number=7,
        state="refused",
        topic="allocation.events.v1",
        event_id="e1",
        code="unknown",
        message="Nobody knows it.",
    )
    assert quarantine._line(row) == "7\trefused\tallocation.events.v1\te1\tunknown: Nobody knows it.\n"


def test_a_finding_says_where_which_rule_and_what() -> None:
    found = Finding("allocation", "debits_equal_credits", "batch 7", "1 đồng is missing")
    assert str(found) == "allocation: debits_equal_credits: batch 7: 1 đồng is missing"


def test_seconds_are_counted_from_the_start_that_the_run_noted() -> None:
    assert check._seconds_since(None) is None
    elapsed = check._seconds_since(SystemClock().now().isoformat())
    assert elapsed is not None
    assert 0 <= elapsed < 5


def test_the_facts_of_a_run_hold_no_secret(home: Home) -> None:
    home.secrets.mkdir(parents=True)
    write_json(home.addresses, {"portal": {"owner": "postgresql+psycopg://owner:word@host/portal"}}, 0o600)
    write_json(home.run, {"started_at": "2024-08-05T05:00:00+00:00"})
    assert json.loads(home.run.read_text()).keys() == {"started_at"}
    assert home.addresses.parent == home.secrets
    assert home.run.parent == home.root
