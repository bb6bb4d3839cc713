"""What imports what, and when: held by reading the source, so that it cannot slip."""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("shared", "services", "deploy")
MONEY_MODULES = (
    "shared/kernel/money.py",
    "shared/sheets/grid.py",
    "services/allocation/ledger/*.py",
    "services/allocation/funding/*.py",
    "services/allocation/formulas/*.py",
    "services/allocation/decisions/model.py",
    "services/beneficiaries/rates/*.py",
    "services/beneficiaries/entitlements/*.py",
    "services/beneficiaries/obligations/*.py",
    "services/beneficiaries/payroll/*.py",
    "services/beneficiaries/lists/*.py",
    "services/beneficiaries/openings/*.py",
    "services/beneficiaries/reconciliation/*.py",
)
DAYS_AND_CELLS = {
    "shared/sheets/grid.py"
}  # a day of a spreadsheet is a fraction; amounts become Decimal there


def sources() -> list[Path]:
    return sorted(
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts
    )


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path, known: set[str]) -> set[str]:
    """Our own modules that a module imports, at any place but for types only."""
    found: set[str] = set()
    for node in _run_time_nodes(tree(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update(
                full if (full := f"{node.module}.{alias.name}") in known else node.module
                for alias in node.names
            )
    return found & known


def _run_time_nodes(module: ast.Module) -> Iterator[ast.AST]:
    todo: list[ast.AST] = [module]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        todo.extend(ast.iter_child_nodes(node))


def test_package_files_are_empty() -> None:
    full = [str(path) for path in sources() if path.name == "__init__.py" and path.read_text().strip()]
    assert full == []


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for path in sources()}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_nothing_is_imported_late() -> None:
    late = [
        f"{name_of(path)}:{inner.lineno}"
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert late == []


def test_no_module_imports_itself_round_a_circle() -> None:
    known = {name_of(path) for path in sources()}
    graph = {name_of(path): imported(path, known) for path in sources()}
    assert circle(graph) == []


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """The modules of one circle, if there is any."""
    done: set[str] = set()

    def search(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for following in sorted(graph.get(module, ())):
            if found := search(following, [*way, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(graph) if (found := search(module, []))), [])


def test_a_circle_would_be_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_features_of_a_service_use_each_other_in_one_direction() -> None:
    known = {name_of(path) for path in sources()}
    graph: dict[str, set[str]] = defaultdict(set)
    for path in sources():
        here = feature(name_of(path))
        there = {feature(name) for name in imported(path, known)}
        graph[here] |= {name for name in there if name and name != here} if here else set()
    assert circle(graph) == []


def feature(module: str) -> str:
    """The feature a module belongs to, as services.<service>.<feature>; empty for what is none."""
    parts = module.split(".")
    inside = len(parts) >= 4 and parts[0] == "services" and parts[2] != "migrations"
    return ".".join(parts[:3]) if inside else ""


def money_modules() -> list[Path]:
    return sorted({path for pattern in MONEY_MODULES for path in ROOT.glob(pattern)})


def test_there_are_money_modules_where_we_look() -> None:
    assert all(list(ROOT.glob(pattern)) for pattern in MONEY_MODULES)


@pytest.mark.parametrize("path", money_modules(), ids=name_of)
def test_no_float_comes_near_money(path: Path) -> None:
    found = [f"line {node.lineno}: {what}" for node, what in floats(tree(path))]
    allowed = str(path.relative_to(ROOT)) in DAYS_AND_CELLS
    assert allowed or found == []


def floats(module: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Every place where a float could come from."""
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node, f"the number {node.value}"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            yield node, "a true division"
        elif isinstance(node, ast.Name) and node.id == "float":
            yield node, "the name float"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "round":
            yield node, "round, which rounds halves to even"


def test_a_float_would_be_found() -> None:
    for text in ("x = 1.5", "x = a / b", "x = float(a)", "x = round(a)"):
        assert list(floats(ast.parse(text)))
    assert not list(floats(ast.parse("x = a // b")))


COMMITTING = {
    "shared.db.unit_of_work",  # the one place for changes of services
    "shared.db.migrations",  # the owner's tables, before any service runs
    "shared.journal.relay",  # its cursor, after the bus has acknowledged
    "shared.journal.positions",  # takes a transaction id; changes nothing
    "shared.bus.postgres",  # the bus's own database
    "shared.bus.postgres_subscription",
    "shared.bus.kafka_subscription",  # offsets, in Kafka
}


def test_only_the_unit_of_work_the_relay_and_the_bus_commit() -> None:
    found = {
        name_of(path)
        for path in sources()
        if path.parts[len(ROOT.parts)] in {"shared", "services"} and commits(tree(path))
    }
    assert found <= COMMITTING, found - COMMITTING


def commits(module: ast.Module) -> bool:
    """Whether a module ends transactions: by commit, or by a block of an engine or connection."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value).rsplit(".", maxsplit=1)[-1].strip("_")
            if node.func.attr == "commit" or (
                node.func.attr in {"begin", "transaction"} and owner in CONNECTIONS
            ):
                return True
    return False


CONNECTIONS = {"engine", "connection"}


def test_a_commit_would_be_found() -> None:
    for text in ("connection.commit()", "self._engine.begin()", "with work.connection.transaction(): pass"):
        assert commits(ast.parse(text))
    for text in ("self._unit_of_work.begin(act)", "work.connection.begin_nested()"):
        assert not commits(ast.parse(text))


def test_the_demonstration_knows_no_service() -> None:
    known = {name_of(path) for path in sources()}
    foreign = {
        name
        for path in (ROOT / "deploy" / "demo").rglob("*.py")
        for name in imported(path, known)
        if name.split(".")[0] in {"services", "shared"}
    }
    assert foreign == set(), "the main job is a pure client of the public API"


def test_those_outside_know_no_service() -> None:
    known = {name_of(path) for path in sources()}
    foreign = {
        name
        for path in (ROOT / "deploy" / "outside").rglob("*.py")
        for name in imported(path, known)
        if name.split(".")[0] in {"services", "shared"}
    }
    assert foreign == set(), "providers know nothing but the files in their inbox"


def test_every_feature_has_its_place_in_the_declared_order() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    for service in (path for path in (ROOT / "services").iterdir() if (path / "app.py").exists()):
        (declared,) = [one for one in contracts if one.get("containers") == [f"services.{service.name}"]]
        places = {name.strip(" ()") for layer in declared["layers"] for name in layer.split("|")}
        features = {path.parent.name for path in service.glob("*/*.py")} - {"migrations", "verifier"}
        assert features == places, service.name
