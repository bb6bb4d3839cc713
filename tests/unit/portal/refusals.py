"""Every code with which the services can refuse something, found in their sources."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+|bug|behind|away|http|kept")
KINDS = ("Rejected", "Denied", "NotFound", "Conflict", "Stale", "Unauthenticated")
# What these take as `code` is no code of a refusal.
OTHER_CODES = frozenset({"Finding", "TransferItem", "UnitItem", "RateItem", "Provider", "Rate"})
# Where findings of `fundtrail check` are made: they are told on a command line, with their own words.
CHECKS = ("services/audit/log/check.py", "services/audit/search/check.py", "services/audit/verifier")
# What a row or a payment can have against it, by code.
TABLES = {
    "services/beneficiaries/reconciliation/model.py": ("UNMATCHED",),
    "services/beneficiaries/reissues/model.py": ("OBSTACLES",),
}


@dataclass
class Refusal:
    """A code, where it is given, and the names of the values that every place gives with it."""

    code: str
    places: list[str] = field(default_factory=list)
    values: set[str] | None = None

    def take(self, place: str, values: set[str]) -> None:
        self.places.append(place)
        self.values = values if self.values is None else self.values & values


@cache
def sources() -> Mapping[str, ast.Module]:
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
        for package in ("services", "shared")
        for path in sorted((ROOT / package).rglob("*.py"))
        if not {"node_modules", "migrations"} & set(path.parts)
    }


@cache
def takers() -> Mapping[str, set[int]]:
    """The places of `code` among what functions and classes of ours take, by their name."""
    nodes = [node for module in sources().values() for node in ast.walk(module)]
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    found: dict[str, set[int]] = defaultdict(set)
    for name in _kinds(classes):
        found[name].add(0)
    for one in classes:
        _note(found, one.name, _fields(one))
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            names = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
            _note(found, node.name, names[1:] if names[:1] in (["self"], ["cls"]) else names)
    return {name: places for name, places in found.items() if name not in OTHER_CODES}


def _kinds(classes: list[ast.ClassDef]) -> set[str]:
    """The classes of refusals, and all that are made of them."""
    kinds, before = set(KINDS), set[str]()
    while kinds != before:
        before = kinds
        kinds = kinds | {one.name for one in classes if any(ast.unparse(base) in kinds for base in one.bases)}
    return kinds


def _fields(one: ast.ClassDef) -> list[str]:
    parts = (part.target for part in one.body if isinstance(part, ast.AnnAssign))
    return [target.id for target in parts if isinstance(target, ast.Name)]


def _note(found: dict[str, set[int]], name: str, names: list[str]) -> None:
    if "code" in names:
        found[name].add(names.index("code"))


def refusals() -> Mapping[str, Refusal]:
    """Every code of a refusal with what is known of it."""
    found: dict[str, Refusal] = {}
    for path, module in sources().items():
        if path.startswith(CHECKS):
            continue
        for code, line, values in (*_called(module), *_listed(module, TABLES.get(path, ())), *_said(module)):
            found.setdefault(code, Refusal(code)).take(f"{path}:{line}", values)
    return found


def _called(module: ast.Module) -> Iterator[tuple[str, int, set[str]]]:
    """Codes that are handed to what takes one."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func).rpartition(".")[2]
        places = takers().get("super" if name == "__init__" else name, {0} if name == "__init__" else set())
        given = [node.args[place] for place in places if place < len(node.args)]
        given += [one.value for one in node.keywords if one.arg == "code"]
        values = {one.arg for one in node.keywords if one.arg}
        for one in given:
            for part in (one.body, one.orelse) if isinstance(one, ast.IfExp) else (one,):
                if isinstance(part, ast.Constant) and CODE.fullmatch(str(part.value)):
                    yield str(part.value), node.lineno, values


def _listed(module: ast.Module, tables: tuple[str, ...]) -> Iterator[tuple[str, int, set[str]]]:
    """Codes that are the keys of a table."""
    for node in ast.walk(module):
        if (
            isinstance(node, ast.AnnAssign)
            and ast.unparse(node.target) in tables
            and isinstance(node.value, ast.Dict)
        ):
            for key in node.value.keys:
                yield str(ast.literal_eval(key or ast.Constant(""))), node.lineno, set()


def _said(module: ast.Module) -> Iterator[tuple[str, int, set[str]]]:
    """Codes of faults that are yielded with what is wrong: a pair or more, the code where a text follows."""
    for node in ast.walk(module):
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            for one, following in zip(node.value.elts, node.value.elts[1:], strict=False):
                is_text = isinstance(following, ast.JoinedStr | ast.Name | ast.Constant)
                if is_text and isinstance(one, ast.Constant) and CODE.fullmatch(str(one.value)):
                    yield str(one.value), node.lineno, set()
