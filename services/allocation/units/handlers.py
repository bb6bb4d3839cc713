"""Taking in the published units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert as upsert

from services.allocation.units.events import SuccessionsLoaded, UnitsLoaded
from services.allocation.units.model import Parent, Registry, Succession, Unit
from services.allocation.units.tables import unit_parents, unit_successions, units
from shared.db.unit_of_work import Work

ITEMS_PER_EVENT = 200
SNAPSHOT = "published-lists"


def load_units(work: Work, registry: Registry) -> int:
    """The number of units that were new; those that are there stay as they are."""
    new = set(
        work.connection.scalars(
            upsert(units).on_conflict_do_nothing(index_elements=["id"]).returning(units.c.id),
            [_unit_row(unit) for unit in registry.units],
        )
    )
    if not new:
        return 0
    parents = [link for link in registry.parents if link.unit_id in new]
    steps = [step for step in registry.successions if step.successor_id in new]
    work.connection.execute(upsert(unit_parents), [_parent_row(link) for link in parents])
    work.connection.execute(upsert(unit_successions), [_succession_row(step) for step in steps])
    _tell(work, [unit for unit in registry.units if unit.id in new], parents, steps)
    return len(new)


def _tell(work: Work, loaded: Sequence[Unit], parents: Sequence[Parent], steps: Sequence[Succession]) -> None:
    parents_of: dict[UUID, list[Parent]] = defaultdict(list)
    for link in parents:
        parents_of[link.unit_id].append(link)
    items = [_item(unit, parents_of[unit.id]) for unit in loaded]
    for start in range(0, len(items), ITEMS_PER_EVENT):
        work.record(UnitsLoaded(SNAPSHOT, tuple(items[start : start + ITEMS_PER_EVENT])))
    rows = [_succession_item(step) for step in steps]
    for start in range(0, len(rows), ITEMS_PER_EVENT):
        work.record(SuccessionsLoaded(SNAPSHOT, tuple(rows[start : start + ITEMS_PER_EVENT])))


def _unit_row(unit: Unit) -> dict[str, Any]:
    return {
        "id": unit.id,
        "code": unit.code,
        "name": unit.name,
        "kind": unit.kind,
        "level": int(unit.level),
        "valid_from": unit.valid_from,
        "valid_to": unit.valid_to,
        "assumed": unit.assumed,
        "predecessor_text": unit.predecessor_text,
    }


def _parent_row(link: Parent) -> dict[str, Any]:
    return {
        "unit_id": link.unit_id,
        "parent_id": link.parent_id,
        "valid_from": link.valid_from,
        "valid_to": link.valid_to,
    }


def _succession_row(step: Succession) -> dict[str, Any]:
    return {
        "predecessor_id": step.predecessor_id,
        "successor_id": step.successor_id,
        "on": step.on,
        "kind": step.kind.value,
        "share_ppm": step.share_ppm,
    }


def _item(unit: Unit, parents: Sequence[Parent]) -> dict[str, Any]:
    return {
        "unit_id": str(unit.id),
        "code": unit.code,
        "name": unit.name,
        "kind": unit.kind,
        "level": int(unit.level),
        "valid_from": unit.valid_from.isoformat(),
        "valid_to": unit.valid_to.isoformat() if unit.valid_to else None,
        "assumed": unit.assumed,
        "parents": [
            {
                "parent_id": str(link.parent_id),
                "valid_from": link.valid_from.isoformat(),
                "valid_to": link.valid_to.isoformat() if link.valid_to else None,
            }
            for link in parents
        ],
    }


def _succession_item(step: Succession) -> dict[str, Any]:
    return {
        "predecessor_id": str(step.predecessor_id),
        "successor_id": str(step.successor_id),
        "on": step.on.isoformat(),
        "kind": step.kind.value,
        "share_ppm": step.share_ppm,
    }
