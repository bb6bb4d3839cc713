"""What the pages of a month share: whom they ask, as of which day, and the names of units and providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import request

from services.portal.calls import units
from services.portal.calls.services import Caller, Refused
from services.portal.calls.units import BEFORE_MERGERS
from services.portal.visits.guard import ask, current_visit

SERVICE = "beneficiaries"
NOT_FOUND = 404
PAGE_ROWS = 100


def reading(period: str = "") -> Caller:
    """The services as they are asked about a month: on the visitor's own date, or within that month.

    Rights reach over units that exist on the day one speaks of, and those of 2024 are merged by now.
    """
    if current_visit().business_date is not None:
        return ask()
    return ask().on(f"{period}-01" if period else BEFORE_MERGERS)


def unit_names(period: str = "") -> Mapping[str, str]:
    """The names of the units of a month, of today and of before the mergers; ids stay ids for some."""
    if not current_visit().may("units.read"):
        return {}
    return units.names(ask(), {BEFORE_MERGERS, f"{period}-01"} if period else {BEFORE_MERGERS})


def provider_names() -> Mapping[str, str]:
    """The names of the providers by their codes."""
    found = ask().get(SERVICE, "/v1/providers")["items"]
    return {str(one["code"]): str(one["name"]) for one in found}


def job(job_id: str) -> Mapping[str, Any] | None:
    """A job, where there is one and the visitor may see it."""
    if not current_visit().may("jobs.read"):
        return None
    shown: Mapping[str, Any] | None = found(f"/v1/jobs/{job_id}")
    return shown


def found(path: str, caller: Caller | None = None) -> Any:  # noqa: ANN401 - JSON
    """What the service shows there, or None where there is nothing."""
    try:
        return (caller or ask()).get(SERVICE, path)
    except Refused as refusal:
        if refusal.status != NOT_FOUND:
            raise
        return None


def permissions() -> list[str]:
    """The permissions that the visitor holds for any unit."""
    return list(current_visit().person.grants)


def filtered(chosen: Mapping[str, str]) -> str:
    """The address of this page with what was chosen on it, to which the next page's cursor is added."""
    kept = {name: value for name, value in chosen.items() if value and name != "cursor"}
    return f"{request.path}?{urlencode(kept)}" if kept else request.path
