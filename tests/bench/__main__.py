"""`python -m tests.bench`: take every figure, write it down, and say what was missed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.bench import report
from tests.bench.figures import bus, http, iso, ledger, log, month, pages, payroll, register, statement
from tests.bench.harness import Bench, Result, run
from tests.bench.site import open_site

BENCHES: tuple[Bench, ...] = tuple(
    bench
    for room in (ledger, http, payroll, register, statement, iso, bus, log, month, pages)
    for bench in room.BENCHES
)


def say(line: str) -> None:
    """Show progress at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 1 where a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", default="", help="names of benches, or how they begin, with commas between")
    parser.add_argument("--divide", type=int, help="only this share of the size, once, without goals")
    parser.add_argument("--rounds", type=int, help="so many rounds of each, instead of three")
    given = parser.parse_args(arguments)
    wanted = [name for name in given.only.split(",") if name]
    chosen = [one for one in BENCHES if not wanted or any(one.name.startswith(name) for name in wanted)]
    results: list[Result] = []
    with open_site(say) as site:
        where = report.machine(site)
        for bench in chosen:
            began = time.monotonic()
            shares = (given.divide,) if given.divide else bench.shares
            rounds = 1 if given.divide else given.rounds or bench.rounds
            results.append(run(bench, site, shares, rounds, say))
            say(f"{bench.name}: {time.monotonic() - began:.0f} s")
            if not given.divide:  # at once: what is measured is kept, even if the rest is broken off
                report.save(report.as_data(results[-1:], where))
    if given.divide:
        return 0
    failures = [*missed(results), *report.worse(report.as_data(results, where))]
    for line in failures:
        say(f"MISSED {line}")
    return 1 if failures else 0


def missed(results: Sequence[Result]) -> list[str]:
    """Every goal that was not reached, in words."""
    return [
        f"{result.bench.name}: {goal.what}: {failure}"
        for result in results
        for goal in result.bench.goals
        for failure in result.failures(goal)
    ]


if __name__ == "__main__":
    sys.exit(main())
