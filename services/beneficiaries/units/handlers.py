"""Keeping the read model of units."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert as upsert

from services.beneficiaries.units.tables import unit_parents, units
from shared.db.unit_of_work import Work
from shared.journal.envelope import Envelope


def keep_units(work: Work, item: Envelope) -> None:
    """Take over the units that allocation loaded, with the parents they have at each time."""
    loaded = item.payload()["items"]
    _keep(work, units, ["id"], [_unit(unit) for unit in loaded])
    parents = [_parent(unit["unit_id"], parent) for unit in loaded for parent in unit["parents"]]
    _keep(work, unit_parents, ["unit_id", "parent_id", "valid_from"], parents)


def _keep(work: Work, table: Any, key: list[str], rows: list[dict[str, Any]]) -> None:  # noqa: ANN401
    if not rows:
        return
    statement = upsert(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    work.connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), rows)


def _unit(unit: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": UUID(unit["unit_id"]),
        "code": unit["code"],
        "name": unit["name"],
        "level": unit["level"],
        "valid_from": date.fromisoformat(unit["valid_from"]),
        "valid_to": _date(unit["valid_to"]),
    }


def _parent(unit_id: str, parent: dict[str, Any]) -> dict[str, Any]:
    return {
        "unit_id": UUID(unit_id),
        "parent_id": UUID(parent["parent_id"]),
        "valid_from": date.fromisoformat(parent["valid_from"]),
        "valid_to": _date(parent["valid_to"]),
    }


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
