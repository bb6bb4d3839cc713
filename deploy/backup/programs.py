"""PostgreSQL's own programs that make and read dumps, with their bytes passing through us."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import IO, BinaryIO

from deploy.local.postgres import Server
from shared.kernel.errors import Unavailable

COPY_BYTES = 1 << 20
LAST_WORDS = 5


@dataclass(frozen=True, slots=True)
class Programs:
    """The client programs in a folder, told how to reach one server."""

    folder: Path
    server: Server

    def dump(self, database: str, snapshot: str | None, target: RawIOBase) -> None:
        """The target holds a dump of a database, as it was in the snapshot.

        Raises: Unavailable with the program's last words.
        """
        # How a server compresses its rows is its own affair: another one may have been built without LZ4.
        wanted = ["--no-toast-compression", *([] if snapshot is None else [f"--snapshot={snapshot}"])]
        with self.output_of("pg_dump", "--format=custom", "--compress=1", *wanted, database) as source:
            shutil.copyfileobj(source, target, COPY_BYTES)

    def restore(self, source: IO[bytes], database: str) -> None:
        """The database, empty before, holds what the dump holds.

        Raises: Unavailable with the program's last words.
        """
        with tempfile.TemporaryFile() as said:
            process = self._started(
                "pg_restore", ("--exit-on-error", "--dbname", database), stdin=subprocess.PIPE, stderr=said
            )
            try:
                _feed(process, source)
            except BaseException:
                process.kill()
                raise
            finally:
                process.wait()
            _ensure_succeeded("pg_restore", process, said)

    @contextmanager
    def output_of(self, program: str, *options: str) -> Iterator[IO[bytes]]:
        """What a program writes; leaving the block waits for its end.

        Raises: Unavailable where it failed.
        """
        with tempfile.TemporaryFile() as said:
            process = self._started(program, options, stdout=subprocess.PIPE, stderr=said)
            assert process.stdout is not None  # noqa: S101 - it was asked for one line above
            try:
                with process.stdout:
                    yield process.stdout
            except BaseException:
                process.kill()
                raise
            finally:
                process.wait()
            _ensure_succeeded(program, process, said)

    @contextmanager
    def running(self, program: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """A program at work; it is killed where the block ends before it."""
        process = self._started(program, options)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    def _started(
        self,
        program: str,
        options: Sequence[str],
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: IO[bytes] | None = None,
    ) -> subprocess.Popen[bytes]:
        path = self.folder / program
        place = ("-h", self.server.host, "-p", str(self.server.port), "-U", self.server.user, "--no-password")
        environment = {**os.environ, "PGPASSWORD": self.server.password}
        try:
            return subprocess.Popen(
                [str(path), *place, *options], env=environment, stdin=stdin, stdout=stdout, stderr=stderr
            )
        except FileNotFoundError as error:
            raise Unavailable(
                f"{path} is not there. Install PostgreSQL's client programs of the server's version, or set "
                "PG_BIN to the folder that holds them."
            ) from error


def _feed(process: subprocess.Popen[bytes], source: IO[bytes]) -> None:
    assert process.stdin is not None  # noqa: S101 - it was asked for where the process was started
    try:
        with process.stdin:
            shutil.copyfileobj(source, process.stdin, COPY_BYTES)
    except BrokenPipeError:
        return  # the program has ended, and says why


def _ensure_succeeded(program: str, process: subprocess.Popen[bytes], said: BinaryIO | IO[bytes]) -> None:
    if process.returncode != 0:
        said.seek(0)
        words = said.read().decode(errors="replace").strip().splitlines()[-LAST_WORDS:]
        raise Unavailable(
            f"{program} failed: {' '.join(words) or f'status {process.returncode}'} Nothing was kept; "
            "mend this and run the command again."
        )
