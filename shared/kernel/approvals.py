"""Four eyes, pure: who may act on what another person made, in which order, and for whom.

Roles, steps and incompatible pairs are data of the caller. Every refusal says why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations

from shared.kernel.errors import Conflict, Denied


@dataclass(frozen=True, slots=True)
class Step:
    """One act of an approval: its name and the permission it needs."""

    name: str
    permission: str


@dataclass(frozen=True, slots=True)
class Deputy:
    """A person who may act for another one from a first to a last day, both included."""

    of: str
    by: str
    from_on: date
    to_on: date

    def covers(self, day: date) -> bool:
        """Whether the deputyship holds on a day."""
        return self.from_on <= day <= self.to_on


def ensure_other_person(maker: str, actor: str, on_behalf_of: str | None = None) -> None:
    """Nothing, when the actor is not the maker. Raises: Denied maker_is_checker."""
    ensure_maker_is_not_checker((maker,), actor, on_behalf_of)


def ensure_maker_is_not_checker(makers: Iterable[str], actor: str, on_behalf_of: str | None = None) -> None:
    """Nothing, when neither the actor nor whom he acts for had a hand in what is checked.

    Raises: Denied maker_is_checker.
    """
    known = set(makers)
    if actor in known:
        raise Denied(
            "maker_is_checker",
            f"{actor} prepared this and may not approve it as well; another person with the right must.",
        )
    if on_behalf_of in known:
        raise Denied(
            "maker_is_checker",
            f"{actor} acts for {on_behalf_of}, who prepared this; a deputy may not approve what the person "
            "he stands in for has made. Another person with the right must.",
        )


def ensure_compatible(roles: Collection[str], incompatible: Collection[tuple[str, str]]) -> None:
    """Nothing, when no two of the roles exclude each other. Raises: Denied roles_incompatible."""
    excluded = {frozenset(pair) for pair in incompatible}
    for first, second in combinations(sorted(set(roles)), 2):
        if frozenset((first, second)) in excluded:
            raise Denied(
                "roles_incompatible",
                f"Roles {first} and {second} exclude each other: one person would check his own work. "
                "Take one of them away first.",
            )


def ensure_order(steps: Sequence[Step], taken: Sequence[str], wanted: str) -> Step:
    """The step that is wanted, when it is the next one that is due.

    Raises: Conflict step_unknown, step_already_taken, step_out_of_order, steps_finished.
    """
    names = [step.name for step in steps]
    if wanted not in names:
        raise Conflict("step_unknown", f"{wanted} is no step here; the steps are {', '.join(names)}.")
    if wanted in taken:
        raise Conflict("step_already_taken", f"Step {wanted} was already taken; nothing is left to do in it.")
    due = next((step for step in steps if step.name not in taken), None)
    if due is None or due.name != wanted:
        raise Conflict("step_out_of_order", f"Step {wanted} cannot be taken yet; {due and due.name} is due.")
    return due


def ensure_deputy(deputies: Iterable[Deputy], of: str, by: str, on: date) -> Deputy:
    """The deputyship under which one person acts for another on a day.

    Raises: Denied deputy_not_appointed, deputy_out_of_time.
    """
    appointed = [deputy for deputy in deputies if deputy.of == of and deputy.by == by]
    if not appointed:
        raise Denied("deputy_not_appointed", f"{by} is not appointed to act for {of}.")
    for deputy in appointed:
        if deputy.covers(on):
            return deputy
    spans = "; ".join(f"{deputy.from_on.isoformat()} to {deputy.to_on.isoformat()}" for deputy in appointed)
    raise Denied("deputy_out_of_time", f"{by} may act for {of} on {spans}, not on {on.isoformat()}.")
