"""The chain behind a payment: from the person to the article of the law, along the ids that the facts name.

The table says which facts tell of a step and which ids lead on from them; the walk knows nothing else of the
other services. Whatever is found stands in the log, so each link can be proven by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from services.audit.search.model import ENTRY

FACTS_MAX = 200


@dataclass(frozen=True, slots=True)
class Link:
    """A step of the chain: the subject it is about, the types of fact that tell of it, the ids that lead on.

    A step that is `part_of` another is found inside that step's facts: the elements that carry its id.
    """

    step: str
    subject: str
    types: tuple[str, ...] = ()
    follow: tuple[str, ...] = ()
    part_of: str | None = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of the log, or one item of a bulk one."""

    index: int
    item: int
    envelope: dict[str, Any]
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What the log says about one subject of the chain."""

    step: str
    subject: str
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class Chain:
    """All steps, and the subjects of which the log should have told but does not."""

    payment_id: str
    steps: Sequence[Step]
    missing: Sequence[str]


Find = Callable[[str, tuple[str, ...], int], Sequence[Fact]]
"""(subject, types, limit) -> the facts of these types that name the subject, in the order of the log."""


def _types(*names: str) -> tuple[str, ...]:
    return tuple(f"vn.fundtrail.{name}.v1" for name in names)


LINKS: tuple[Link, ...] = (
    Link(
        "payment",
        "payment",
        _types("payments.instructed"),
        follow=("person_id", "list_id", "entitlement_id", "rate_id"),
    ),
    Link(
        "outcome",
        "payment",
        _types("payments.settled", "payments.returned", "payments.returned_late"),
        required=False,
    ),
    Link(
        "person",
        "person",
        _types("persons.registered", "changes.requested", "changes.approved", "changes.rejected"),
    ),
    Link("entitlement", "entitlement", part_of="person"),
    Link("rate", "rate", _types("rates.loaded")),
    Link(
        "list",
        "list",
        _types(
            "lists.submitted",
            "lists.sent_back",
            "lists.approved",
            "lists.withdrawal_requested",
            "funds.refused",
            "funds.held",
            "withdrawals.requested",
            "withdrawals.confirmed",
            "withdrawals.refused",
            "funds.drawn",
            "funds.voided",
            "funds.withdrawal_too_late",
            "funds.posted",
            "funds.late_return_unmatched",
            "lists.closed",
            "funds.close_refused",
            "funds.list_closed",
        ),
        follow=("line_id", "decision_id"),
    ),
    Link("line", "line", _types("decisions.issued"), follow=("article_id", "decision_id")),
    Link(
        "decision",
        "decision",
        _types(
            "decisions.drafted",
            "decisions.revised",
            "decisions.submitted",
            "decisions.sent_back",
            "decisions.approved",
            "decisions.issued",
        ),
    ),
    Link("article", "article", _types("legal_bases.loaded")),
)


def walk(payment_id: str, find: Find) -> Chain:
    """The chain of a payment, as far as the log tells it.

    Bounds: at most 200 facts a subject.
    """
    known: dict[str, list[str]] = {"payment": [payment_id]}
    steps: list[Step] = []
    for link in LINKS:
        for value in known.get(link.subject, ()):
            facts = _facts_of(link, value, steps, find)
            steps.append(Step(link.step, f"{link.subject}:{value}", facts))
            for name in link.follow:
                _note(known, name, facts)
    return Chain(payment_id, steps, _missing(steps, known))


def _facts_of(link: Link, value: str, steps: Sequence[Step], find: Find) -> Sequence[Fact]:
    if link.part_of is None:
        return find(f"{link.subject}:{value}", link.types, FACTS_MAX)
    name = f"{link.subject}_id"
    return [
        Fact(fact.index, fact.item, fact.envelope, element)
        for step in steps
        if step.step == link.part_of
        for fact in step.facts
        for element in _elements(fact.content)
        if element.get(name) == value
    ]


def _note(known: dict[str, list[str]], name: str, facts: Sequence[Fact]) -> None:
    values = known.setdefault(name.removesuffix("_id"), [])
    for fact in facts:
        for element in _elements(fact.content):
            value = element.get(name)
            if isinstance(value, str) and value not in values:
                values.append(value)


def _elements(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - JSON of any kind
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _elements(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _elements(inner)


def _missing(steps: Sequence[Step], known: dict[str, list[str]]) -> list[str]:
    silent = [step.subject for step in steps if not step.facts and _required(step.step)]
    never_named = [link.subject for link in LINKS if link.required and not known.get(link.subject)]
    return [*silent, *never_named]


def _required(step: str) -> bool:
    return any(link.step == step and link.required for link in LINKS)


def content_of(data: dict[str, Any], item: int) -> dict[str, Any]:
    """What is shown of a fact: the item itself, or the data without the items of a bulk row."""
    if item == ENTRY:
        return {name: value for name, value in data.items() if name != "items"}
    content: dict[str, Any] = data["items"][item]
    return content
