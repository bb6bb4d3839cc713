"""The ledger's API as it runs in earnest: gunicorn in processes of its own, which a test may kill."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID

from joserfc import jwt

from deploy.local.keeper import free_port
from deploy.local.provisioning import Addresses
from shared.testing.waiting import wait_until
from tests.bench.figures.http import published
from tests.integration.allocation.house import AUDIENCE, ISSUER
from tests.integration.models.answers import Answer, Unanswered
from tests.integration.models.counter import KEY

ROOT = Path(__file__).resolve().parents[3]
FAR_AHEAD = 4_000_000_000
PATIENCE_S = 30.0


class Branch:
    """A gunicorn of the service on a port of its own, and a line to it for each thread that asks."""

    def __init__(
        self,
        database_url: str,
        jwks_url: str,
        folder: Path,
        units: Iterable[UUID],
        workers: int = 1,
        threads: int = 8,
    ) -> None:
        self.port = free_port()
        self.patience_s = PATIENCE_S
        self._units = [str(one) for one in units]
        self._lines = threading.local()
        self._all_lines: list[http.client.HTTPConnection] = []
        self._starts = 0
        self._tokens: dict[str, str] = {}
        self._log = folder / f"branch-{self.port}.log"
        self._environment = {
            **os.environ,
            "FUNDTRAIL_SERVICE_DATABASE_URL": database_url,
            "FUNDTRAIL_BUS_URL": "kafka://127.0.0.1:1",
            "FUNDTRAIL_ISSUER": ISSUER,
            "FUNDTRAIL_AUDIENCE": AUDIENCE,
            "FUNDTRAIL_JWKS_URL": jwks_url,
            "FUNDTRAIL_STATE_DIR": str(folder / "state"),
            "FUNDTRAIL_PORT": str(self.port),
            "FUNDTRAIL_API_WORKERS": str(workers),
            "FUNDTRAIL_API_THREADS": str(threads),
            "FUNDTRAIL_LOG_LEVEL": "WARNING",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """It answers; lines to what ran before are laid anew."""
        self._starts += 1
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.allocation", "api"],
                env=self._environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self.is_ready, timeout_s=60, what="the API")

    def kill(self) -> None:
        """Every process of it is gone at once (kill -9)."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)

    def close(self) -> None:
        """No process and no line is left."""
        self.kill()
        for line in self._all_lines:
            line.close()

    def kill_worker(self) -> None:
        """One worker is gone at once; gunicorn starts another."""
        wait_until(self.workers, what="a worker")
        for pid in self.workers()[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def workers(self) -> list[int]:
        """The processes that answer."""
        if self._process is None:
            return []
        pid = self._process.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except OSError:
            return []
        return [int(one) for one in children.split()]

    def is_ready(self) -> bool:
        """Whether it can do its work."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            line.request("GET", "/readyz")
            return line.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()

    def send(self, path: str, body: object, key: str | None, who: str = "teller") -> Answer:
        """The answer to a POST. Raises: Unanswered where the line broke."""
        headers = {"Authorization": f"Bearer {self._token(who)}", "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        line = self._line()
        try:
            line.request("POST", path, None if body is None else json.dumps(body), headers)
            reply = line.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException) as error:
            line.close()
            raise Unanswered(str(error)) from error
        if reply.will_close:
            line.close()
        hit = reply.headers.get("Idempotency-Hit") == "true"
        return Answer(reply.status, content, hit, reply.headers.get("Retry-After"))

    def insist(self, path: str, body: object, key: str, who: str = "teller") -> Answer:
        """The answer, asked for under one key until there is one that decides."""
        found: list[Answer] = []

        def decided() -> bool:
            with contextlib.suppress(Unanswered):
                found.append(self.send(path, body, key, who))
            return bool(found) and found[-1].status not in {409, 429, 503}

        wait_until(decided, timeout_s=60, what="an answer")
        return found[-1]

    def log(self) -> str:
        """What its processes wrote."""
        return self._log.read_text(errors="replace")

    def _line(self) -> http.client.HTTPConnection:
        line: http.client.HTTPConnection | None = getattr(self._lines, "line", None)
        if line is None or self._lines.laid_at != self._starts:
            line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience_s)
            self._lines.line, self._lines.laid_at = line, self._starts
            self._all_lines.append(line)
        return line

    def _token(self, who: str) -> str:
        if who not in self._tokens:
            claims = {
                "iss": ISSUER,
                "aud": AUDIENCE,
                "sub": who,
                "name": who,
                "exp": FAR_AHEAD,
                "grants": {"ledger.transfer": self._units},
            }
            self._tokens[who] = jwt.encode({"alg": "ES256", "kid": KEY.kid}, claims, KEY)
        return self._tokens[who]


@contextlib.contextmanager
def branch(
    addresses: Addresses,
    folder: Path,
    units: Iterable[UUID],
    *,
    database_url: str | None = None,
    workers: int = 1,
    threads: int = 8,
) -> Iterator[Branch]:
    """A branch that answers; all its processes are gone afterwards."""
    with published(KEY) as keys:
        made = Branch(database_url or addresses.service, keys, folder, units, workers, threads)
        try:
            made.start()
            yield made
        finally:
            made.close()
