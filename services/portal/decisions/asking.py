"""What the pages of decisions ask of allocation, and of the portal's own accounts for who did something.

A page shows what came, and names what did not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar, cast
from uuid import UUID

from flask import Response

from services.portal.calls import units
from services.portal.calls.services import Away, Refused
from services.portal.calls.units import BEFORE_MERGERS
from services.portal.decisions import forms, model
from services.portal.decisions.model import Account, Row
from services.portal.look.language import words
from services.portal.users import store as users
from services.portal.visits import guard
from services.portal.visits.guard import ask, current_visit
from shared.kernel.clock import business_date
from shared.web.context import current_context

ALLOCATION = "allocation"
PATH = "/v1/decisions"
PAGE_ROWS = 500
STEPS_SHOWN = 200
FIELDS = {
    "title": "decisions.name",
    "fiscal_year": "decisions.fiscal_year",
    "article_id": "decisions.basis",
    "reason": "decisions.reason",
    "number": "decisions.paper_no",
    "issued_on": "decisions.issued_on",
}

Item = Mapping[str, Any]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a page: what was found, or which service is away; neither where the person may not see it."""

    found: Any = None
    away: Away | None = None


def part(get: Callable[[], Any]) -> Part:
    """What a service answered, or that it did not; the rest of the page stands."""
    try:
        return Part(get())
    except Away as away:
        return Part(away=away)
    except Refused:
        return Part()


def said(faults: Iterable[Item]) -> Response:
    """The form again, with what could not be read of it, in words and with the nearest names."""
    return guard.return_form("form_unreadable", faults=[_said(fault) for fault in faults])


def _said(fault: Item) -> dict[str, Any]:
    name = str(fault["pointer"]).strip("/")
    field = words(FIELDS.get(name, name))
    text = words(f"decisions.fault.{fault['code']}", field=field, rows=forms.ROWS_MAX)
    if near := fault.get("cure"):
        text += f" {words('decisions.nearest', names=near)}."
    return {**fault, "detail": text, "cure": "", "said": True}


def day() -> date:
    """The business date of this visit."""
    return current_visit().business_date or business_date(current_context().clock.now())


def decision(decision_id: UUID) -> Item:
    """A decision with its lines and its version. Raises: Refused, Away."""
    return cast("Item", ask().get(ALLOCATION, f"{PATH}/{decision_id}"))


def units_of_day() -> list[Item]:
    """The units of the business date. Raises: Refused, Away."""
    return units.of_day(ask(), day().isoformat())


def places(on: date | None = None) -> dict[str, Item]:
    """All units that decisions may speak of, by id; none where allocation does not answer.

    A unit that stood on the given day stands where it stood then.
    """
    today = business_date(current_context().clock.now())
    wanted = [today.isoformat(), BEFORE_MERGERS, (on or today).isoformat()]
    if on is None:
        wanted.pop()
    rows = part(lambda: [one for each in dict.fromkeys(wanted) for one in units.of_day(ask(), each)])
    return {str(one["id"]): one for one in rows.found or ()}


def articles(on: date | None = None) -> list[Item]:
    """What the law permits, in force on a day or at any time. Raises: Refused, Away."""
    query = {"on": on.isoformat() if on else None}
    return cast("list[Item]", ask().get(ALLOCATION, "/v1/articles", query)["items"])


def account(one: Item) -> Account:
    """What the account holds from which a decision takes its money. Raises: Refused, Away."""
    query = model.account_query(one) | {"limit": PAGE_ROWS}
    return model.account_of(one, ask().get(ALLOCATION, "/v1/accounts", query)["items"])


def history(decision_id: UUID) -> list[Item]:
    """The steps of a decision, each with who took it by name. Raises: Refused, Away."""
    path = f"{PATH}/{decision_id}/history"
    found = ask().get(ALLOCATION, path, {"limit": STEPS_SHOWN})["items"]
    names = _people({str(step["actor"]) for step in found})
    return [{**step, "who": names.get(step["actor"], step["actor"])} for step in found]


def _people(subjects: Iterable[str]) -> dict[str, str]:
    ids = [UUID(one) for one in subjects if len(one) == len(str(UUID(int=0)))]
    with current_context().unit_of_work.reading() as connection:
        return users.names_of(connection, ids)


@dataclass(frozen=True, slots=True)
class Annex:
    """The lines of a decision as a tree, how they stand, and what could not be asked for it."""

    rows: list[Row]
    account: Part
    law: Part
    on: date


def annex(one: Item) -> Annex:
    """The tree of a decision: against law and ceiling on its day, and against what its account holds."""
    on = date.fromisoformat(one["issued_on"]) if one["issued_on"] else day()
    rows = tree(one)
    law = part(lambda: (articles(), {str(article["id"]) for article in articles(on)}))
    if law.found:
        every, in_force = law.found
        rows = model.judged(rows, {str(article["id"]): article for article in every}, in_force)
    held = part(lambda: account(one))
    if held.found and one["state"] not in model.DRAWS_NOTHING:
        rows = model.drawn_down(rows, held.found.available_vnd)
    return Annex(rows, held, law, on)


def tree(one: Item) -> list[Row]:
    """The tree of a decision with subtotals alone."""
    on = model.day_of_units(one, day())
    return model.tree(one["lines"], places(on), words("decisions.works"), words("decisions.all_lines"))
