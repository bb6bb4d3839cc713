"""A person's sealed values in the log fall with the person's key; the log itself stays whole and provable."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from services.audit.log import notes, queries
from services.audit.log.proofs import Proof
from services.audit.verifier import fundtrail_verify
from shared.journal.envelope import Envelope
from shared.kernel import canonical, merkle
from shared.kernel.sealing import SealBroken, Sealer, WrappedKey

if TYPE_CHECKING:
    from tests.integration.audit.conftest import Audit

MakeEnvelope = Callable[..., Envelope]
MakeRows = Callable[..., list[Envelope]]

PLACE = "persons/C1/name"
NAME = "Người được hưởng trợ cấp"
DELETED = WrappedKey(b"")


def test_values_in_the_log_fall_with_their_key_and_every_proof_stays(
    audit: Audit, envelope: MakeEnvelope, rows: MakeRows
) -> None:
    sealer = Sealer(bytes(range(32)))
    kept = {"C1": sealer.new_key(), "C2": sealer.new_key()}
    items = [{"person_id": one, "sealed_name": sealer.seal(kept[one], NAME, PLACE)} for one in kept]
    audit.take(*rows("portal", 1, 300), envelope("beneficiaries", 1, data={"items": items}))
    older = audit.sign()
    assert older is not None
    before = proofs_of(audit)
    assert [opened_from(before[at], key, sealer) for at, key in enumerate(kept.values())] == [NAME, NAME]

    kept["C1"] = DELETED
    audit.take(*rows("portal", 301, 700))
    assert audit.sign() is not None

    after = proofs_of(audit)
    for proof in (before[0], after[0]):
        assert NAME.encode() not in base64.b64decode(proof.split("\n")[1].removeprefix("extra "))
        for key in (*kept.values(), sealer.new_key()):
            with pytest.raises(SealBroken):
                opened_from(proof, key, sealer)
    assert opened_from(after[1], kept["C2"], sealer) == NAME
    audit.index()
    assert audit.findings() == []
    report = fundtrail_verify.verify(before[0], str(audit.signer.verifier))
    assert "signed at 301 entries" in report[0]
    with audit.reading() as connection:
        newer, hashes = queries.consistency(connection, 301, None)
        newest = queries.signed_checkpoint(connection)
    told = notes.open_checkpoint(older, audit.signer.verifier)
    assert newer == newest.size == 701
    assert merkle.verify_consistency(301, 701, told.root, newest.root, hashes)


def proofs_of(audit: Audit) -> list[str]:
    """The proof of each person's item, as the log gives it now; both verify offline."""
    with audit.reading() as connection:
        proofs = [queries.proof(connection, 300, item).text() for item in (0, 1)]
    for proof in proofs:
        assert fundtrail_verify.verify(proof, str(audit.signer.verifier))
    return proofs


def opened_from(proof: str, key: WrappedKey, sealer: Sealer) -> str:
    """The name in the item that a proof shows."""
    shown = Proof.parse(proof).evidence.item
    assert shown is not None
    return sealer.open(key, canonical.decode(shown.item)["sealed_name"], PLACE)
