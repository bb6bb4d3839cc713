"""`build/faults.json` and its tables: one entry for each part of the campaign, the newest of each.

`python -m tests.faults.report` prints them and writes them into docs/FAULTS.md.
"""

from __future__ import annotations

import fcntl
import json
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from tests.bench.province import ROOT
from tests.faults.campaign import Outcome
from tests.faults.crew import Kill

FILE = ROOT / "build" / "faults.json"
PAGE = ROOT / "docs" / "FAULTS.md"
HEAD = "<!-- figures: written by python -m tests.faults.report -->"
COLUMNS = ("part", "on", "seed", "payments", "strikes", "lost", "duplicated", "seconds", "slowest_back_s")


def row_of(
    part: str, seed: int, outcome: Outcome, strikes: int, slowest_back_s: float | None
) -> dict[str, Any]:
    """What a part came to."""
    return {
        "part": part,
        "seed": seed,
        "payments": outcome.verdict.payments,
        "strikes": strikes,
        "lost": outcome.verdict.lost,
        "duplicated": outcome.verdict.duplicated,
        "seconds": round(outcome.seconds),
        "slowest_back_s": None if slowest_back_s is None else round(slowest_back_s, 1),
        "leaves": outcome.verdict.leaves,
        "acknowledged": len(outcome.clerk.book.acts) + len(outcome.clerk.book.transfers),
        "answers_lost": outcome.clerk.book.lost_answers,
        **outcome.more,
    }


def by_point(kills: Iterable[Kill]) -> dict[str, int]:
    """How often each point was struck."""
    return dict(sorted(Counter(one.point for one in kills).items()))


def keep(row: dict[str, Any]) -> None:
    """The part's newest result stands in the file, beside those of the other parts."""
    FILE.parent.mkdir(exist_ok=True)
    row = {**row, "on": datetime.now(UTC).date().isoformat()}
    with FILE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = json.loads(FILE.read_text()) if FILE.exists() else {}
        known[row["part"]] = row
        FILE.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    sys.stderr.write(f"\n{table([row])}\n")


def table(rows: Iterable[dict[str, Any]]) -> str:
    """The rows as a table of Markdown."""
    named = ({**row, "seed": str(row["seed"])} for row in rows)
    return _table(COLUMNS, [[row.get(name) for name in COLUMNS] for row in named])


def points(rows: Iterable[dict[str, Any]]) -> str:
    """How often processes were killed at each point, as a table of Markdown."""
    counted: Counter[str] = Counter()
    for row in rows:
        counted.update(row.get("kills_by_point", {}))
    return _table(
        ("killed at", "times"), [[name.replace("_", " "), n] for name, n in sorted(counted.items())]
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    names = [name.replace("_", " ") for name in head]
    lines = [names, ["---"] * len(names), *([_shown(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    """Print the tables and put them at the end of their page."""
    rows = list(json.loads(FILE.read_text()).values())
    both = f"{table(rows)}\n\n{points(rows)}\n"
    before = PAGE.read_text().split(HEAD)[0]
    PAGE.write_text(f"{before}{HEAD}\n{both}")
    sys.stdout.write(both)


if __name__ == "__main__":
    main()
