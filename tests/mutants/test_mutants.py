"""Each guarantee has a patch that breaks it, and a test that fails with the patch."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent
COPIED = ("shared", "services", "deploy", "tests", "docs", "requirements", "pyproject.toml", "README.md")
PATCHES = sorted(FOLDER.glob("*.patch"))
PACKAGES = ("shared", "services", "deploy")
NOT_COPIED = ("__pycache__", ".hypothesis", ".fundtrail", "*.egg-info")
RUN_S = 600


@dataclass(frozen=True, slots=True)
class Mutant:
    """A small change that takes a guarantee away, and the test that must notice."""

    path: Path
    guarantee: str
    test: str
    files: tuple[str, ...]

    @classmethod
    def of(cls, path: Path) -> Mutant:
        head, _, diff = path.read_text().partition("\n\n")
        fields = dict(line.split(": ", 1) for line in head.splitlines())
        files = tuple(re.findall(r"^\+\+\+ b/(\S+)$", diff, re.MULTILINE))
        return cls(path, fields["Guarantee"], fields["Test"], files)


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a run of tests: how many passed, failed by an assertion, and could not even be tried."""

    status: int
    passed: int
    failed: int
    errors: int
    output: str


MUTANTS = [Mutant.of(path) for path in PATCHES]


def copied(target: Path) -> Path:
    """The sources in a folder of their own."""
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns(*NOT_COPIED))
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / name)
    return target


def apply(mutant: Mutant, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "apply", *options, str(mutant.path)],
        cwd=folder,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def environment(folder: Path) -> dict[str, str]:
    """The copy comes before anything installed; the run is no part of the one that starts it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    return {**kept, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def run_tests(folder: Path, *tests: str) -> Ran:
    report = folder / "report.xml"
    options = ("-q", "-p", "no:randomly", "-p", "no:xdist", f"--rootdir={folder}", f"--junitxml={report}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_S,
    )
    suite = ET.parse(report).getroot().find("testsuite")  # noqa: S314 - pytest wrote it a moment ago
    assert suite is not None, done.stdout + done.stderr
    count = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
    passed = count["tests"] - count["failures"] - count["errors"] - count["skipped"]
    return Ran(done.returncode, passed, count["failures"], count["errors"], done.stdout[-4000:])


def where_imported_from(folder: Path, files: tuple[str, ...]) -> list[str]:
    """The files that a run in the folder imports for the modules that a patch changes."""
    modules = [path.removesuffix(".py").replace("/", ".") for path in files if "/versions/" not in path]
    script = "import importlib, sys; [print(importlib.import_module(m).__file__) for m in sys.argv[1:]]"
    done = subprocess.run(
        [sys.executable, "-c", script, *modules],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def guarantees() -> dict[str, list[str]]:
    """The mutants of each guarantee, as the document names them."""
    lines = (REPOSITORY / "docs" / "GUARANTEES.md").read_text().splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")
    ]
    return {row[0]: re.findall(r"`(\w+)`", row[-1]) for row in rows[1:]}


def names(of: Callable[[Mutant], str]) -> Counter[str]:
    return Counter(of(mutant) for mutant in MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.path.stem)
def test_a_patch_still_applies_and_names_a_test_that_exists(mutant: Mutant) -> None:
    done = apply(mutant, REPOSITORY, "--check")
    assert done.returncode == 0, f"mend the patch or make it anew: {done.stderr}"
    assert mutant.files, "a patch that changes nothing"
    assert all(path.startswith(PACKAGES) for path in mutant.files), "a mutant changes the product only"
    path, _, name = mutant.test.partition("::")
    assert f"def {name}(" in (REPOSITORY / path).read_text()


def test_every_guarantee_has_a_mutant_and_every_mutant_stands_beside_its_guarantee() -> None:
    told = guarantees()
    assert [name for name, mutants in told.items() if not mutants] == []
    by_guarantee: dict[str, set[str]] = {}
    for mutant in MUTANTS:
        by_guarantee.setdefault(mutant.guarantee, set()).add(mutant.path.stem)
    assert {name: set(mutants) for name, mutants in told.items()} == by_guarantee


def test_no_two_mutants_are_the_same_change() -> None:
    changes = names(lambda mutant: mutant.path.read_text().partition("\n\n")[2])
    assert [change for change, count in changes.items() if count > 1] == []


def test_a_copy_is_what_its_tests_import(tmp_path: Path) -> None:
    folder = copied(tmp_path / "copy")
    assert apply(MUTANTS[0], folder).returncode == 0
    found = where_imported_from(folder, tuple(path for mutant in MUTANTS for path in mutant.files))
    assert found
    assert all(path.startswith(f"{folder}/") for path in found)


@pytest.mark.full
@pytest.mark.timeout(RUN_S + 60)
def test_unpatched_every_named_test_passes(tmp_path: Path) -> None:
    folder = copied(tmp_path / "copy")
    wanted = sorted(names(lambda mutant: mutant.test))
    ran = run_tests(folder, *wanted)
    assert (ran.status, ran.failed, ran.errors) == (0, 0, 0), ran.output
    assert ran.passed >= len(wanted)


@pytest.mark.full
@pytest.mark.timeout(RUN_S + 60)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.path.stem)
def test_a_mutant_is_killed_by_its_test(mutant: Mutant, tmp_path: Path) -> None:
    folder = copied(tmp_path / "copy")
    assert apply(mutant, folder).returncode == 0
    assert all(path.startswith(f"{folder}/") for path in where_imported_from(folder, mutant.files))
    ran = run_tests(folder, mutant.test)
    assert ran.status == 1, f"the mutant lives: {ran.output}"
    assert ran.failed > 0, f"no test failed by itself: {ran.output}"
