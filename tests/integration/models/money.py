"""Accounts with money in them, and requests that move it: used by every test of the API in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.allocation.ledger.model import AccountKey, Kind, Role
from shared.kernel.ids import id_of, new_id
from tests.integration.allocation.house import House, account
from tests.integration.models.answers import key_fields

UNITS = [id_of("purse-unit", number) for number in range(40)]
FUNDS = 1_000_000
YEAR = 2026


def purse(number: int, role: Role = Role.ALLOTMENT) -> AccountKey:
    """An account of one of the units."""
    return account(role, UNITS[number], "post" if role is Role.PROVIDER else None, YEAR)


def fill(house: House, purses: int, amount: int = FUNDS) -> list[AccountKey]:
    """So many allotments that hold the amount each, and a place where it is spent."""
    house.open(purse(0, Role.SPENT))
    keys = [purse(number) for number in range(purses)]
    for key in keys:
        house.fund(key, amount)
    return keys


def request(*moves: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request."""
    return {"transfers": list(moves)}


def move(
    debit: AccountKey,
    credit: AccountKey,
    amount: int,
    kind: Kind = Kind.DIRECT,
    id_: UUID | None = None,
) -> dict[str, Any]:
    """One transfer as a request names it, under a new id unless one is given."""
    return {
        "id": str(id_ or new_id()),
        "debit": key_fields(debit),
        "credit": key_fields(credit),
        "amount_vnd": amount,
        "kind": kind.value,
    }


def standing(house: House, keys: Sequence[AccountKey]) -> dict[UUID, int]:
    """What stands in each of the accounts."""
    rows = house.rows(
        "SELECT id, credits_posted - debits_posted AS vnd FROM accounts WHERE id = ANY(:ids)",
        ids=[key.id for key in keys],
    )
    return {row.id: int(row.vnd) for row in rows}
