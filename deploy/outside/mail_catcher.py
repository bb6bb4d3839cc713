"""A mail server that delivers nothing: every mail is kept as an .eml file and as a line of JSON.

A mail with a Message-ID that came before is counted once, as a mailbox would show it once.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import hashlib
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from deploy.outside.caught import Caught, serve
from deploy.outside.folders import stop_event, whole_or_nothing

SIZE_MAX = 10 * 1024 * 1024


class Keeper:
    """Takes mails from the SMTP server."""

    def __init__(self, folder: Path, caught: Caught) -> None:
        self._folder = folder
        self._caught = caught

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: ANN401, ARG002, N802 - aiosmtpd's name and types
        """Keep one mail, then say so."""
        content: bytes = envelope.content
        message = email.message_from_bytes(content, policy=email.policy.default)
        name = str(message["Message-ID"] or hashlib.sha256(content).hexdigest())
        file = self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.eml"
        with whole_or_nothing(file) as place:
            place.write_bytes(content)
        body = message.get_body(("plain", "html"))
        self._caught.keep(
            {
                "id": name,
                "from": envelope.mail_from,
                "to": list(envelope.rcpt_tos),
                "subject": str(message["Subject"] or ""),
                "text": body.get_content() if body is not None else "",
                "file": file.name,
            }
        )
        return "250 Kept"


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, required=True, help="the mails and messages.jsonl are kept there"
    )
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True, help="answers /readyz and /count")
    options = parser.parse_args()
    caught = Caught(options.folder / "messages.jsonl")
    stop = stop_event()
    mail = Controller(
        Keeper(options.folder, caught),
        hostname="127.0.0.1",
        port=options.smtp_port,
        data_size_limit=SIZE_MAX,
        enable_SMTPUTF8=True,
    )
    mail.start()
    server = serve(options.http_port, caught)
    stop.wait()
    server.shutdown()
    server.server_close()
    mail.stop()


if __name__ == "__main__":
    main()
