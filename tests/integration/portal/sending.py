"""A browser that sends files by the protocol, as our script does, and a service that takes forms."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

from werkzeug.test import TestResponse

from tests.integration.portal.test_visits import ACT, TOKEN, Browser

ANNEX = "/decisions/annex"
REGISTER = "/months/registers"
SPOKEN = {"Tus-Resumable": "1.0.0"}
BYTES = "application/offset+octet-stream"


def metadata(name: str, form: str, modified: int = 1) -> str:
    """As the header has it."""
    told = {"filename": name, "form": form, "modified": str(modified)}
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())


class Sender(Browser):
    """A browser whose script sends files."""

    _token = ""

    def csrf(self) -> str:
        if not self._token:
            found = TOKEN.search(self.client.get("/design").get_data(as_text=True))
            assert found is not None
            self._token = found[1]
        return self._token

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        signed = {**SPOKEN, "X-CSRFToken": self.csrf(), **named}
        return self.client.open(path, method=method, data=body, headers=signed)

    def begins(
        self, length: int, name: str = "phụ lục.xlsx", form: str = ANNEX, **headers: str
    ) -> TestResponse:
        told = {"Upload_Length": str(length), "Upload_Metadata": metadata(name, form), **headers}
        return self.ask("POST", "/uploads", **told)

    def place(self, length: int, name: str = "phụ lục.xlsx", form: str = ANNEX) -> str:
        """Where the pieces of a new file go."""
        reply = self.begins(length, name, form)
        assert reply.status_code == 201, reply.get_data(as_text=True)
        return str(reply.location)

    def sends(self, place: str, offset: int, content: bytes, **headers: str) -> TestResponse:
        told = {"Upload_Offset": str(offset), "Content_Type": BYTES, **headers}
        return self.ask("PATCH", place, content, **told)

    def sent(self, content: bytes, name: str = "phụ lục.xlsx", form: str = ANNEX, piece: int = 1000) -> str:
        """The name of a file that was sent whole, in pieces."""
        place = self.place(len(content), name, form)
        for offset in range(0, len(content), piece):
            assert self.sends(place, offset, content[offset : offset + piece]).status_code == 204
        return place.rpartition("/")[2]

    def offset(self, place: str) -> int:
        """How far the file is here."""
        return int(self.ask("HEAD", place).headers["Upload-Offset"])

    def fills_in(self, path: str, file: tuple[str, bytes] | None = None, **fields: Any) -> TestResponse:  # noqa: ANN401
        """The form, sent as a browser without scripts sends it."""
        data = {"csrf_token": self.csrf(), "at": path, "act": ACT, **fields}
        if file is not None:
            data["file"] = (BytesIO(file[1]), file[0])
        return self.client.post(path, data=data, content_type="multipart/form-data")


class Service:
    """A service that answers what it was told to, and keeps the forms that it was sent."""

    def __init__(self) -> None:
        self.status, self.body = 201, {"id": "01a22000-0000-7000-8000-000000000009"}
        self.silent = False
        self.forms: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []

    def refuses(self, code: str, *faults: dict[str, Any]) -> None:
        self.status, self.body = 422, {"code": code, "detail": "", "errors": list(faults)}  # type: ignore[dict-item]

    def takes(self, body: dict[str, Any]) -> None:
        self.status, self.body = 202, body

    def keep(self, media_type: str, body: bytes) -> None:
        self.bodies.append(body)
        read = message_from_bytes(f"Content-Type: {media_type}\r\n\r\n".encode() + body, policy=policy.HTTP)
        self.forms.append(dict(map(_field, read.iter_parts())))  # type: ignore[attr-defined]


def _field(part: EmailMessage) -> tuple[str, Any]:
    name = str(part.get_param("name", header="content-disposition"))
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return name, (part.get_filename(), content) if part.get_filename() else content.decode()


@contextmanager
def service() -> Iterator[tuple[Service, str]]:
    """The service and its address."""
    made = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, {"items": [], "next_cursor": None})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.keep(self.headers["Content-Type"], body)
            if made.silent:
                self.close_connection = True  # as one does that dies behind its act
                return
            self._answer(made.status, made.body)

        def _answer(self, status: int, body: object) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
