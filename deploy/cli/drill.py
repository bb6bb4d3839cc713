"""`fundtrail drill tamper`: alter copies of the databases behind the system's back; each deed is named."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import create_engine

from deploy.local.postgres_binaries import find_binaries
from deploy.local.state import Home, home_of, note, read_json
from deploy.oversight import comparisons, invariants
from deploy.oversight.alterations import Alteration, alterations
from deploy.oversight.copies import copied, server_of
from deploy.oversight.databases import AddressesUnknown, opened, reader_addresses
from deploy.oversight.findings import Finding
from deploy.oversight.lag import wait_until_nothing_lags
from services.audit.log import queries as log
from services.audit.verifier import fundtrail_verify

LAG_TIMEOUT_S = 60.0
INDEX = "index "


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command with its arguments."""
    parser = subparsers.add_parser("drill", help="exercises that show what the checks are worth")
    drills = parser.add_subparsers(dest="drill", required=True)
    tamper = drills.add_parser("tamper", help="four alterations in copies, each to be found and named")
    tamper.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """The exit status: 0 when the proof holds and every alteration was named, 2 without an instance."""
    home = home_of(os.environ)
    proof, key = home.root / "demo" / "payment.proof", home.root / "demo" / "log.vkey"
    if not (home.addresses.exists() and proof.exists()):
        sys.stderr.write(f"{home.root} holds no instance with a proof to alter; start one with `make run`.\n")
        return 2
    try:
        addresses = reader_addresses(home)
    except AddressesUnknown as error:
        sys.stderr.write(f"{error}\n")
        return 2
    told = read_json(home.addresses)
    _say("The proof as the inspector took it home:")
    verified = fundtrail_verify.main([str(proof), "--key", str(key)]) == 0
    wait_until_nothing_lags(addresses, LAG_TIMEOUT_S)
    with copied(server_of(told["server"]), find_binaries(os.environ).folder) as copies:
        detected = _alter_and_look(home, copies, _index_of(proof))
    note(home, {"proofs_verified": int(verified), "alterations_detected": detected})
    _say(f"{detected} alterations were named")
    return 0 if verified and detected == len(alterations(0)) else 1


def _alter_and_look(home: Home, copies: Mapping[str, str], index: int) -> int:
    deeds = alterations(index)
    places = [_do(deed, copies[deed.database]) for deed in deeds]
    found = _findings(copies)
    detected = 0
    for deed, place in zip(deeds, places, strict=True):
        named = [one for one in found if one.database == deed.database and one.place == place]
        _say(f"{deed.name}: {named[0] if named else 'NOT FOUND'}")
        refused = deed.database != "audit" or _proof_is_refused(home, copies["audit"], index)
        detected += bool(named) and refused
    return detected


def _do(deed: Alteration, address: str) -> str:
    engine = create_engine(address)
    with engine.begin() as connection:
        place = deed.alter(connection)
    engine.dispose()
    return place


def _proof_is_refused(home: Home, address: str, index: int) -> bool:
    """Whether the verifier refuses what the altered log would hand out for the altered entry."""
    with opened({"audit": address}) as databases:
        text = log.proof(databases["audit"], index).text()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "altered.proof"
        path.write_text(text)
        return fundtrail_verify.main([str(path), "--key", str(home.root / "demo" / "log.vkey")]) == 1


def _findings(addresses: Mapping[str, str]) -> list[Finding]:
    with opened(addresses) as databases:
        return [*invariants.broken(databases), *comparisons.differing(databases)]


def _index_of(proof: Path) -> int:
    line = next(line for line in proof.read_text().splitlines() if line.startswith(INDEX))
    return int(line.removeprefix(INDEX))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
