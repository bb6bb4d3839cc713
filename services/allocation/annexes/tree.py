"""Builds the tree of an annex from its printed numbering and ties every sum in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from services.allocation.annexes.labels import (
    Kind,
    bullet_of,
    choose,
    normal_label,
)
from services.allocation.annexes.report import Problems
from services.allocation.annexes.table import Row

EXACT_DIGITS = 80  # sums of 20,000 amounts of 24 digits stay exact


@dataclass(slots=True, eq=False)
class Node:
    """One row with the rows that stand below it; amount is None where none is stated or readable."""

    row: Row
    amount: Decimal | None
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)

    @property
    def headings(self) -> tuple[str, ...]:
        """The texts of the groups around the row, outermost first."""
        above: list[str] = []
        node = self.parent
        while node is not None:
            above.append(node.row.text)
            node = node.parent
        return tuple(reversed(above))

    @property
    def value(self) -> Decimal | None:
        """What the row is worth to the row above it: what it states, else the sum of what is below."""
        return self.amount if self.amount is not None else total_of(self.children)


@dataclass(slots=True)
class Forest:
    """The outermost rows of an annex and the rows that state its total."""

    roots: list[Node]
    totals: list[Node]

    def nodes(self) -> Iterator[Node]:
        """Every row but the totals, from top to bottom."""
        stack = list(reversed(self.roots))
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))

    def leaves(self) -> Iterator[Node]:
        """The rows without rows below them: the lines of the annex."""
        return (node for node in self.nodes() if not node.children)


class _Level:
    """One open level while rows are read: its kind, the last number in it, the row last seen in it."""

    __slots__ = ("kind", "node", "value")

    def __init__(self, kind: Kind, value: int, node: Node) -> None:
        self.kind = kind
        self.value = value
        self.node = node


def build(rows: Sequence[Row], amounts: Sequence[Decimal | None]) -> Forest:
    """The tree of the rows: a label of a kind that is open closes what is deeper, a new kind goes deeper."""
    forest = Forest([], [])
    open_levels: list[_Level] = []
    for row, amount in zip(rows, amounts, strict=True):
        node = Node(row, amount)
        if row.is_total:
            forest.totals.append(node)
            continue
        label = normal_label(row.label) or bullet_of(row.text) or ""
        reading = choose(label, {level.kind: level.value for level in open_levels})
        place = next(
            (i for i, level in enumerate(open_levels) if level.kind == reading.kind), len(open_levels)
        )
        del open_levels[place:]
        if open_levels:
            node.parent = open_levels[-1].node
            node.parent.children.append(node)
        else:
            forest.roots.append(node)
        open_levels.append(_Level(reading.kind, reading.value, node))
    return forest


def total_of(nodes: Sequence[Node]) -> Decimal | None:
    """The exact sum of what rows are worth; None when there are none or one is not known."""
    values = [node.value for node in nodes]
    with localcontext() as context:
        context.prec = EXACT_DIGITS
        total = Decimal(0)
        for value in values:
            if value is None:
                return None
            total += value
    return total if values else None


def check_sums(forest: Forest, amount_column: int, problems: Problems) -> bool:
    """Whether every stated total equals the sum of the rows below it; where not, a problem each."""
    tied = bool(forest.totals)
    pairs = [(node, node.children) for node in forest.nodes() if node.children]
    for node, parts in [*((total, forest.roots) for total in forest.totals), *pairs]:
        computed = total_of(parts)
        if computed is None or (node.amount is None and node in forest.totals):
            tied = False
        elif node.amount is not None and node.amount != computed:
            tied = False
            problems.add("sums_do_not_tie", _difference(node, parts, computed), node.row.row, amount_column)
    return tied


def _difference(node: Node, parts: Sequence[Node], computed: Decimal) -> str:
    stated = node.amount or Decimal(0)
    name = node.row.text or node.row.label
    return (
        f'"{name}" states {_plain(stated)}, but the {len(parts)} rows it stands for (rows '
        f"{parts[0].row.row} to {parts[-1].row.row}) add up to {_plain(computed)}: a difference of "
        f"{_plain(abs(stated - computed))} in the unit of the sheet. Mend the total or the rows."
    )


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f").replace(".", ",") if number else "0"
