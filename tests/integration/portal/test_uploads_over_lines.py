"""A file over a line that breaks off, to processes that are killed: it arrives, each byte once."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from deploy.local.keeper import free_port
from services.portal.config import SETTINGS
from shared.testing.waiting import wait_until
from tests.integration.figures.line import Line, Pace
from tests.integration.portal.conftest import PASSWORD, Portal
from tests.integration.portal.sending import ANNEX, BYTES, SPOKEN, Service, metadata, service
from tests.integration.portal.test_visits import ACT, TOKEN

ROOT = Path(__file__).resolve().parents[3]
CONTENT = random.Random(19).randbytes(900_001)
PIECE = 256 * 1024
TRIES_MAX = 200
HEADER = {"title": "Phân bổ", "fiscal_year": "2024", "article_id": "a1", "kind": "assign"}


class Office:
    """The pages as they run in earnest: gunicorn with two processes, which a test may kill."""

    def __init__(self, portal: Portal, behind: str, folder: Path) -> None:
        self.port = free_port()
        self._log = folder / "pages.log"
        self._environment = {
            **os.environ,
            **dict.fromkeys(SETTINGS.values(), behind),
            "FUNDTRAIL_SERVICE_DATABASE_URL": portal.addresses.service,
            "FUNDTRAIL_BUS_URL": "kafka://127.0.0.1:1",
            "FUNDTRAIL_ISSUER": "https://portal.test",
            "FUNDTRAIL_JWKS_URL": "http://127.0.0.1:1/jwks",
            "FUNDTRAIL_STATE_DIR": str(portal.state),
            "FUNDTRAIL_PORT": str(self.port),
            "FUNDTRAIL_API_WORKERS": "2",
            "FUNDTRAIL_LOG_LEVEL": "WARNING",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """It answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.portal", "pages"],
                env=self._environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._is_ready, timeout_s=60, what="the pages")

    def kill(self) -> None:
        """Every process of it is gone at once."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).ok
        except requests.RequestException:
            return False


class Officer:
    """Somebody at a browser, over a line of their own."""

    def __init__(self, port: int, username: str) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._base = f"http://127.0.0.1:{port}"
        form = {"at": "/", "act": ACT, "csrf_token": self._token()}
        told = {"username": username, "password": PASSWORD, **form}
        assert self._session.post(f"{self._base}/sign-in", told, allow_redirects=False).status_code == 303
        self._signed = {**SPOKEN, "X-CSRFToken": self._token()}
        self.acknowledged = 0

    def begins(self) -> str:
        """Where the pieces go."""
        told = {"Upload-Length": str(len(CONTENT)), "Upload-Metadata": metadata("phụ lục.xlsx", ANNEX)}
        reply = self._session.post(f"{self._base}/uploads", headers={**self._signed, **told}, timeout=30)
        return reply.headers["Location"]

    def sends_all(self, place: str) -> list[int]:
        """The offsets from which it was gone on, each time after the line broke or another was quicker."""
        offsets: list[int] = []
        for _ in range(TRIES_MAX):
            with contextlib.suppress(requests.RequestException):
                offsets.append(self._offset(place))
                self._sends_from(place, offsets[-1])
                if self.acknowledged == len(CONTENT):
                    return offsets
        raise AssertionError(f"not there after {TRIES_MAX} tries: {offsets}")

    def fills_in(self, name: str) -> int:
        """The status for the form that brings the name of the file."""
        form = {"csrf_token": self._token(), "at": ANNEX, "act": ACT, "upload": name, **HEADER}
        return self._session.post(self._base + ANNEX, form, allow_redirects=False, timeout=60).status_code

    def close(self) -> None:
        self._session.close()

    def _sends_from(self, place: str, offset: int) -> None:
        self.acknowledged = offset
        while self.acknowledged < len(CONTENT):
            told = {"Upload-Offset": str(self.acknowledged), "Content-Type": BYTES}
            piece = CONTENT[self.acknowledged : self.acknowledged + PIECE]
            headers = {**self._signed, **told}
            reply = self._session.patch(self._base + place, piece, headers=headers, timeout=30)
            if reply.status_code == 409:
                return
            reply.raise_for_status()
            self.acknowledged = int(reply.headers["Upload-Offset"])

    def _offset(self, place: str) -> int:
        reply = self._session.head(self._base + place, headers=self._signed, timeout=30)
        reply.raise_for_status()
        return int(reply.headers["Upload-Offset"])

    def _token(self) -> str:
        found = TOKEN.search(self._session.get(f"{self._base}/design", timeout=30).text)
        assert found is not None
        return found[1]


@pytest.fixture
def behind() -> Iterator[tuple[Service, str]]:
    with service() as made:
        yield made


@pytest.fixture
def office(portal: Portal, boss: str, behind: tuple[Service, str], tmp_path: Path) -> Iterator[Office]:
    portal.hire(boss, "lan", "finance_officer")
    made = Office(portal, behind[1], tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.kill()


def arrived(portal: Portal, officer: Officer, place: str, stands: Service) -> None:
    """Nothing, where the file came with its form as it is, and stands here byte by byte."""
    assert portal.one("SELECT sum(size) FROM upload_pieces") == len(CONTENT)
    assert officer.fills_in(place.rpartition("/")[2]) == 303
    assert stands.forms[-1]["file"] == ("phụ lục.xlsx", CONTENT)


def test_a_line_that_breaks_off_in_the_middle_of_pieces(
    portal: Portal, office: Office, behind: tuple[Service, str]
) -> None:
    line = Line(office.port)
    officer, chance = Officer(line.port, "lan"), random.Random(5)
    try:
        place, offsets = officer.begins(), [0]
        while officer.acknowledged < len(CONTENT):
            if line.breaks < 8:
                line.break_off_after(chance.randrange(20_000, 400_000))
            with contextlib.suppress(requests.RequestException):
                offsets.append(officer._offset(place))
                officer._sends_from(place, offsets[-1])
        assert offsets == sorted(offsets)
        assert line.breaks >= 3
        assert any(offset % PIECE for offset in offsets), "what came of a piece counts"
        arrived(portal, officer, place, behind[0])
    finally:
        officer.close()
        line.close()


def test_processes_that_are_killed_lose_the_piece_under_way_at_most(
    portal: Portal, office: Office, behind: tuple[Service, str]
) -> None:
    line = Line(office.port)
    officer = Officer(line.port, "lan")
    place, offset = officer.begins(), 0
    line.slow_down(Pace(bytes_a_second=1_000_000))

    def kill_after(received: int) -> None:
        wait_until(lambda: portal.one("SELECT received FROM uploads") > received, what="another piece")
        office.kill()

    with ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            killing = pool.submit(kill_after, offset)
            with contextlib.suppress(requests.RequestException):
                officer._sends_from(place, offset)
            killing.result(60)
            office.start()
            offset = officer._offset(place)
            assert 0 <= offset - officer.acknowledged <= PIECE
    officer.sends_all(place)
    arrived(portal, officer, place, behind[0])
    officer.close()
    line.close()


def test_two_who_send_one_file_through_two_processes(
    portal: Portal, office: Office, behind: tuple[Service, str]
) -> None:
    officers = [Officer(office.port, "lan") for _ in range(2)]
    place = officers[0].begins()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: one.sends_all(place), officers))
    arrived(portal, officers[0], place, behind[0])
    for one in officers:
        one.close()
