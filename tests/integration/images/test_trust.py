"""With TLS a service believes the authority that its container names, and no other."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.integration.images import compose
from tests.integration.images.certificates import Authority

ASK = {
    "keys of the issuer": "from shared.web.context import get_keys; print(get_keys({url!r}))",
    "contacts of the portal": """
from pathlib import Path
from services.notifications.deliveries.gateways import Contacts
account = Path("account.json")
account.write_text("{{}}")
print(Contacts({url!r}, account).holders("lists.submit", None))
""",
}


class Portal(BaseHTTPRequestHandler):
    """Answers as the portal does, to whatever it is asked."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name http.server uses
        pass

    def _answer(self) -> None:
        body = json.dumps({"keys": [], "items": [], "access_token": "token"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a portal with a certificate, and the file of the authority that signed it."""
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.key_and_chain("portal", "127.0.0.1"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_address[1]}", authority.file
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("what", ASK)
def test_a_service_asks_whom_its_container_lets_it_believe(
    what: str, sealed: tuple[str, Path], tmp_path: Path
) -> None:
    url, believed = sealed
    another = Authority(tmp_path, "another").file
    given = compose.env_file("tls.env")
    told = compose.environment(compose.containers()["notifications-worker"], given)
    trust = {name for name, value in told.items() if value == given["AUTHORITY"]} - {"PGSSLROOTCERT"}
    for authority, succeeds in ((believed, True), (another, False)):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", ASK[what].format(url=url)],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(compose.ROOT),
                **dict.fromkeys(trust, str(authority)),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert (done.returncode == 0) == succeeds, done.stderr
        assert succeeds or "Unavailable" in done.stderr or "CERTIFICATE_VERIFY_FAILED" in done.stderr
