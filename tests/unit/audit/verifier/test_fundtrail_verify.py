"""The offline verifier accepts what the log proves, and names the step at which anything else fails."""

from __future__ import annotations

import argparse
import ast
import base64
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.cli import verify as command
from services.audit.log import notes, proofs
from services.audit.log.notes import Checkpoint, Signer
from services.audit.log.proofs import Evidence, Proof
from services.audit.verifier import fundtrail_verify
from shared.kernel import canonical, merkle

SIGNER = Signer("fundtrail.local/audit", bytes(range(32)))
KEY = str(SIGNER.verifier)
DATA = canonical.encode({"reason": "trả lại", "list_id": "L1"})
ITEMS: list[object] = [{"payment_id": f"P{number}", "amount_vnd": number * 1000} for number in range(500)]
SIZE = 300
INDEX = 211


def entry(number: int) -> bytes:
    envelope = {
        "source": "beneficiaries",
        "epoch": 1,
        "position": number + 1,
        "type": "vn.fundtrail.payments.instructed.v1",
        "recorded_at": "2024-08-05T02:00:00+00:00",
        "unit": None,
        "data_sha256": canonical.digest(DATA),
        "items_root": proofs.items_root(ITEMS).hex(),
    }
    return canonical.encode(envelope)


HASHES = merkle.leaf_hashes([entry(number) for number in range(SIZE)])
NOTE = notes.sign_checkpoint(Checkpoint(SIGNER.name, SIZE, merkle.root(HASHES)), SIGNER)


def proof(evidence: Evidence | None = None) -> Proof:
    shown = evidence or Evidence(entry(INDEX), item=proofs.item_evidence(ITEMS, 42))
    return Proof(INDEX, tuple(merkle.inclusion_path(HASHES, INDEX)), NOTE, shown)


def run(tmp_path: Path, text: str | bytes, key: str = KEY) -> int:
    file = tmp_path / "payment.proof"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return fundtrail_verify.main([str(file), "--key", key])


def test_says_in_plain_words_what_was_proven(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, proof().text()) == 0
    said = capsys.readouterr().out
    assert said.startswith("PROVEN\n")
    for words in (
        "fundtrail.local/audit, signed at 300 entries",
        "number 211",
        "source      beneficiaries",
        "position    212",
        "vn.fundtrail.payments.instructed.v1",
        "recorded_at 2024-08-05",
        'item        {"amount_vnd":42000,"payment_id":"P42"}',
    ):
        assert words in said
    assert "unit" not in said
    assert "P43" not in said


def test_shows_the_data_of_an_event_that_is_no_bulk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, proof(Evidence(entry(INDEX), data=DATA)).text()) == 0
    assert '"reason":"trả lại"' in capsys.readouterr().out


def test_takes_the_key_from_a_file_as_well(tmp_path: Path) -> None:
    (tmp_path / "log.vkey").write_text(KEY + "\n")
    assert run(tmp_path, proof().text(), str(tmp_path / "log.vkey")) == 0


def test_ignores_a_witness_and_another_key_of_the_same_name(tmp_path: Path) -> None:
    text = Checkpoint(SIGNER.name, SIZE, merkle.root(HASHES)).text()
    others = [Signer("witness.example/one", b"\x01" * 32), Signer(SIGNER.name, b"\x02" * 32)]
    signed = notes.sign(text, [*others, SIGNER])
    cosigned = Proof(INDEX, proof().path, signed, proof().evidence)
    assert run(tmp_path, cosigned.text()) == 0


def test_agrees_with_the_services_own_verification_at_every_index(tmp_path: Path) -> None:
    for index in range(0, SIZE, 7):
        one = Proof(
            index, tuple(merkle.inclusion_path(HASHES, index)), NOTE, Evidence(entry(index), data=DATA)
        )
        proofs.verify(one, SIGNER.verifier)
        assert run(tmp_path, one.text()) == 0


def swap_note(note: str) -> Proof:
    return Proof(INDEX, proof().path, note, proof().evidence)


def foreign_origin() -> Proof:
    text = Checkpoint("fundtrail.local/other", SIZE, merkle.root(HASHES)).text()
    return swap_note(notes.sign(text, [SIGNER]))


def item_with(
    index: int, count: int, path: tuple[bytes, ...] | None = None, item: bytes | None = None
) -> Proof:
    honest = proofs.item_evidence(ITEMS, 42)
    forged = proofs.ItemEvidence(item or honest.item, index, count, honest.path if path is None else path)
    return proof(Evidence(entry(INDEX), item=forged))


@pytest.mark.parametrize(
    ("step", "forge"),
    [
        ("checkpoint", lambda: swap_note(NOTE.replace("\n300\n", "\n301\n"))),
        ("checkpoint", lambda: swap_note(notes.sign("short\n", [SIGNER]).replace("short", "shorn"))),
        ("checkpoint", lambda: swap_note(notes.sign(NOTE.split("\n\n")[0] + "\n", []))),
        ("checkpoint", lambda: swap_note("")),
        ("checkpoint", foreign_origin),
        ("entry", lambda: Proof(INDEX - 1, proof().path, NOTE, proof().evidence)),
        ("entry", lambda: Proof(SIZE, proof().path, NOTE, proof().evidence)),
        ("entry", lambda: Proof(INDEX, proof().path[:-1], NOTE, proof().evidence)),
        ("entry", lambda: Proof(INDEX, (b"short", *proof().path[1:]), NOTE, proof().evidence)),
        ("entry", lambda: proof(Evidence(entry(INDEX + 1)))),
        ("data", lambda: proof(Evidence(entry(INDEX), data=DATA + b"\n"))),
        ("item", lambda: item_with(41, 500)),
        ("item", lambda: item_with(42, 600)),
        ("item", lambda: item_with(500, 500)),
        ("item", lambda: item_with(42, 500, path=())),
        ("item", lambda: item_with(42, 500, item=canonical.encode({"amount_vnd": 1, "payment_id": "P42"}))),
    ],
)
def test_names_the_step_that_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], step: str, forge: Callable[[], Proof]
) -> None:
    assert run(tmp_path, forge().text()) == 1
    said = capsys.readouterr().out
    assert said.startswith(f"NOT PROVEN - step '{step}': ")
    assert "PROVEN\nlog" not in said


def test_refuses_a_proof_under_another_logs_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, proof().text(), str(Signer(SIGNER.name, bytes(32)).verifier)) == 1
    assert "no signature by the key" in capsys.readouterr().out


def with_extra(text: str) -> str:
    lines = proof().text().split("\n")
    lines[1] = "extra " + base64.b64encode(text.encode()).decode()
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello\n",
        b"\xff\xfe",
        proof().text().replace("tlog-proof@v1", "tlog-proof@v2"),
        proof().text().replace("index 211", "index 0211"),
        proof().text().replace("index 211", "index 9" + "9" * 5000),
        proof().text().replace("\nextra ", "\nextra !"),
        with_extra("[1]"),
        with_extra("{"),
        with_extra("[" * 100_000),
        with_extra("{}"),
        with_extra(
            canonical.encode({"entry": base64.b64encode(entry(INDEX)).decode(), "item": "AA=="}).decode()
        ),
    ],
)
def test_a_file_that_is_no_proof_is_unreadable_and_never_proven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | bytes
) -> None:
    assert run(tmp_path, text) in {1, 2}
    captured = capsys.readouterr()
    assert "PROVEN\nlog" not in captured.out
    assert captured.out or captured.err.startswith("UNREADABLE - ")


@pytest.mark.parametrize("key", ["nowhere/log.vkey", KEY[:-5], KEY.replace("audit", "audio"), "a+b+c", "+ +"])
def test_a_key_that_cannot_be_read_is_status_2(tmp_path: Path, key: str) -> None:
    assert run(tmp_path, proof().text(), key) == 2


def test_a_file_beyond_any_size_of_a_proof_is_not_read(tmp_path: Path) -> None:
    assert run(tmp_path, b"x" * (fundtrail_verify.FILE_BYTES_MAX + 1)) == 2


def test_no_single_changed_character_is_accepted(tmp_path: Path) -> None:
    text, dice = proof().text(), random.Random(1)
    significant = [at for at in range(len(text)) if text[at] != "="]
    for at in dice.sample(significant, 400):
        letter = dice.choice([one for one in "AZaz09+/ \n" if one != text[at]])
        forged = text[:at] + letter + text[at + 1 :]
        assert run(tmp_path, forged) != 0, (at, text[at], letter)


def test_the_verifier_stands_alone_in_one_short_file() -> None:
    source = Path(fundtrail_verify.__file__).read_text()
    assert len(source.splitlines()) <= 200
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name) or ""
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    roots = {name.split(".")[0] for name in imported}
    assert roots - {"cryptography"} <= sys.stdlib_module_names


def test_the_command_hands_over_to_the_verifier(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser.add_subparsers(required=True))
    file = tmp_path / "payment.proof"
    file.write_text(proof().text())
    arguments = parser.parse_args(["verify", str(file), "--key", KEY])
    assert arguments.run(arguments) == 0
