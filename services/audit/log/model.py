"""Lining up what arrives: each journal's rows enter the log in their own order, whatever order they come in.

A lane is one epoch of one journal. Within a lane positions have no gaps, so the next one to take is known,
and what comes before its turn waits. The first row of a later epoch says that it opens that epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from shared.journal.envelope import Envelope

FIRST_EPOCH = 1
EPOCH_BEGUN = "vn.fundtrail.journal.epoch_begun.v1"


class Lane(NamedTuple):
    """One epoch of one service's journal."""

    source: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A journal row on its way into the log: its place, its canonical entry, and its data."""

    lane: Lane
    position: int
    leaf: bytes
    data: bytes
    opens_epoch: bool = False


@dataclass(frozen=True, slots=True)
class Lineup:
    """What may enter the log now, what must wait, and how far each touched lane has come."""

    ready: list[Arrival]
    early: list[Arrival]
    taken: dict[Lane, int]


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


def line_up(taken: Mapping[Lane, int], arrivals: Iterable[Arrival]) -> Lineup:
    """The arrivals sorted into ready and early; those that the log already has are left out.

    Shape: `ready` holds each lane's rows in order; `taken` of the result names every lane that was touched
    and is open, also where nothing of it became ready.
    """
    lineup = Lineup([], [], {})
    for arrival in sorted(arrivals, key=lambda one: (one.lane, one.position)):
        last = lineup.taken.get(arrival.lane, _taken(taken, arrival))
        if last is None:
            lineup.early.append(arrival)
            continue
        lineup.taken[arrival.lane] = last
        if arrival.position == last + 1:
            lineup.ready.append(arrival)
            lineup.taken[arrival.lane] = arrival.position
        elif arrival.position > last + 1:
            lineup.early.append(arrival)
    return lineup


def _taken(taken: Mapping[Lane, int], arrival: Arrival) -> int | None:
    """How far the arrival's lane has come, or None while nobody knows where it begins."""
    if arrival.lane in taken:
        return taken[arrival.lane]
    if arrival.lane.epoch == FIRST_EPOCH:
        return 0
    return arrival.position - 1 if arrival.opens_epoch else None
