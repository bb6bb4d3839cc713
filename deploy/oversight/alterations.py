"""Altering stored facts behind the system's back, to see that every alteration is found and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, text

TILE_WIDTH = 256  # entries of one bundle


@dataclass(frozen=True, slots=True)
class Alteration:
    """One deed: in which database, what it does, and the place where a check must see it."""

    name: str
    database: str
    alter: Callable[[Connection], str]


def alter_leaf(index: int) -> Callable[[Connection], str]:
    """Change one byte of the entry of the log at an index; returns the place."""

    def alter(connection: Connection) -> str:
        bundle, sealed = divmod(index, TILE_WIDTH)
        stored = connection.scalar(
            text("SELECT data FROM log_bundles WHERE index = :index"), {"index": bundle}
        )
        table, where = ("log_bundles", "WHERE index = :index") if stored else ("log_state", "")
        column = "data" if stored else "bundle"
        content = bytes(stored or connection.scalar(text("SELECT bundle FROM log_state")) or b"")
        changed = _flipped(content, _middle_of(content, sealed))
        connection.execute(
            text(f"UPDATE {table} SET {column} = :data {where}"), {"data": changed, "index": bundle}
        )
        return f"entry {index}"

    return alter


def alter_journal(connection: Connection) -> str:
    """Change the data of the fifth row of a journal; returns the place."""
    row = connection.execute(text("SELECT seq, data FROM journal ORDER BY seq OFFSET 4 LIMIT 1")).one()
    connection.execute(
        text("UPDATE journal SET data = :data WHERE seq = :seq"),
        {"data": bytes(row.data).replace(b'"', b"'", 1), "seq": row.seq},
    )
    return "journal/5"


def alter_transfer(connection: Connection) -> str:
    """Add one đồng to a transfer; returns the place."""
    transfer = connection.scalar(
        text(
            "UPDATE transfers SET amount_vnd = amount_vnd + 1 WHERE id = "
            "(SELECT id FROM transfers WHERE kind = 'direct' ORDER BY number DESC LIMIT 1) RETURNING id"
        )
    )
    return f"transfers/{transfer}"


def alter_payment(connection: Connection) -> str:
    """Add a million to a payment; returns the place."""
    payment = connection.scalar(
        text(
            "UPDATE payments SET amount_vnd = amount_vnd + 1000000 WHERE id = "
            "(SELECT min(payment_id::text)::uuid FROM outcomes) RETURNING id"
        )
    )
    return f"payments/{payment}"


def alterations(leaf: int) -> list[Alteration]:
    """The four deeds; `leaf` is the index of the entry to alter."""
    return [
        Alteration("an audit leaf", "audit", alter_leaf(leaf)),
        Alteration("a journal row", "portal", alter_journal),
        Alteration("a ledger transfer", "allocation", alter_transfer),
        Alteration("a payment amount", "beneficiaries", alter_payment),
    ]


def _middle_of(bundle: bytes, number: int) -> int:
    """Where the middle of an entry lies in a bundle (each is preceded by its length in two bytes)."""
    place = 0
    for _ in range(number):
        place += 2 + int.from_bytes(bundle[place : place + 2])
    return place + 2 + int.from_bytes(bundle[place : place + 2]) // 2


def _flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0x01]) + content[place + 1 :]
