"""The disk to which the log is published is full: nothing is signed that is not published, and it goes on."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.audit.log import handlers, keys, queries
from services.audit.log.loops import Signing
from services.audit.log.model import arrival_of
from services.audit.log.notes import Signer, open_checkpoint
from shared.kernel.errors import Unavailable
from tests.bench.rows import envelopes
from tests.faults.ground import Ground, open_ground

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]

SMALL_BYTES = 64 * 1024
ROWS = 600
ORIGIN = "fundtrail.faults/audit"


@pytest.fixture
def ground() -> Iterator[Ground]:
    with open_ground() as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own; only root may mount one."""
    place = tmp_path / "keys"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_BYTES}", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("a disk of its own can be mounted by root only")
    yield place
    subprocess.run(["umount", str(place)], check=False)


def fill(folder: Path) -> Path:
    """A file that leaves no room on the disk."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as opened:
        while opened.write(bytes(4096)):
            pass
    assert shutil.disk_usage(folder).free == 0
    return ballast


def test_a_full_disk_for_checkpoints_is_waited_for_and_nothing_half_is_left(
    ground: Ground, folder: Path
) -> None:
    rows = [arrival_of(item) for item in envelopes("bench", 2 * ROWS)]
    with ground.database("audit") as addresses, ground.working(addresses, "audit") as unit_of_work:
        with unit_of_work.begin(ground.act()) as work:
            keys.ensure_log(work, folder, ORIGIN)
            handlers.take(work, rows[:ROWS])
        signer: Signer = keys.load_signer(folder)
        signing = Signing(unit_of_work, signer, folder)
        first = signing.step()
        with unit_of_work.begin(ground.act()) as work:
            handlers.take(work, rows[ROWS:])
        ballast = fill(folder)
        for _ in range(3):
            with pytest.raises(Unavailable, match="is full"):
                signing.step()
            assert (folder / keys.CHECKPOINT_FILE).read_text() == first
            with unit_of_work.reading() as connection:
                assert queries.signed_checkpoint(connection).note == first
        ballast.unlink()
        second = signing.step()
        assert second is not None
        assert open_checkpoint(second, signer.verifier).size == 2 * ROWS
        assert (folder / keys.CHECKPOINT_FILE).read_text() == second
        assert sorted(one.name for one in folder.iterdir()) == ["log.checkpoint", "log.key", "log.vkey"]
