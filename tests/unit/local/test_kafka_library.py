from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from deploy.local import kafka
from deploy.local.kafka import POM, SUMS, Tools, ensure_library, library_folder
from deploy.local.spawn import CannotStart

TOOLS = Tools("/nonexistent/java", "/nonexistent/mvn")


def test_every_jar_has_one_sum_and_the_release_is_the_one_of_the_pom() -> None:
    lines = [line.split() for line in SUMS.read_text().splitlines()]
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest, _ in lines)
    names = [name for _, name in lines]
    assert len(names) == len(set(names)) > 80
    version = re.search(r"<kafka.version>(.+)</kafka.version>", POM.read_text())
    assert version is not None
    assert f"kafka_2.13-{version[1]}.jar" in names
    assert f"kafka-tools-{version[1]}.jar" in names


def test_another_set_of_sums_has_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = library_folder({"FUNDTRAIL_CACHE": "/cache"})
    other = tmp_path / "jars.sha256"
    other.write_text("00  a.jar\n")
    monkeypatch.setattr(kafka, "SUMS", other)
    assert before.parent == library_folder({"FUNDTRAIL_CACHE": "/cache"}).parent == Path("/cache")
    assert before != library_folder({"FUNDTRAIL_CACHE": "/cache"})


def test_a_jar_that_was_changed_is_named_and_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    sums = tmp_path / "jars.sha256"
    contents = {"a.jar": b"a", "b.jar": b"b"}
    sums.write_text(
        "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in contents.items())
    )
    monkeypatch.setattr(kafka, "SUMS", sums)
    for name, data in contents.items():
        (library / name).write_bytes(data)
    assert ensure_library(library, TOOLS, print) == library
    (library / "b.jar").write_bytes(b"evil")
    with pytest.raises(CannotStart, match=r"b\.jar differ or are missing. Nothing was started"):
        ensure_library(library, TOOLS, print)
    (library / "b.jar").write_bytes(b"b")
    (library / "extra.jar").write_bytes(b"c")
    with pytest.raises(CannotStart, match=r"extra\.jar"):
        ensure_library(library, TOOLS, print)
