"""What this service alone is told by its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.settings import SettingMissing

PORTAL_URL = "FUNDTRAIL_PORTAL_URL"
SMTP_HOST = "FUNDTRAIL_SMTP_HOST"
SMTP_PORT = "FUNDTRAIL_SMTP_PORT"
SMS_URL = "FUNDTRAIL_SMS_URL"


@dataclass(frozen=True, slots=True)
class Outside:
    """Where the portal, the mail server and the text-message gateway are."""

    portal_url: str
    smtp_host: str
    smtp_port: int
    sms_url: str


def outside(environment: Mapping[str, str]) -> Outside:
    """The addresses in an environment. Raises: SettingMissing."""
    try:
        return Outside(
            environment[PORTAL_URL],
            environment.get(SMTP_HOST, "127.0.0.1"),
            int(environment[SMTP_PORT]),
            environment[SMS_URL],
        )
    except KeyError as error:
        raise SettingMissing(f"Set {error.args[0]}; docs/operations.md says what it means.") from error
