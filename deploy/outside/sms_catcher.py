"""An SMS gateway that sends nothing: it takes POST /messages {to, text, id} and keeps what it took.

The same id a second time is answered as the first time and not kept as another message.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.outside.caught import Caught, Receive, serve
from deploy.outside.folders import stop_event

PATH = "/messages"
FIELDS = {"to", "text", "id"}


def receiver(caught: Caught) -> Receive:
    """The gateway's one act."""

    def receive(path: str, body: bytes) -> tuple[int, Mapping[str, Any]]:
        if path != PATH:
            return 404, {"error": f"post to {PATH}"}
        message = _read(body)
        if message is None:
            return 400, {"error": "send an object with the texts to, text and id, none of them empty"}
        earlier = caught.find(message["id"])
        if earlier is not None and earlier != message:
            return 409, {"error": "this id was used for another message"}
        new = caught.keep(message)
        return 202 if new else 200, {"id": message["id"], "status": "accepted"}

    return receive


def _read(body: bytes) -> dict[str, str] | None:
    try:
        message = json.loads(body)
    except ValueError:
        return None
    if not isinstance(message, dict) or set(message) != FIELDS:
        return None
    return message if all(isinstance(text, str) and text for text in message.values()) else None


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="messages.jsonl is kept there")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    caught = Caught(options.folder / "messages.jsonl")
    stop = stop_event()
    server = serve(options.port, caught, receiver(caught))
    stop.wait()
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    main()
