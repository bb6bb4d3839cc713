"""Which unit each line of an annex means; a line that names a work and no unit waits for a person."""

from __future__ import annotations

from uuid import UUID

from services.allocation.annexes.labels import bullet_of
from services.allocation.annexes.report import Problems, Unmatched
from services.allocation.annexes.tree import Forest, Node
from shared.kernel.names import search_key, squashed, without_kind
from shared.kernel.unit_names import Match, UnitNames

NEAREST_LINES_MAX = 300  # comparing one text with every name costs milliseconds


def match_units(
    forest: Forest, units: UnitNames, column: int, problems: Problems
) -> tuple[dict[int, UUID], tuple[Unmatched, ...]]:
    """The unit of each line by its row, and the lines that name none; mistakes go to the problems."""
    matched: dict[int, UUID] = {}
    unmatched: list[Unmatched] = []
    for node in forest.nodes():
        if not node.row.text:
            continue
        offer = len(unmatched) < NEAREST_LINES_MAX
        match = units.find(node.row.text, tuple(reversed(node.headings)), offer=offer)
        if match.unit is not None:
            matched[node.row.row] = match.unit.id
            continue
        _note(match, node, column, problems)
        if not node.children or match.meant:
            near = tuple(unit.label for unit in match.candidates) or match.nearest
            unmatched.append(Unmatched(node.row.row, node.row.text, near))
    return matched, tuple(unmatched)


def check_duplicates(forest: Forest, column: int, problems: Problems) -> None:
    """A problem for every line that stands twice in its group."""
    first: dict[tuple[int, str], Node] = {}
    for node in forest.leaves():
        key = squashed(without_kind(search_key(_words(node))))
        if not key:
            continue
        earlier = first.setdefault((id(node.parent), key), node)
        if earlier is not node:
            problems.add(
                "duplicate_line",
                f'"{node.row.text}" stands in row {earlier.row.row} already and would be paid twice. '
                "Take one out, or say what is different.",
                node.row.row,
                column,
            )


def _note(match: Match, node: Node, column: int, problems: Problems) -> None:
    if match.candidates:
        names = "; ".join(unit.label for unit in match.candidates)
        problems.add(
            "unit_ambiguous",
            f'"{node.row.text}" can be {names}. Write the kind (xã, phường) or the district, name it in the '
            "heading of the group, or give the date.",
            node.row.row,
            column,
        )
    elif match.meant:
        near = f"; nearest are {', '.join(match.nearest)}" if match.nearest else ""
        problems.add(
            "unit_unknown",
            f'"{node.row.text}" names a unit that is not in the list of that date{near}. Correct the name.',
            node.row.row,
            column,
        )


def _words(node: Node) -> str:
    text = node.row.text
    return text[1:] if bullet_of(text) else text
