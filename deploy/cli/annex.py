"""`fundtrail annex check FILE`: reads an annex as the allocation service would, without any server."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from services.allocation.annexes.reading import read_annex, unreadable
from services.allocation.annexes.report import AnnexReport, Problem, Unmatched
from services.allocation.units.snapshots import published_units
from shared.kernel.money import grouped
from shared.sheets.grid import BYTES_MAX

OK, FAULTY, NOT_READ = 0, 1, 2


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `annex check` to the command."""
    annex = commands.add_parser("annex", help="read the annex of an allocation decision")
    actions = annex.add_subparsers(dest="action", required=True)
    check = actions.add_parser("check", help="list everything that is wrong with an annex, all at once")
    check.add_argument("file", help="a .csv, .xlsx or .xls file")
    check.add_argument(
        "--on",
        type=date.fromisoformat,
        help="units as they stood on this date (YYYY-MM-DD); else any that existed",
    )
    check.add_argument("--json", action="store_true", help="one JSON object instead of text")
    check.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what the parsed arguments ask; the exit status."""
    return check(arguments.file, arguments.on, as_json=arguments.json)


def check(file: str, on: date | None, *, as_json: bool) -> int:
    """Print the report of a file; 0 without problems, 1 with, 2 when the file cannot be opened."""
    report, status = _read(file, on)
    if as_json:
        sys.stdout.write(json.dumps(as_object(report), ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.write(as_text(report))
    return status


def as_object(report: AnnexReport) -> dict[str, Any]:
    """The report as JSON values: `lines` counts the rows without rows below, `items` lists them."""
    return {
        "file": report.file,
        "unit": report.unit,
        "lines": len(report.lines),
        "total_vnd": report.total_vnd,
        "tied": report.tied,
        "problems": [
            {
                "row": problem.row,
                "column": problem.column,
                "code": problem.code,
                "message": problem.message,
            }
            for problem in report.problems
        ],
        "matched_units": report.matched_units,
        "unmatched": [
            {"row": line.row, "text": line.text, "nearest": list(line.nearest)} for line in report.unmatched
        ],
        "items": [
            {
                "row": line.row,
                "label": line.label,
                "text": line.text,
                "amount_vnd": line.amount_vnd,
                "unit_id": None if line.unit_id is None else str(line.unit_id),
                "headings": list(line.headings),
                "note": line.note,
            }
            for line in report.lines
        ],
    }


def as_text(report: AnnexReport) -> str:
    """The report for a person at a terminal."""
    total = "not known" if report.total_vnd is None else f"{grouped(report.total_vnd)} đồng"
    sums = "tie" if report.tied else "do not tie"
    measure = report.unit or "not known"
    parts = [
        f"{report.file}: {len(report.lines)} lines, total {total}",
        f"unit of measure: {measure}; sums {sums}; {report.matched_units} units named",
        *map(_problem_line, report.problems),
        *map(_unmatched_line, report.unmatched),
        f"{len(report.problems)} problems" if report.problems else "no problems",
    ]
    return "\n".join(parts) + "\n"


def _problem_line(problem: Problem) -> str:
    row = problem.row
    place = "file" if row is None else f"{problem.column}{row}" if problem.column else f"row {row}"
    return f"  {place}: {problem.code}: {problem.message}"


def _unmatched_line(line: Unmatched) -> str:
    nearest = f"; nearest: {', '.join(line.nearest)}" if line.nearest else ""
    return f'  row {line.row}: no unit in "{line.text}"{nearest}'


def _read(file: str, on: date | None) -> tuple[AnnexReport, int]:
    name = file.encode("utf-8", "replace").decode()
    try:
        with Path(file).open("rb") as stream:
            content = stream.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = f"{name} cannot be opened: {error}. Check the path and the right to read it."
        return unreadable(name, "file_not_readable", reason), NOT_READ
    report = read_annex(content, name, published_units().names(on))
    return report, OK if report.ok else FAULTY
