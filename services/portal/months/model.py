"""What pages show of a month: sums by state and by place, how fast a job goes, what may follow for a list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Item = Mapping[str, Any]

STATES = (
    "computed",
    "submitted",
    "approved",
    "held",
    "refused",
    "withdrawing",
    "withdrawn",
    "drawn",
    "instructed",
    "closing",
    "closed",
)
# From these a list goes on without anybody here.
IN_TRANSIT = frozenset({"approved", "held", "drawn", "withdrawing", "closing"})
EXPORTABLE = frozenset({"instructed", "closing", "closed"})
UNFINISHED = frozenset({"queued", "running"})
SUMMED = ("payments", "settled", "returned", "unanswered", "reissued")


@dataclass(slots=True)
class Sums:
    """So many payments of so much. Units: đồng."""

    count: int = 0
    vnd: int = 0

    def add(self, some: Item) -> None:
        """Add what the API counted."""
        self.count += int(some["count"])
        self.vnd += int(some["vnd"])


@dataclass(slots=True)
class StateSum:
    """The lists of a month that stand in one state."""

    state: str
    list_count: int = 0
    payments: Sums = field(default_factory=Sums)


@dataclass(slots=True)
class Place:
    """A unit's month through one provider. Shape: `states` has the number of lists by state."""

    unit_id: str
    unit: str
    channel: str
    provider: str
    states: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    sums: dict[str, Sums] = field(default_factory=lambda: {name: Sums() for name in SUMMED})

    @property
    def held_vnd(self) -> int:
        """What the provider still holds: not answered yet, or come back and not used to pay again."""
        return self.sums["unanswered"].vnd + self.sums["returned"].vnd - self.sums["reissued"].vnd


@dataclass(slots=True)
class MonthLine:
    """One month in the list of months. Units: total_vnd in đồng."""

    period: str
    list_count: int = 0
    open_count: int = 0
    payment_count: int = 0
    total_vnd: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """How far a job is. Units: `rate` in pieces a second, `left_s` in seconds; None where nobody can say."""

    done: int
    total: int | None
    rate: int | None
    left_s: int | None
    running: bool


@dataclass(frozen=True, slots=True)
class Step:
    """What a person can do with a list: from which states it makes sense, and what the form asks for."""

    name: str
    permission: str
    states: frozenset[str]
    reason: bool = False
    secret: bool = False
    provider: bool = False
    warning: bool = False


# The service decides; these states only say which buttons are worth showing.
STEPS: Mapping[str, Step] = {
    one.name: one
    for one in (
        Step("submission", "lists.submit", frozenset({"computed", "refused", "withdrawn"})),
        Step("approval", "lists.approve", frozenset({"submitted"}), secret=True),
        Step("return", "lists.approve", frozenset({"submitted"}), reason=True, secret=True, warning=True),
        Step("withdrawal", "lists.withdraw", frozenset({"approved", "held"}), reason=True, warning=True),
        Step("closure", "lists.submit", frozenset({"instructed"}), secret=True),
        Step("reissues", "lists.submit", EXPORTABLE, secret=True, provider=True),
    )
}


def by_state(places: Iterable[Item]) -> list[StateSum]:
    """A month's lists by their state, in the order in which a list goes through them."""
    found = {state: StateSum(state) for state in STATES}
    for one in places:
        of_state = found[one["state"]]
        of_state.list_count += int(one["list_count"])
        of_state.payments.add(one["payments"])
    return [one for one in found.values() if one.list_count]


def by_place(places: Iterable[Item], names: Mapping[str, str]) -> list[Place]:
    """A month by unit and provider, whatever states the lists are in."""
    found: dict[tuple[str, str], Place] = {}
    for one in places:
        key = (one["unit_id"], one["provider"])
        place = found.setdefault(
            key, Place(key[0], names.get(key[0], key[0]), str(one["channel"]), str(one["provider"]))
        )
        place.states[one["state"]] += int(one["list_count"])
        for name in SUMMED:
            place.sums[name].add(one[name])
    return list(found.values())


def altogether(places: Iterable[Place]) -> Place:
    """All places as one, for the foot of their table."""
    whole = Place("", "", "", "")
    for place in places:
        for name in SUMMED:
            some = place.sums[name]
            whole.sums[name].add({"count": some.count, "vnd": some.vnd})
    return whole


def months_of(lists: Iterable[Item]) -> list[MonthLine]:
    """The months that lists belong to, the newest first."""
    found: dict[str, MonthLine] = {}
    for one in lists:
        line = found.setdefault(one["period"], MonthLine(one["period"]))
        line.list_count += 1
        line.open_count += one["state"] != "closed"
        line.payment_count += int(one["payment_count"])
        line.total_vnd += int(one["total_vnd"])
    return sorted(found.values(), key=lambda line: line.period, reverse=True)


def next_period(period: str) -> str:
    """The month after one written as YYYY-MM."""
    year, month = int(period[:4]), int(period[5:7])
    return f"{year + month // 12:04d}-{month % 12 + 1:02d}"


def pace(job: Item) -> Pace:
    """How far a job is and how long it will take. Rounding: up to whole seconds."""
    done, total, rate = int(job["done"]), job["total"], job["rate"]
    left_s = -(-(total - done) // rate) if total is not None and rate and total >= done else None
    return Pace(done, total, rate, left_s, job["state"] in UNFINISHED)


def with_outcomes(payments: Iterable[Item], outcomes: Iterable[Item]) -> list[dict[str, Any]]:
    """Payments with how they stand, where that may be seen."""
    known = {one["id"]: one for one in outcomes}
    return [{**known.get(one["id"], {}), **one} for one in payments]


def steps_for(state: str, may: Iterable[str]) -> Sequence[Step]:
    """The steps that a person with these permissions can try from a state."""
    held = set(may)
    return [one for one in STEPS.values() if state in one.states and one.permission in held]
