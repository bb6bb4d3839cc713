"""Writes the published contracts: `python -m deploy.contracts api`, `events` or `release`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from deploy.contracts import files

COMMANDS: Mapping[str, Callable[[], None]] = {
    "api": lambda: files.write(files.api_files()),
    "events": lambda: files.write(files.event_files()),
    "release": files.release,
}


def main(words: list[str]) -> int:
    """The exit status: 0 once everything is written, 1 where a release was refused, 2 for another command."""
    if len(words) != 1 or words[0] not in COMMANDS:
        print(f"Say one of: {', '.join(COMMANDS)}.", file=sys.stderr)
        return 2
    try:
        COMMANDS[words[0]]()
    except files.ReleaseBroken as error:
        print(f"Not released, because it breaks what was promised:\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
