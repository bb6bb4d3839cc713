"""What became known too late: deaths, moves and re-assessments of May to July, invented from the same seed.

Moves leave a trace in what was paid the old way: a month that neither district paid, or that both did.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.demo.population import SEED, WITH_PERCENT, Invented

DEATHS = 48
MOVES = 36
REASSESSMENTS = 36
MONTHS = ("2024-05", "2024-06", "2024-07")
PERCENT_GAIN_MAX = 15


@dataclass(frozen=True, slots=True)
class News:
    """One late report. `trace` says what the old way paid wrongly: months left out, months paid twice."""

    person: Invented
    kind: str
    details: Mapping[str, Any]
    left_out: tuple[str, ...] = ()
    paid_twice: tuple[str, ...] = ()


def late_news(people: Sequence[Invented], communes: Sequence[Mapping[str, Any]]) -> list[News]:
    """The same reports for the same persons."""
    chance = random.Random(SEED + 1)
    with_percent = [person for person in people if person.benefits[0][0] in WITH_PERCENT]
    assessed = chance.sample(with_percent, REASSESSMENTS)
    taken = {person.number for person in assessed}
    others = chance.sample([one for one in people if one.number not in taken], DEATHS + MOVES)
    news = [_death(chance, person) for person in others[:DEATHS]]
    news += [_move(chance, person, communes) for person in others[DEATHS:]]
    return news + [_reassessment(chance, person) for person in assessed]


def _death(chance: random.Random, person: Invented) -> News:
    day = f"{chance.choice(MONTHS)}-{chance.randint(1, 20):02d}"
    return News(person, "death", {"died_on": min(day, "2024-07-08")})


def _move(chance: random.Random, person: Invented, communes: Sequence[Mapping[str, Any]]) -> News:
    elsewhere = [one for one in communes if not person.number.startswith(f"MH/{one['district_code']}/")]
    since = chance.choice(MONTHS[1:])
    details = {"commune_code": chance.choice(elsewhere)["code"], "from_period": since}
    if chance.random() < 0.6:
        return News(person, "move", details, left_out=(since,))
    return News(person, "move", details, paid_twice=(since,))


def _reassessment(chance: random.Random, person: Invented) -> News:
    code, percent = person.benefits[0]
    higher = min(100, (percent or 0) + chance.randint(1, PERCENT_GAIN_MAX))
    details = {"code": code, "injury_percent": higher, "from_period": chance.choice(MONTHS)}
    return News(person, "reassessment", details)
