"""What stands in a decision, as the fields of the form that corrects it hold it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.portal.decisions.forms import CLASSES, HEADER, LINES, SHARES
from services.portal.decisions.model import Arithmetic
from shared.kernel.money import Money, grouped

Item = Mapping[str, Any]
Fields = dict[str, str]

HAND, ANNEX, FORMULA = "hand", "annex", "formula"
WAYS = (HAND, ANNEX, FORMULA)
ROUNDINGS = (1_000_000, 1_000)


def way_of(one: Item) -> str:
    """How the lines of a decision came about: by hand, from an annex or by a formula."""
    if one["arithmetic"]:
        return FORMULA
    return ANNEX if one["document"] else HAND


def header_fields(one: Item) -> Fields:
    """The head of a decision, with the article that most of its lines rest on."""
    articles = Counter(str(line["article_id"]) for line in one["lines"])
    fields = {name: str(one[name]) for name in (*HEADER, "fiscal_year")}
    demonstration = {"demonstration": "true"} if one["demonstration"] else {}
    return fields | demonstration | {"article_id": articles.most_common(1)[0][0]}


def line_fields(one: Item, labels: Mapping[str, str], articles: Mapping[str, str]) -> Fields:
    """The lines of a decision as rows of a table. Shape: `articles` has the words of each by its id.

    A number of a line that is not its place, as annexes have them, is kept with its row.
    """
    shared = header_fields(one)["article_id"]
    fields: Fields = {}
    for index, line in enumerate(one["lines"]):
        unit, article = line["unit_id"], str(line["article_id"])
        row = {
            "text": line["text"],
            "unit_id": labels.get(str(unit), str(unit)) if unit else "",
            "amount_vnd": _amount(line["amount_vnd"]),
            "quantity": _amount(line["quantity"]) if line["quantity"] else "",
            "note": line["note"],
            "article_id": "" if article == shared else articles.get(article, article),
            "label": "" if line["label"] == str(line["position"]) else line["label"],
        }
        fields |= _at(LINES, index, row)
    return fields


def formula_fields(arithmetic: Arithmetic | None, labels: Mapping[str, str]) -> Fields:
    """The inputs of a calculation as far as it tells them; none where there was none.

    The class of a unit that is in several, and whose amount never counted, is named without its amount.
    """
    if arithmetic is None:
        return {}
    fields: Fields = {"method": "count" if arithmetic.by_count else "class"}
    if arithmetic.by_count:
        amounts = [part.amount_vnd for part in arithmetic.parts]
        rounding = next((one for one in ROUNDINGS if all(amount % one == 0 for amount in amounts)), 1)
        fields |= {"total_vnd": _amount(arithmetic.total_vnd), "rounding_vnd": _amount(rounding)}
    for index, (name, amount) in enumerate(_class_amounts(arithmetic).items()):
        fields |= _at(CLASSES, index, {"name": name, "amount_vnd": amount})
    for index, part in enumerate(arithmetic.parts):
        row = {
            "unit_id": labels.get(part.unit_id, part.unit_id),
            "classes": ", ".join(part.classes),
            "count": _amount(part.count) if arithmetic.by_count else "",
        }
        fields |= _at(SHARES, index, row)
    return fields


def listed_fields(units: Iterable[Item], labels: Mapping[str, str]) -> Fields:
    """Units as the rows of those that share."""
    return {f"{SHARES}-{index}-unit_id": labels[str(one["id"])] for index, one in enumerate(units)}


def rows_in(fields: Mapping[str, str], table: str) -> int:
    """How many rows of a table the fields fill."""
    return len({name.split("-")[1] for name in fields if name.startswith(f"{table}-")})


def _class_amounts(arithmetic: Arithmetic) -> Fields:
    found: Fields = {}
    for part in arithmetic.parts:
        for name in part.classes:
            found.setdefault(name, "")
        if len(part.classes) == 1:
            found[part.classes[0]] = _amount(part.amount_vnd)
    return found


def _at(table: str, index: int, row: Mapping[str, str]) -> Fields:
    return {f"{table}-{index}-{name}": str(text) for name, text in row.items()}


def _amount(amount: int) -> str:
    return grouped(Money(amount))


def with_current(offered: Sequence[str], current: str) -> tuple[str, ...]:
    """The codes that a field offers, with the one that stands there."""
    return tuple(dict.fromkeys([*offered, current]))
