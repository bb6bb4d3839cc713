"""Lining up what arrives: each journal's rows enter the log in their own order, whatever order they come in.

A lane is one epoch of one journal. Within a lane positions have no gaps, so the next one to take is known,
and what comes before its turn waits. The first row of a later epoch says that it opens that epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from shared.journal.envelope import Envelope

FIRST_EPOCH = 1
EPOCH_BEGUN = "vn.fundtrail.journal.epoch_begun.v1"


class Lane(NamedTuple):
    """One epoch of one service's journal."""

    source: str
    epoch: int


class Arrival(NamedTuple):
    """A journal row on its way into the log: its place, its canonical entry, and its data."""

    lane: Lane
    position: int
    leaf: bytes
    data: bytes
    opens_epoch: bool = False


class Early:
    """Rows that came before their turn, each found again by its place."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, dict[int, Arrival]] = {}
        self.size_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._lanes)

    def add(self, arrival: Arrival) -> None:
        """Hold a row; a second copy of one that is held changes nothing."""
        rows = self._lanes.setdefault(arrival.lane, {})
        if arrival.position not in rows:
            rows[arrival.position] = arrival
            self.size_bytes += len(arrival.leaf) + len(arrival.data)

    def follow(self, lane: Lane, taken: int) -> list[Arrival]:
        """The rows that follow `taken` without a gap, in order; they and those before are held no longer."""
        rows = self._lanes.get(lane, {})
        found: list[Arrival] = []
        while (arrival := rows.pop(taken + len(found) + 1, None)) is not None:
            found.append(arrival)
        passed = [rows.pop(position) for position in [one for one in rows if one <= taken]]
        self.size_bytes -= sum(len(one.leaf) + len(one.data) for one in (*found, *passed))
        if not rows:
            self._lanes.pop(lane, None)
        return found

    def release(self) -> list[Arrival]:
        """All rows, each lane's in order; nothing is held any longer."""
        found = [rows[position] for rows in self._lanes.values() for position in sorted(rows)]
        self._lanes, self.size_bytes = {}, 0
        return found


@dataclass(frozen=True, slots=True)
class Lineup:
    """What may enter the log now, and how far each touched lane has come."""

    ready: list[Arrival] = field(default_factory=list)
    taken: dict[Lane, int] = field(default_factory=dict)

    def follow(self, lane: Lane, arrivals: Iterable[Arrival]) -> None:
        """Rows that follow what is ready of a lane are ready too."""
        before = len(self.ready)
        self.ready.extend(arrivals)
        self.taken[lane] += len(self.ready) - before


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint with the note that carries its signature."""

    size: int
    root: bytes
    note: str
    signed_at: datetime


def arrival_of(item: Envelope) -> Arrival:
    """The arrival that an envelope makes."""
    lane = Lane(item.source, item.epoch)
    return Arrival(lane, item.position, item.leaf(), item.data, item.type == EPOCH_BEGUN)


def line_up(taken: Mapping[Lane, int], arrivals: Iterable[Arrival], early: Early) -> Lineup:
    """What may enter the log of the arrivals and of the early rows; those that the log has are left out.

    Shape: `ready` holds each lane's rows in order; `taken` of the result names every lane that was touched
    and is open, also where nothing of it became ready. What comes before its turn is held by `early`.
    """
    lineup = Lineup()
    ready, known = lineup.ready, lineup.taken
    for arrival in arrivals:
        lane = arrival.lane
        last = known.get(lane)
        if last is None and (last := _taken(taken, arrival)) is not None:
            known[lane] = last
        if last is None or arrival.position > last + 1:
            early.add(arrival)
        elif arrival.position == last + 1:
            ready.append(arrival)
            known[lane] = arrival.position
    for lane in known:
        lineup.follow(lane, early.follow(lane, known[lane]))
    return lineup


def _taken(taken: Mapping[Lane, int], arrival: Arrival) -> int | None:
    """How far the arrival's lane has come, or None while nobody knows where it begins."""
    if arrival.lane in taken:
        return taken[arrival.lane]
    if arrival.lane.epoch == FIRST_EPOCH:
        return 0
    return arrival.position - 1 if arrival.opens_epoch else None
