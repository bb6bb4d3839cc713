"""The recipe of the image against the repository."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.images import compose

COPY = re.compile(r"^COPY (?:--\S+ )*(.+)$", re.MULTILINE)
CLEAN = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
DOCKERFILE = (compose.ROOT / "deploy" / "images" / "Dockerfile").read_text()


def test_the_image_copies_what_is_there_and_sends_the_builder_nothing_else() -> None:
    first = DOCKERFILE.split("\nFROM ")[1]
    sources = [word for line in COPY.findall(first) for word in line.split()[:-1]]
    assert sources
    for source in sources:
        assert (compose.ROOT / source).exists(), source
    ignored = (compose.ROOT / "deploy" / "images" / "Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == {one.rstrip("/") for one in sources}


def command_of(text: str) -> list[str]:
    words: list[str] = ast.literal_eval(re.findall(r"^CMD (.*)$", text, re.MULTILINE)[0])
    return words


def test_the_image_is_small_pinned_and_nobodys() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases[0])
    last = DOCKERFILE.split("\nFROM ")[-1]
    assert re.findall(r"^USER (.*)$", last, re.MULTILINE) == ["10001:10001"]
    assert "RUN" not in last, "nothing is installed in what is shipped"
    assert "--require-hashes --requirement requirements/${LOCK}.lock" in DOCKERFILE
    assert command_of(last)[:2] == ["python", "-m"]
    assert compose.own()["audit-api"]["build"]["dockerfile"] == "deploy/images/Dockerfile"


@pytest.mark.full
def test_what_the_recipe_runs_makes_a_place_in_which_every_process_knows_itself(tmp_path: Path) -> None:
    """Every step of the builder, in folders of this machine; the packages come by their hashes."""
    names = {"/opt/fundtrail": "venv", "/opt/node": "node", "/srv/fundtrail": "state"}
    places = {there: str(tmp_path / here) for there, here in names.items()}
    application = tmp_path / "app"
    application.mkdir()
    ours = f"--owner={os.getuid()} --group={os.getgid()}"
    for step, words in re.findall(r"^(RUN|COPY) (.*)$", DOCKERFILE.split("\nFROM ")[1], re.MULTILINE):
        if step == "COPY":
            *sources, target = words.split()
            copy(sources, application / target)
            continue
        command = words.replace("${LOCK}", "runtime").replace("--owner=10001 --group=10001", ours)
        for there, here in places.items():
            command = command.replace(there, here)
        run(command.split(), application)
    python = str(tmp_path / "venv" / "bin" / "python")
    usage = run([python, *command_of(DOCKERFILE)[1:]], application)
    assert usage.startswith("usage: fundtrail")
    for module in {one["command"][2] for one in compose.processes().values()}:
        found = subprocess.run(
            [python, "-m", module], cwd=application, env=CLEAN, capture_output=True, text=True, check=False
        )
        assert (found.returncode, found.stderr.split()[0]) == (2, "Usage:"), found.stderr
    assert run([python, "-m", "pip", "check"], application).startswith("No broken requirements")
    assert not (application / "tests").exists()


def copy(sources: list[str], target: Path) -> None:
    for source in sources:
        place = compose.ROOT / source
        if place.is_dir():
            shutil.copytree(place, target, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            target.mkdir(exist_ok=True)
            shutil.copy(place, target)


def run(command: list[str], folder: Path) -> str:
    if command[0] == "python":
        command = [sys.executable, *command[1:]]
    done = subprocess.run(
        command, cwd=folder, env=CLEAN, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout
