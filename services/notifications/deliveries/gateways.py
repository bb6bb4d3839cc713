"""The outside of this service: who can be reached where, the mail server, the text-message gateway.

Each call has a timeout and carries our id as its key, so a repeat after a crash can be recognised.
"""

from __future__ import annotations

import json
import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import requests

from services.notifications.templates.model import Text
from shared.kernel.errors import Unavailable

TIMEOUT_S = 10
SENDER = "fundtrail@localhost"


@dataclass(frozen=True, slots=True)
class MailServer:
    """An SMTP server."""

    host: str
    port: int

    def send(self, delivery_id: str, to: str, text: Text) -> None:
        """Hand one mail over. Raises: Unavailable."""
        mail = EmailMessage()
        mail["Message-ID"] = f"<{delivery_id}@fundtrail>"
        mail["From"], mail["To"], mail["Subject"] = SENDER, to, text.subject
        mail.set_content(text.body)
        try:
            with smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S) as server:
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(f"The mail server did not take the mail: {type(error).__name__}.") from error


@dataclass(frozen=True, slots=True)
class SmsGateway:
    """An HTTP gateway for text messages."""

    url: str

    def send(self, delivery_id: str, to: str, text: Text) -> None:
        """Hand one text message over. Raises: Unavailable."""
        try:
            reply = requests.post(
                self.url, json={"id": delivery_id, "to": to, "text": text.sms}, timeout=TIMEOUT_S
            )
            reply.raise_for_status()
        except requests.RequestException as error:
            raise Unavailable(f"The gateway did not take the message: {type(error).__name__}.") from error


class Contacts:
    """Asks the portal who holds a permission and how to reach them, as a service account."""

    def __init__(self, portal_url: str, account_file: Path) -> None:
        self._portal_url = portal_url
        self._account_file = account_file
        self._token: str | None = None

    def holders(self, permission: str, unit_id: str | None) -> list[dict[str, Any]]:
        """Everybody who must hear of something. Raises: Unavailable."""
        query = {"permission": permission} | ({"unit_id": unit_id} if unit_id else {})
        try:
            reply = self._get("/v1/contacts", query)
            if reply.status_code == requests.codes.unauthorized:
                self._token = None
                reply = self._get("/v1/contacts", query)
            reply.raise_for_status()
            found: list[dict[str, Any]] = reply.json()["items"]
        except (requests.RequestException, OSError, KeyError, TypeError, ValueError) as error:
            raise Unavailable(f"The portal did not say whom to reach: {type(error).__name__}.") from error
        return found

    def _get(self, path: str, query: dict[str, str]) -> requests.Response:
        if self._token is None:
            self._token = self._sign_in()
        headers = {"Authorization": f"Bearer {self._token}"}
        return requests.get(self._portal_url + path, query, headers=headers, timeout=TIMEOUT_S)

    def _sign_in(self) -> str:
        account = json.loads(self._account_file.read_text())
        reply = requests.post(f"{self._portal_url}/v1/tokens", json=account, timeout=TIMEOUT_S)
        reply.raise_for_status()
        return str(reply.json()["access_token"])
