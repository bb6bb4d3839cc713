"""What services refuse, in the language of who reads it.

A service says a refusal in English, with a stable code and the values of its sentence. Readers of English are
shown what it says; to others the catalogue says the same, by the code and with those values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from services.portal.look import formats
from services.portal.look.language import current, words

ENGLISH = "en"
GROUPS = ("faults", "problems", "decisions.fault", "months.faults", "months.unmatched", "months.obstacle")
UNSAID = "…"  # stands for a value that did not come
SIGNS: Mapping[str, Callable[[Any], str]] = {
    "vnd": lambda vnd: formats.dong(int(vnd)),
    "on": formats.day,
    "period": formats.month,
    "count": lambda count: formats.whole(int(count)),
}
# How marshmallow 4.4.0 and our own fields word what is wrong with a field, and the text that says the same.
FIELD_WORDS: tuple[tuple[str, str], ...] = (
    (r"Missing data for required field\.", "field_required"),
    (r"Unknown field\.", "field_unknown"),
    (r"Field may not be null\.", "field_empty"),
    (r"Not a valid (?:integer|number)\.", "field_no_number"),
    (r"Not a valid date\.", "field_no_date"),
    (r"Not a valid UUID\.", "field_no_id"),
    (r"Not a valid string\.", "field_no_text"),
    (r"Not a valid boolean\.", "field_no_truth"),
    (r"(?:Control characters|Holds a character) .*", "field_control"),
    (r"Shorter than minimum length (?P<least>\d+)\.", "field_too_short"),
    (r"Longer than maximum length (?P<most>\d+)\.", "field_too_long"),
    (r"Length must be between (?P<least>\d+) and (?P<most>\d+)\.", "field_length"),
    (
        r"Must be greater than or equal to (?P<least>-?\d+) and less than or equal to (?P<most>-?\d+)\.",
        "field_range",
    ),
    (r"Must be greater than or equal to (?P<least>-?\d+)\.", "field_too_small"),
    (r"Must be less than or equal to (?P<most>-?\d+)\.", "field_too_great"),
    (r"Must be one of: (?P<choices>.*)\.", "field_choice"),
)


class Values(dict[str, str]):
    """The values of a text; one that did not come leaves a gap that is seen."""

    def __missing__(self, name: str) -> str:
        return UNSAID


def said(code: str, detail: str = "", values: Mapping[str, Any] | None = None, group: str = "") -> str:
    """A refusal in words. Shape: `group` are the texts that come first, where a page has its own."""
    if current() == ENGLISH and detail:
        return detail
    found = next(_texts(code, (group, *GROUPS) if group else ("problems", *GROUPS)), None)
    if found is None:
        return f"{code}: {detail}" if detail else code
    return found % Values(_written(values or {}), detail=detail) if "%(" in found else found


def said_fault(fault: Mapping[str, Any], group: str = "") -> str:
    """One fault of a refusal in words, without the place at which it stands."""
    detail, code = str(fault.get("detail") or fault.get("message") or ""), str(fault.get("code", ""))
    if not code or fault.get("said"):
        return detail
    code, values = _field(detail) if code == "field_invalid" else (code, {})
    return said(code, detail, {**fault, **values}, group or GROUPS[0])


def said_failure(failure: str) -> str:
    """Why a job failed, in words. Shape: as jobs keep it, the code before the sentence."""
    code, parted, detail = failure.partition(": ")
    return said(code, detail) if parted else failure


def _texts(code: str, groups: tuple[str, ...]) -> Iterator[str]:
    for group in groups:
        name = f"{group}.{code}"
        text = words(name)
        if text != name:
            yield text


def _field(detail: str) -> tuple[str, Mapping[str, str]]:
    for pattern, code in FIELD_WORDS:
        if met := re.fullmatch(pattern, detail):
            return code, met.groupdict()
    return "field_invalid", {}


def _written(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: _sign(name)(value) for name, value in values.items() if value is not None}


def _sign(name: str) -> Callable[[Any], str]:
    return SIGNS.get(name.rpartition("_")[2], str)
