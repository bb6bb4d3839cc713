"""Writing down what was measured: figures for machines, a table for people, and what became worse."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.harness import Goal, Result
from tests.bench.site import SETTINGS, Site

ROOT = Path(__file__).resolve().parents[2]
LATEST, BASELINE = ROOT / "bench" / "latest.json", ROOT / "bench" / "baseline.json"
PAGE = ROOT / "docs" / "PERFORMANCE.md"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"
DROP_MAX = 0.20
LIBRARIES = ("flask", "kafka-python", "lxml", "orjson", "psycopg", "sqlalchemy")


def machine(site: Site) -> dict[str, Any]:
    """What the figures were taken on."""
    model = re.search(r"model name\s*:\s*(.+)", _read("/proc/cpuinfo"))
    memory = re.search(r"MemTotal:\s*(\d+) kB", _read("/proc/meminfo"))
    return {
        "cpu": model[1] if model else platform.processor(),
        "cores": os.cpu_count(),
        "memory_mib": int(memory[1]) // 1024 if memory else None,
        "python": platform.python_version(),
        "postgresql": site.server.origin,
        "postgresql_settings": SETTINGS,
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def as_data(results: Sequence[Result], where: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that was measured."""
    taken_at = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "taken_at": taken_at,
        "machine": dict(where),
        "figures": {
            result.bench.name: {
                "taken_at": taken_at,
                "size": result.bench.size,
                "pace": round(result.pace),
                "readings": {
                    lap: [
                        {
                            "size": one.size,
                            "seconds": round(one.seconds, 6),
                            "things": one.things,
                            "rounds": one.rounds,
                        }
                        for one in some
                    ]
                    for lap, some in result.readings.items()
                },
                "goals": [_goal(result, goal) for goal in result.bench.goals],
            }
            for result in results
        },
    }


def _goal(result: Result, goal: Goal) -> dict[str, Any]:
    ratio, growth = result.ratio(goal), result.growth(goal)
    return {
        "what": goal.what,
        "lap": goal.lap,
        "rate": round(result.full(goal.lap).rate, 1),
        "seconds": round(result.full(goal.lap).seconds, 6),
        "ratio": None if ratio is None else round(ratio, 3),
        "growth": None if growth is None else round(growth, 2),
        "missed": result.failures(goal),
        "wanted": any(one is not None for one in (goal.rate, goal.within, goal.ratio)),
    }


def save(data: Mapping[str, Any]) -> None:
    """Keep the newest figures; those of benches that were not run this time stay."""
    LATEST.parent.mkdir(exist_ok=True)
    kept = json.loads(LATEST.read_text())["figures"] if LATEST.exists() else {}
    figures = {**kept, **data["figures"]}
    LATEST.write_text(json.dumps({**data, "figures": figures}, indent=1, sort_keys=True) + "\n")
    if PAGE.exists():
        PAGE.write_text(_with_table(PAGE.read_text(), figures))


def worse(data: Mapping[str, Any]) -> list[str]:
    """Every ratio that fell by more than a fifth since the baseline was kept."""
    before = json.loads(BASELINE.read_text())["figures"] if BASELINE.exists() else {}
    return [
        f"{name}: {goal['what']}: ratio {goal['ratio']}, {old['ratio']} in the baseline"
        for name, figure in data["figures"].items()
        for goal in figure["goals"]
        for old in before.get(name, {}).get("goals", ())
        if old["lap"] == goal["lap"] and old["ratio"] and goal["ratio"] < old["ratio"] * (1 - DROP_MAX)
    ]


def _with_table(page: str, figures: Mapping[str, Any]) -> str:
    head, _, rest = page.partition(BEGIN)
    return f"{head}{BEGIN}\n{table(figures)}\n{END}{rest.partition(END)[2]}"


def table(figures: Mapping[str, Any]) -> str:
    """One row for each goal, in the order of the benches' names."""
    lines = ["| Bench | What | Size | Rounds | Measured | Share of the limit | Grows as n^ | Pace | Wanted |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    lines += (
        f"| {name} | {goal['what']} | {figure['size']:,} | {figure['readings'][goal['lap']][-1]['rounds']} "
        f"| {_measured(goal)} | {_or_dash(goal['ratio'])} | {_or_dash(goal['growth'])} "
        f"| {_pace(figure)} | {_verdict(goal)} |"
        for name, figure in sorted(figures.items())
        for goal in figure["goals"]
    )
    return "\n".join(lines)


def _verdict(goal: Mapping[str, Any]) -> str:
    if goal["missed"]:
        return "missed: " + "; ".join(goal["missed"])
    return "reached" if goal["wanted"] else "-"


def _measured(goal: Mapping[str, Any]) -> str:
    seconds = goal["seconds"]
    if goal["rate"] * seconds < 1.5:
        return f"{seconds * 1000:,.1f} ms" if seconds < 1 else f"{seconds:,.1f}"
    return f"{goal['rate']:,.0f}/s ({seconds:,.1f} s)"


def _pace(figure: Mapping[str, Any]) -> str:
    return f"{figure['pace'] / 1000:,.0f}" if "pace" in figure else "-"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _read(path: str) -> str:
    file = Path(path)
    return file.read_text() if file.exists() else ""
